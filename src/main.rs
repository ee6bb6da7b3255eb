//! The `cordon` program: arguments, run, exit code.
fn main() {}
