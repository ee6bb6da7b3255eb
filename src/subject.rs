//! For whom a query is decided, and how we know.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::moment::Moment;

/// For whom a query is decided: the client address, and what is known of who is behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The address the query came from; an IPv4-mapped IPv6 address is given as IPv4.
    pub client: IpAddr,
    /// What is known beyond the address; shared, so that a query only counts a reference.
    pub known: Option<Arc<Known>>,
}

/// What is known of the subject behind an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The device.
    pub device: Device,
    /// The user, as the source names them; never set where several people share the device.
    pub user: Option<Box<str>>,
    /// Groups the source itself names (a directory's, a RADIUS class). Groups written in the configuration are worked out by policy.
    pub groups: Box<[Box<str>]>,
    /// How it is known.
    pub via: Via,
    /// Since when it is so.
    pub as_of: Option<Moment>,
    /// Several people use this device (a kiosk, a terminal server): a user is never asserted.
    pub shared: bool,
}

/// A computer, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Its link-layer address.
    pub mac: Option<Mac>,
    /// Its host name.
    pub host: Option<Box<str>>,
}

/// A 48-bit link-layer address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Reads `00:11:22:aa:bb:cc`, with `:`, `-` or `.` between groups, or none.
    pub fn parse(text: &str) -> Option<Mac> {
        let mut digits = [0u8; 12];
        let mut count = 0;
        for c in text.chars() {
            match c.to_digit(16) {
                Some(digit) => {
                    *digits.get_mut(count)? = digit as u8;
                    count += 1;
                }
                None if matches!(c, ':' | '-' | '.') => {}
                None => return None,
            }
        }
        if count != 12 {
            return None;
        }
        let mut mac = [0u8; 6];
        for (i, octet) in mac.iter_mut().enumerate() {
            *octet = digits[2 * i] << 4 | digits[2 * i + 1];
        }
        Some(Mac(mac))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// How a subject is known, weakest first; a stronger one outranks a weaker one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A DHCP lease.
    #[default]
    Lease,
    /// A static entry of the configuration.
    Static,
    /// A RADIUS accounting session.
    Radius,
    /// A sign-on event.
    Signon,
}

impl Via {
    /// The word used in the log, the console and the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Via::Lease => "lease",
            Via::Static => "static",
            Via::Radius => "radius",
            Via::Signon => "signon",
        }
    }
}

impl Subject {
    /// A subject of which only the address is known.
    pub fn bare(client: IpAddr) -> Subject {
        Subject { client: client.to_canonical(), known: None }
    }

    /// The user, where one is known and may be asserted.
    pub fn user(&self) -> Option<&str> {
        let known = self.known.as_ref()?;
        if known.shared { None } else { known.user.as_deref() }
    }

    /// The device's link-layer address, where it is known.
    pub fn mac(&self) -> Option<Mac> {
        self.known.as_ref()?.device.mac
    }

    /// The device's host name, where it is known.
    pub fn host(&self) -> Option<&str> {
        self.known.as_ref()?.device.host.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_layer_address_is_read_in_every_usual_form() {
        let mac = Mac([0, 0x11, 0x22, 0xaa, 0xbb, 0xcc]);
        for text in ["00:11:22:aa:BB:cc", "00-11-22-AA-BB-CC", "0011.22aa.bbcc", "001122aabbcc"] {
            assert_eq!(Mac::parse(text), Some(mac), "{text}");
        }
        for text in ["", "00:11:22:aa:bb", "00:11:22:aa:bb:cc:dd", "zz:11:22:aa:bb:cc"] {
            assert_eq!(Mac::parse(text), None, "{text}");
        }
        assert_eq!(mac.to_string(), "00:11:22:aa:bb:cc");
    }

    #[test]
    fn a_shared_device_never_asserts_a_user() {
        let known = Known { user: Some("u1".into()), shared: true, ..Known::default() };
        let subject = Subject { client: "10.0.0.1".parse().unwrap(), known: Some(Arc::new(known)) };
        assert_eq!(subject.user(), None);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(Subject::bare("::ffff:10.0.0.1".parse().unwrap()).client.to_string(), "10.0.0.1");
    }
}
