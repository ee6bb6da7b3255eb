//! What `cordon serve` says of itself: its own log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Sends the program's own log to standard error. `RUST_LOG` chooses what is told; without it: `info`, and of the DNS library only
/// errors, since its warnings name what was asked. Names and addresses from queries are in the query log, never here.
pub fn tell_of_ourselves() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,hickory_proto=error,hickory_net=error,hickory_resolver=error"));
    let colours = std::io::stderr().is_terminal();
    // A second subscriber cannot be set: whoever set the first one hears everything.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).try_init();
}
