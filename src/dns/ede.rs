//! Extended DNS errors (RFC 8914): why an answer is what it is, for people and programs behind the client.

/// An extended error with a text of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ede<'a> {
    /// Number of the IANA registry.
    pub code: u16,
    /// Short text in UTF-8; may be left out of an answer that would not fit otherwise.
    pub text: &'a str,
}

/// Something else; the text says what.
pub const OTHER: u16 = 0;
/// The answer is past its TTL.
pub const STALE_ANSWER: u16 = 3;
/// Validation failed.
pub const DNSSEC_BOGUS: u16 = 6;
/// The resolver is not ready.
pub const NOT_READY: u16 = 14;
/// Blocked by the operator's policy.
pub const BLOCKED: u16 = 15;
/// The client is not served here.
pub const PROHIBITED: u16 = 18;
/// A stale NXDOMAIN.
pub const STALE_NXDOMAIN: u16 = 19;
/// The server does not do this.
pub const NOT_SUPPORTED: u16 = 21;
/// No upstream could be reached.
pub const NO_REACHABLE_AUTHORITY: u16 = 22;
/// An upstream was reached and failed.
pub const NETWORK_ERROR: u16 = 23;
/// An upstream's answer made no sense.
pub const INVALID_DATA: u16 = 24;
