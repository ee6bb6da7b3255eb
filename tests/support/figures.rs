//! What a test measured, for whoever runs it with `--nocapture`, and for everybody when it fails.

/// Tells a line.
#[expect(clippy::print_stdout, reason = "the test harness shows it with the test, or keeps it to itself")]
pub fn tell(line: impl std::fmt::Display) {
    println!("{line}");
}
