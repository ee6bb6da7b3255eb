//! Directives of Unbound: `local-zone: "name" type`, and `local-data` that leads nowhere.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{content, each, numbered};
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use crate::list::rule::{Answer, Rule, Says, Scope};

/// Reads the whole content. Zones are looked for first: data below a zone of the list says only how the zone is answered.
pub(super) fn read(bytes: &[u8], reader: &mut Reader) {
    let mut zones = HashSet::new();
    let is_data = |line: &[u8]| line.trim_ascii_start().starts_with(b"local-data");
    let has_data = numbered(bytes).any(|(_, line)| is_data(line));
    each(if has_data { bytes } else { &[] }, content, |_, line| {
        if let Some(("local-zone", value)) = std::str::from_utf8(line).ok().and_then(directive)
            && let Ok(name) = entry::name(zone(value).0.as_bytes())
        {
            zones.insert(Box::<[u8]>::from(name.as_wire()));
        }
    });
    each(bytes, content, |number, line| {
        let Ok(text) = std::str::from_utf8(line) else {
            return reader.refuse(number, line, Flaw::NotUtf8);
        };
        match directive(text) {
            Some(("local-zone", value)) => local_zone(number, line, value, reader),
            Some(("local-data", value)) => local_data(number, line, value, &zones, reader),
            Some(("server", "")) => reader.furniture(),
            _ => reader.refuse(number, line, Flaw::Directive),
        }
    });
}

fn directive(text: &str) -> Option<(&str, &str)> {
    let (directive, value) = text.split_once(':')?;
    Some((directive.trim_end(), value.trim()))
}

/// Name and type of a zone.
fn zone(value: &str) -> (&str, &str) {
    let (name, kind) = match value.strip_prefix(['"', '\'']) {
        Some(rest) => rest.split_once(['"', '\'']).unwrap_or((rest, "")),
        None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
    };
    (name.trim(), kind.trim().trim_matches(['"', '\'']))
}

fn local_zone(number: u32, line: &[u8], value: &str, reader: &mut Reader) {
    let (written, kind) = zone(value);
    let says = match kind {
        "always_nxdomain" | "static" => Says::Lists(Answer::Nxdomain),
        "always_nodata" => Says::Lists(Answer::Nodata),
        "deny" | "always_deny" | "inform_deny" => Says::Lists(Answer::Drop),
        "refuse" | "always_refuse" | "redirect" | "inform_redirect" | "always_null" => Says::Lists(Answer::Policy),
        "transparent" | "always_transparent" => Says::Except,
        _ => return reader.refuse(number, line, Flaw::ZoneType),
    };
    match entry::name(written.as_bytes()) {
        _ if matches!(written, "" | ".") => reader.refuse(number, line, Flaw::Everything),
        Ok(name) => reader.rule(number, &Rule { says, ..Rule::listing(name) }),
        Err(why) => reader.refuse(number, written.as_bytes(), why),
    }
}

/// `name [ttl] [IN] type data`: an address that leads nowhere lists the name alone, unless a zone of the list has it already.
fn local_data(number: u32, line: &[u8], value: &str, zones: &HashSet<Box<[u8]>>, reader: &mut Reader) {
    let mut words = value.trim_matches(['"', '\'']).split_whitespace();
    let (written, address) = (words.next().unwrap_or(""), words.next_back().unwrap_or(""));
    let leads_nowhere =
        address.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified() || address.is_loopback());
    match entry::name(written.as_bytes()) {
        Err(why) => reader.refuse(number, written.as_bytes(), why),
        Ok(_) if !leads_nowhere => reader.refuse(number, line, Flaw::LocalData),
        Ok(name) if name.suffixes().any(|suffix| zones.contains(suffix)) => reader.furniture(),
        Ok(name) => reader.rule(number, &Rule { scope: Scope::Alone, ..Rule::listing(name) }),
    }
}
