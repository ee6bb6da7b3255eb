//! Floor 1: the row of the log.
//!
//! A [`Record`] is what a ticket leaves behind when it closes. It borrows everything: making one costs nothing, and the lane copies it.

pub mod codes;
pub mod columns;
pub mod rtype;

use crate::dns::Name;
use crate::moment::Moment;
use crate::subject::Subject;
use crate::verdict::{Action, Source, Transport};
use std::net::SocketAddr;

/// One query and what became of it: one row of the log, but for node, lane and sequence number, which the lane adds.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When the query arrived.
    pub time: Moment,
    /// Source address and port.
    pub client: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// Name of the network zone; `unmatched` when the client is in none.
    pub network_zone: &'a str,
    /// Generation of the snapshot it was decided by.
    pub generation: u64,
    /// For whom, as known at `time`.
    pub subject: &'a Subject,
    /// The name asked for; none when the packet had no readable question.
    pub qname: Option<&'a Name>,
    /// The type asked for (a number of the IANA registry); 0 without a question.
    pub qtype: u16,
    /// What happened.
    pub action: Action,
    /// Name of the category that spoke.
    pub category: Option<&'a str>,
    /// Name of the list that spoke.
    pub list: Option<&'a str>,
    /// The rule that spoke.
    pub rule: Rule<'a>,
    /// The response code sent, extended ones included (RFC 6895); none when nothing was sent.
    pub rcode: Option<u16>,
    /// The first extended error sent (RFC 8914).
    pub ede: Option<u16>,
    /// What was answered: first addresses or target in presentation form, comma-separated; empty when there is nothing of the kind.
    pub answer: &'a str,
    /// Where the answer came from; none when none was made.
    pub source: Option<Source>,
    /// The upstream that answered or failed, as the configuration writes it.
    pub upstream: Option<&'a str>,
    /// From arrival to closing, in microseconds.
    pub duration_us: u32,
}

/// The rule of a record. In the column `rule` a line of a list reads `LINE:NAME`, the name being the part of the asked name that the line covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// None spoke.
    None,
    /// A line of the list, covering the last `labels` labels of the asked name.
    Line {
        /// Line number from 1.
        line: u32,
        /// Labels from the right.
        labels: u8,
    },
    /// An entry of the configuration or a built-in rule, as text.
    Text(&'a str),
}
