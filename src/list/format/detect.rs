//! Which format a content looks like.

use super::{Format, content, hosts, lines};

/// How many lines with content are looked at.
const SAMPLE: usize = 200;

/// What the first lines look like. One line that only ad blockers, or only master files, can mean decides: both readings take plain names
/// and, the former, hosts lines too. For the others most lines must agree; else they are plain names.
pub(super) fn detect(bytes: &[u8]) -> Format {
    let mut votes = Votes::default();
    let said = lines(bytes).map(|line| line.trim_ascii()).filter(|line| !line.is_empty());
    for line in said.take(4 * SAMPLE) {
        if is_adblock(line) {
            return Format::Adblock;
        }
        if line.starts_with(b"#") {
            continue;
        }
        let Some(line) = content(line) else { continue };
        if is_zone_head(line) {
            return Format::Rpz;
        }
        votes.looked_at += 1;
        votes.rpz += usize::from(is_rpz(line));
        votes.dnsmasq += usize::from(has_prefix(line, &[b"address=/", b"server=/", b"local=/"]));
        votes.unbound += usize::from(has_prefix(line, &[b"server:", b"local-zone:", b"local-data:"]));
        votes.hosts += usize::from(hosts::looks_like(line));
        votes.wildcard += usize::from(line.starts_with(b"*."));
        if votes.looked_at == SAMPLE {
            break;
        }
    }
    votes.result()
}

#[derive(Default)]
struct Votes {
    looked_at: usize,
    rpz: usize,
    dnsmasq: usize,
    unbound: usize,
    hosts: usize,
    wildcard: usize,
}

impl Votes {
    fn result(&self) -> Format {
        let counts = [
            (self.rpz, Format::Rpz),
            (self.dnsmasq, Format::Dnsmasq),
            (self.unbound, Format::Unbound),
            (self.hosts, Format::Hosts),
            (self.wildcard, Format::Wildcard),
        ];
        let most = counts.into_iter().find(|(count, _)| count * 2 > self.looked_at);
        most.map_or(Format::Domains, |(_, format)| format)
    }
}

/// A head of ad blockers, a comment of theirs, or a rule that nothing else can be.
fn is_adblock(line: &[u8]) -> bool {
    has_prefix(line, &[b"[adblock", b"[adguard", b"|", b"@@|", b"! ", b"!#"]) || line == b"!"
}

/// What stands before the records of a master file, or is the first of them.
fn is_zone_head(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let directive = first.eq_ignore_ascii_case(b"$ORIGIN") || first.eq_ignore_ascii_case(b"$TTL");
    directive && words.next().is_some() || words.take(3).any(|word| word.eq_ignore_ascii_case(b"SOA"))
}

fn is_rpz(line: &[u8]) -> bool {
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.skip(1).take(3).any(|word| word.eq_ignore_ascii_case(b"CNAME"))
}

/// Whether the line begins with one of these, in any case.
fn has_prefix(line: &[u8], prefixes: &[&[u8]]) -> bool {
    prefixes.iter().any(|prefix| line.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_the_format() {
        for (text, format) in [
            ("", Format::Domains),
            ("# only a comment\n", Format::Domains),
            ("bet.example\nwin.example\n", Format::Domains),
            ("192.0.2.1\n192.0.2.2\nbet.example\n", Format::Domains),
            ("bet.example\n*.win.example\na.example\n", Format::Domains),
            ("# hosts\r\n127.0.0.1 localhost\r\n0.0.0.0 bet.example\r\n", Format::Hosts),
            ("\u{feff}0.0.0.0\tbet.example", Format::Hosts),
            ("fe80::1%lo0 localhost\n:: bet.example\nstray.example\n", Format::Hosts),
            ("[Adblock Plus 2.0]\nbet.example\n", Format::Adblock),
            ("! Title: x\n0.0.0.0 bet.example\n", Format::Adblock),
            ("# x\n||bet.example^\n", Format::Adblock),
            ("|bet.example^$dnsrewrite=NXDOMAIN;;\n", Format::Adblock),
            ("# x\naddress=/bet.example/#\nserver=/win.example/\n", Format::Dnsmasq),
            ("*.bet.example\n*.win.example\nx.example\n", Format::Wildcard),
            ("; zone\n$TTL 60\nbet.example CNAME .\n", Format::Rpz),
            ("@ IN SOA a b 1 2 3 4 5\nbet.example CNAME .\n", Format::Rpz),
            ("bet.example CNAME .\nwin.example 60 IN CNAME .\n", Format::Rpz),
            ("server:\n  local-zone: \"bet.example\" refuse\n", Format::Unbound),
        ] {
            assert_eq!(detect(text.as_bytes()), format, "{text:?}");
        }
    }
}
