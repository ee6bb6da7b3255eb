//! Hosts files: an address and the names it is given.
//!
//! Lists of this form give blocked names an address that leads nowhere: `0.0.0.0`, `::`, or a loopback address.

use std::net::{IpAddr, Ipv4Addr};

use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;

/// Names that hosts files come with: passed over, whatever their address.
const FURNITURE: [&str; 14] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
];

/// Length of the longest of them.
const LONGEST_FURNITURE: usize = "localhost.localdomain".len();

/// Whether the line is an address and something after it.
pub(super) fn looks_like(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| std::str::from_utf8(word).ok());
    first.and_then(address).is_some() && words.next().is_some()
}

/// Each name of the line is an entry; a line without address or name is one.
#[inline]
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    let Ok(text) = std::str::from_utf8(line) else {
        return reader.refuse(number, line, Flaw::NotUtf8);
    };
    let mut words = text.split_whitespace();
    let Some(address) = words.next().and_then(address) else {
        return reader.refuse(number, line, Flaw::NoAddress);
    };
    let leads_nowhere = address.is_unspecified() || address.is_loopback();
    let mut named = false;
    for word in words {
        named = true;
        match word {
            word if is_furniture(word) => reader.furniture(),
            word if !leads_nowhere => reader.refuse(number, word.as_bytes(), Flaw::RealAddress),
            word => reader.name(number, word.as_bytes(), entry::name(word.as_bytes())),
        }
    }
    if !named {
        reader.refuse(number, line, Flaw::NoName);
    }
}

/// An address, with the scope that `fe80::1%lo0` has.
fn address(word: &str) -> Option<IpAddr> {
    if word == "0.0.0.0" {
        return Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    word.split_once('%').map_or(word, |(address, _scope)| address).parse().ok()
}

/// The first line of many lists blocks the address itself, which means nothing.
fn is_furniture(word: &str) -> bool {
    let word = word.strip_suffix('.').unwrap_or(word);
    // All are short, most names are not.
    word.len() <= LONGEST_FURNITURE
        && (word == "0.0.0.0" || FURNITURE.iter().any(|name| name.eq_ignore_ascii_case(word)))
}
