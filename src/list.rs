//! Floor 1: lists. Lines of a list in, rules out; rules compiled into one flat file; the file asked by name.
//!
//! ```text
//! octets of a list -> read (format/*) -> (line, Rule) | Refusal -> Compiler -> compiled file -> Matcher -> Hits
//! ```
//!
//! Nothing here opens a file: the keeper of lists hands octets in and takes octets out.
//!
//! A name on a list stands for itself and for every name below it, unless its format says otherwise. Names are compared whole, so there is no false positive.

pub mod candidate;
mod code;
pub mod compile;
mod entry;
pub mod format;
pub mod hits;
pub mod journal;
pub mod layout;
pub mod matcher;
mod own;
pub mod read;
pub mod refusal;
pub mod renewal;
pub mod rule;

pub use candidate::{ContentLimits, Unfit, judge};
pub use compile::{CompileError, CompileReport, Compiler, ListCount, Medium};
pub use entry::{asked_name, listed_name};
pub use format::Format;
pub use hits::{Found, Hit, Hits, Kind};
pub use matcher::{Ahead, Matcher, MatcherError};
pub use read::{READING_VERSION, Reading, read, read_and_let_go};
pub use refusal::{Flaw, Refusal};
pub use renewal::Refused;
pub use rule::{Answer, OwnRecord, Role, Rule, Says, Scope, Types};
