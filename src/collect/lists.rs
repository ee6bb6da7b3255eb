//! Lists that are fetched over HTTP and HTTPS. The last good content stays in force until better is there.
//!
//! ```text
//! address -> fetch -> unpack -> list::judge -> <data_dir>/downloads/<list>/content   replaced whole, by a rename
//!              |         |          |                                     /state.json  what came of it, when it is due
//!              +---------+----------+--> Refused: told, counted, and nothing in force changes
//! ```
//!
//! A content file is an ordinary list file: whoever compiles lists reads it like any other. `state.json` survives a restart, so that
//! what is unchanged is not transferred again; a lock beside it keeps the server and `cordon lists update` from fetching a list both.

mod abandoned;
mod fetch;
mod folder;
mod renew;
pub mod state;
mod unpack;
mod updater;

pub use folder::Folder;
pub use renew::{Progress, Renewal, Renewed, renew};
pub use state::State;
pub use updater::{Board, Updater};
