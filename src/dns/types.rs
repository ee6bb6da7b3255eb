//! Numbers of the IANA registry "Domain Name System (DNS) Parameters" that Cordon treats as special.

/// Resource record types.
pub mod rtype {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// An authoritative server.
    pub const NS: u16 = 2;
    /// An alias.
    pub const CNAME: u16 = 5;
    /// Start of authority.
    pub const SOA: u16 = 6;
    /// A name for an address.
    pub const PTR: u16 = 12;
    /// Host information; the answer to ANY (RFC 8482).
    pub const HINFO: u16 = 13;
    /// Mail exchange.
    pub const MX: u16 = 15;
    /// Text.
    pub const TXT: u16 = 16;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service location.
    pub const SRV: u16 = 33;
    /// Redirection of a subtree (RFC 6672).
    pub const DNAME: u16 = 39;
    /// EDNS pseudo-record (RFC 6891).
    pub const OPT: u16 = 41;
    /// Service binding (RFC 9460).
    pub const SVCB: u16 = 64;
    /// Service binding for HTTPS (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// Incremental zone transfer.
    pub const IXFR: u16 = 251;
    /// Zone transfer.
    pub const AXFR: u16 = 252;
    /// Mailbox records, obsolete.
    pub const MAILB: u16 = 253;
    /// Mail agent records, obsolete.
    pub const MAILA: u16 = 254;
    /// Any type.
    pub const ANY: u16 = 255;
}

/// Classes.
pub mod class {
    /// The Internet.
    pub const IN: u16 = 1;
    /// CHAOS: what a server says of itself (RFC 4892).
    pub const CH: u16 = 3;
}

/// Operation codes.
pub mod opcode {
    /// A standard query.
    pub const QUERY: u8 = 0;
}

/// Response codes, extended ones included (RFC 6895).
pub mod rcode {
    /// No error.
    pub const NOERROR: u16 = 0;
    /// The server could not read the query.
    pub const FORMERR: u16 = 1;
    /// The server could not answer.
    pub const SERVFAIL: u16 = 2;
    /// No such name.
    pub const NXDOMAIN: u16 = 3;
    /// The server does not do this.
    pub const NOTIMP: u16 = 4;
    /// The server will not answer.
    pub const REFUSED: u16 = 5;
    /// Unknown EDNS version.
    pub const BADVERS: u16 = 16;
}
