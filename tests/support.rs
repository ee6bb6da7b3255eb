//! What the tests stand on: Cordon itself, real peers on loopback, started for one test and stopped when it ends.

pub mod certificate;
pub mod client;
pub mod cordon;
pub mod counted;
pub mod exported;
pub mod fate;
pub mod figures;
pub mod house;
pub mod http;
pub mod mutant;
pub mod network;
pub mod nsd;
pub mod peer;
pub mod python;
pub mod rows;
pub mod shared;
pub mod shipped;
pub mod udp_peer;
pub mod unbound;
pub mod wave;
pub mod wire;
