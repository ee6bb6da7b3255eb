//! Real peers on loopback: name servers of others, started for one test and stopped when it ends.

pub mod certificate;
pub mod client;
pub mod cordon;
pub mod mutant;
pub mod nsd;
pub mod peer;
<<<<<<< HEAD
pub mod rows;
=======
pub mod python;
pub mod rows;
pub mod shared;
>>>>>>> proof
pub mod udp_peer;
pub mod unbound;
pub mod wave;
pub mod wire;
