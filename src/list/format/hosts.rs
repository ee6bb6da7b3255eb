//! Hosts files: an address and the names it is given.
//!
//! Lists of this form give blocked names an address that leads nowhere: `0.0.0.0`, `::`, or a loopback address.

use std::net::{IpAddr, Ipv4Addr};

use super::Usual;
use crate::dns::Name;
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

/// An address that leads nowhere, and one name.
pub(super) const USUAL: Usual = Usual { before: &[b"0.0.0.0 ", b"127.0.0.1 "], after: b"", is_listed };

fn is_listed(written: &[u8], name: &Name) -> bool {
    !is_furniture(written) && entry::is_listed(written, name)
}

/// Whether the line is an address and something after it.
pub(super) fn looks_like(line: &[u8]) -> bool {
    let mut words = words(line);
    words.next().and_then(address).is_some() && words.next().is_some()
}

/// Each name of the line is an entry; a line without address or name is one.
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    if line.is_ascii() {
        return names(number, line, words(line), reader);
    }
    match std::str::from_utf8(line) {
        Ok(text) => names(number, line, text.split_whitespace().map(str::as_bytes), reader),
        Err(_) => reader.refuse(number, line, Flaw::NotUtf8),
    }
}

#[inline]
fn names<'l>(number: u32, line: &[u8], mut words: impl Iterator<Item = &'l [u8]>, reader: &mut Reader) {
    let Some(address) = words.next().and_then(address) else {
        return reader.refuse(number, line, Flaw::NoAddress);
    };
    let leads_nowhere = address.is_unspecified() || address.is_loopback();
    let mut named = false;
    for word in words {
        named = true;
        match word {
            word if is_furniture(word) => reader.furniture(),
            word if !leads_nowhere => reader.refuse(number, word, Flaw::RealAddress),
            word => reader.name(number, word, entry::name(word)),
        }
    }
    if !named {
        reader.refuse(number, line, Flaw::NoName);
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// An address, with the scope that `fe80::1%lo0` has.
fn address(word: &[u8]) -> Option<IpAddr> {
    if word == b"0.0.0.0" {
        return Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    let word = std::str::from_utf8(word).ok()?;
    word.split_once('%').map_or(word, |(address, _scope)| address).parse().ok()
}

/// The first line of many lists blocks the address itself, which means nothing.
fn is_furniture(word: &[u8]) -> bool {
    let word = word.strip_suffix(b".").unwrap_or(word);
    // All are short, most names are not.
    word.len() <= LONGEST_FURNITURE
        && (word == b"0.0.0.0" || FURNITURE.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word)))
}
