//! What is asked, apart from who asks it.

use super::Name;

/// Class IN (RFC 1035 section 3.2.4).
pub const CLASS_IN: u16 = 1;

/// A question with the flags of the query that change its answer: two equal questions have the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name asked for, lower-cased.
    pub name: Name,
    /// QTYPE (RFC 1035 section 3.2.3).
    pub qtype: u16,
    /// QCLASS (RFC 1035 section 3.2.5).
    pub qclass: u16,
    /// DO: the asker wants DNSSEC records (RFC 3225).
    pub dnssec_ok: bool,
    /// CD: the asker checks signatures itself (RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
}

impl Question {
    /// A question of class IN without DO and CD.
    pub fn new(name: Name, qtype: u16) -> Question {
        Question { name, qtype, qclass: CLASS_IN, dnssec_ok: false, checking_disabled: false }
    }
}
