//! Hosts files: an address and the names it is given.
//!
//! Lists of this form give blocked names an address that leads nowhere: `0.0.0.0`, `::`, or a loopback address.

use std::net::IpAddr;

use crate::list::entry;
use crate::list::format::Piece;
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

/// Whether the line is an address and something after it.
pub(super) fn looks_like(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| std::str::from_utf8(word).ok());
    first.and_then(address).is_some() && words.next().is_some()
}

/// Each name of the line is a piece; a line without address or name is one.
#[inline]
pub(in crate::list) fn pieces<'l>(line: &'l [u8], mut visit: impl FnMut(Piece<'l>)) {
    let Ok(text) = std::str::from_utf8(line) else {
        return visit(Piece::Refused(line, Flaw::NotUtf8));
    };
    let mut words = text.split_whitespace();
    let Some(address) = words.next().and_then(address) else {
        return visit(Piece::Refused(line, Flaw::NoAddress));
    };
    let leads_nowhere = address.is_unspecified() || address.is_loopback();
    let mut named = false;
    for word in words {
        named = true;
        visit(match word {
            word if is_furniture(word) => Piece::Furniture,
            word if !leads_nowhere => Piece::Refused(word.as_bytes(), Flaw::RealAddress),
            word => match entry::name(word) {
                Ok(name) => Piece::Name(name),
                Err(flaw) => Piece::Refused(word.as_bytes(), flaw),
            },
        });
    }
    if !named {
        visit(Piece::Refused(line, Flaw::NoName));
    }
}

/// An address, with the scope that `fe80::1%lo0` has.
fn address(word: &str) -> Option<IpAddr> {
    word.split_once('%').map_or(word, |(address, _scope)| address).parse().ok()
}

/// The first line of many lists blocks the address itself, which means nothing.
fn is_furniture(word: &str) -> bool {
    let word = word.strip_suffix('.').unwrap_or(word);
    word == "0.0.0.0" || FURNITURE.iter().any(|name| name.eq_ignore_ascii_case(word))
}
