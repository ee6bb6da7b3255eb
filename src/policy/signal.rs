//! Names whose answer is a signal to software on the client: whether there is an address tells it whether it may go past this resolver.
//! The address of a sinkhole would be a yes, so a block that would give one is answered NXDOMAIN, whichever rule made it.

use crate::dns::Name;

/// What an address at `name` would mean to software, where the name is there for that alone. What is below such a name is none.
#[inline]
pub fn signal(name: &Name) -> Option<&'static str> {
    // Octets of different length are told apart before any is compared: for nearly every name that is all there is to do.
    match name.as_wire() {
        // support.mozilla.org, "Canary domain - use-application-dns.net".
        b"\x13use-application-dns\x03net\0" => {
            Some("an address here would tell Firefox to ask a resolver of its own (DNS over HTTPS)")
        }
        // developer.apple.com, "Prepare your network or web server for iCloud Private Relay".
        b"\x04mask\x06icloud\x03com\0" | b"\x07mask-h2\x06icloud\x03com\0" => {
            Some("an address here would tell Apple devices to use iCloud Private Relay")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_the_name_itself_and_nothing_above_below_or_beside_it() {
        let of = |name: &str| signal(&Name::parse(name).unwrap()).is_some();
        for name in ["use-application-dns.net", "MASK.icloud.com", "mask-h2.iCloud.com."] {
            assert!(of(name), "{name}");
        }
        for name in [".", "net", "icloud.com", "www.use-application-dns.net", "a.mask.icloud.com", "musk.icloud.com"] {
            assert!(!of(name), "{name}");
        }
    }
}
