//! Floor 5: measuring. Load for a name server on this machine, every answer checked, and what the answers cost.
//!
//! ```text
//! names -> Work (queries, and what each has to be answered) -> generators -> the server under test
//!                                                                 |              | CPU of each of its threads
//!                                                                 v              v
//!                                                               Tally ------> Measured
//! ```
//!
//! Nothing here leaves the machine: generators send to 127.0.0.0/8 alone, and the upstream is a thread of this process. `cordon bench` and
//! the benches stand on it; the server does not.

pub mod answer;
pub mod calls;
pub mod generator;
pub mod histogram;
pub mod machine;
pub mod names;
pub mod process;
pub mod server;
pub mod standins;
pub mod window;
pub mod work;

pub use generator::{Pace, Tally};
pub use histogram::Histogram;
pub use machine::{Cores, Machine};
pub use names::{Dice, Names};
pub use process::Spent;
pub use server::{Sealing, Server};
pub use standins::{Echo, Upstream};
pub use window::{Measured, Plan, Target, measure, warm};
pub use work::Work;
