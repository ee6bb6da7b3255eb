//! Directives of dnsmasq: `address=/name/name/target`, `server=/name/`, `local=/name/`. They stand for the names and all below them.

use std::net::IpAddr;

use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use crate::list::rule::Rule;

/// What a line says: a comment begins the line or stands after white space, since `#` alone is a target.
pub(super) fn content(line: &[u8]) -> Option<&[u8]> {
    let comment = (0..line.len()).find(|&at| line[at] == b'#' && line[..at].last().is_none_or(u8::is_ascii_whitespace));
    let line = line[..comment.unwrap_or(line.len())].trim_ascii();
    (!line.is_empty()).then_some(line)
}

/// What a directive does with its names.
enum Does {
    Lists,
    Excepts,
    Refused(Flaw),
}

/// One line is one directive, of any number of names.
pub(super) fn line(number: u32, line: &[u8], reader: &mut Reader) {
    let Ok(text) = std::str::from_utf8(line) else {
        return reader.refuse(number, line, Flaw::NotUtf8);
    };
    let Some((directive, names, target)) = parts(text) else {
        return reader.refuse(number, line, Flaw::Directive);
    };
    let does = match (directive, target) {
        ("address", "" | "#") | ("server" | "local", "") => Does::Lists,
        ("server" | "local", "#") => Does::Excepts,
        ("address", address) => match address.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() || address.is_loopback() => Does::Lists,
            Ok(_) => Does::Refused(Flaw::RealAddress),
            Err(_) => Does::Refused(Flaw::Directive),
        },
        ("server" | "local", _) => Does::Refused(Flaw::Forwarding),
        _ => Does::Refused(Flaw::Directive),
    };
    if let Does::Refused(why) = does {
        return reader.refuse(number, line, why);
    }
    for name in names.split('/') {
        match (name, entry::name(name.as_bytes())) {
            ("" | "#" | "*", _) => reader.refuse(number, line, Flaw::Everything),
            (_, Ok(name)) if matches!(does, Does::Excepts) => reader.rule(number, &Rule::exception(name)),
            (written, name) => reader.name(number, written.as_bytes(), name),
        }
    }
}

/// The directive, the names between its slashes, and what stands after the last slash.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (directive, value) = text.split_once('=')?;
    let (names, target) = value.trim().strip_prefix('/')?.rsplit_once('/')?;
    Some((directive.trim().trim_start_matches("--"), names, target.trim()))
}
