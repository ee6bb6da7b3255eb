//! Why a question got no answer, and whose fault it was.

use std::sync::Arc;

/// An extended DNS error: its code (RFC 8914 section 5.2) and a text for people.
pub type Ede = (u16, String);

/// A question that no upstream answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub blame: Blame,
    /// The server that is to blame, as the configuration writes it; none when it was no single one.
    pub upstream: Option<Arc<str>>,
}

impl Failure {
    /// The extended error that tells a client.
    pub fn ede(&self) -> Ede {
        self.blame.ede()
    }
}

/// What went wrong. The order is that of worth: of two failures the greater says more about the question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    /// There is no server to ask.
    NoServers,
    /// As many questions as may be are on their way already.
    Overloaded,
    /// The resolver is stopping.
    Stopped,
    /// The server could not be spoken to: no route, connection refused, certificate not valid. The text says which.
    Unreachable(String),
    /// Nobody answered in time.
    Timeout,
    /// What came back was no answer to the question.
    Malformed(String),
    /// The server answered REFUSED; with its extended error, if it gave one.
    Refused(Option<Ede>),
    /// The server answered another error than SERVFAIL, REFUSED or NXDOMAIN.
    Rcode(u16, Option<Ede>),
    /// The server answered SERVFAIL; with its extended error, if it gave one.
    ServFail(Option<Ede>),
    /// The server validates, and says that what it got did not hold (RFC 4035 section 4.3: bogus). No other server is asked:
    /// one that does not validate would pass the forgery on.
    Bogus(Ede),
}

impl Blame {
    /// The extended error that tells a client; an upstream's own is passed on.
    pub fn ede(&self) -> Ede {
        let (code, text) = match self {
            Blame::Refused(Some(ede)) | Blame::Rcode(_, Some(ede)) | Blame::ServFail(Some(ede)) | Blame::Bogus(ede) => {
                return ede.clone();
            }
            Blame::NoServers => (23, "no upstream server is configured".to_owned()),
            Blame::Overloaded => (14, "too many questions are waiting for an answer".to_owned()),
            Blame::Stopped => (14, "the resolver is stopping".to_owned()),
            Blame::Unreachable(_) => (23, "no upstream server could be reached".to_owned()),
            Blame::Timeout => (22, "no upstream server answered in time".to_owned()),
            Blame::Malformed(_) => (24, "the upstream server's answer was malformed".to_owned()),
            Blame::Refused(None) => (22, "the upstream server refused".to_owned()),
            Blame::Rcode(rcode, None) => (0, format!("the upstream server answered with error {rcode}")),
            Blame::ServFail(None) => (0, "the upstream server failed".to_owned()),
        };
        (code, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstreams_own_extended_error_is_passed_on() {
        let own = (9, "no DNSKEY matches DS".to_owned());
        assert_eq!(Blame::ServFail(Some(own.clone())).ede(), own);
        assert_eq!(Blame::ServFail(None).ede().0, 0);
        assert_eq!(Blame::Bogus(own.clone()).ede(), own);
    }

    #[test]
    fn an_answer_that_says_no_is_worth_more_than_silence() {
        assert!(Blame::ServFail(None) > Blame::Timeout);
        assert!(Blame::Refused(None) > Blame::Unreachable(String::new()));
        assert!(Blame::Timeout > Blame::Unreachable(String::new()));
    }
}
