//! Names in presentation form (RFC 1035 section 5.1).

use std::fmt;

/// Appends the presentation form of a name in wire form, as [`Name::write_to`](super::Name::write_to) does, but with its letters as they are. Of octets that are no
/// name it appends the labels that are there.
pub fn show_name(to: &mut Vec<u8>, wire: &[u8]) {
    /// What is written to memory.
    struct To<'a>(&'a mut Vec<u8>);
    impl fmt::Write for To<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    if !show_plain(to, wire) {
        // Memory takes any octets: it cannot fail.
        let _ = write_wire(wire, &mut To(to));
    }
}

/// As [`show_name`] for a name of which every octet stands for itself, as nearly always: the lengths between the labels become dots. False
/// for another one, and nothing is appended.
#[inline]
fn show_plain(to: &mut Vec<u8>, wire: &[u8]) -> bool {
    let [first @ 1..=63, body @ .., 0] = wire else { return false };
    let start = to.len();
    to.extend_from_slice(body);
    let shown = &mut to[start..];
    let (mut at, mut dots) = (usize::from(*first), 0);
    while let Some(length) = body.get(at) {
        shown[at] = b'.';
        at += usize::from(*length) + 1;
        dots += 1;
    }
    let mut plain = at == body.len();
    for octet in shown {
        plain &= STANDS[usize::from(*octet)];
        dots -= i32::from(*octet == b'.');
    }
    // A dot within a label would be one more.
    if !plain || dots != 0 {
        to.truncate(start);
        return false;
    }
    true
}

/// Whether an octet stands for itself in presentation form, or is a dot.
static STANDS: [bool; 256] = {
    let mut stands = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        stands[octet] = is_plain(octet as u8) || octet as u8 == b'.';
        octet += 1;
    }
    stands
};

/// Writes a name in wire form.
pub(super) fn write_wire(wire: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    let mut at = 0;
    while let Some(length) = wire.get(at).map(|length| usize::from(*length)).filter(|length| *length > 0) {
        if at > 0 {
            out.write_char('.')?;
        }
        let Some(label) = wire.get(at + 1..at + 1 + length) else { return Ok(()) };
        write_label(label, out)?;
        at += 1 + length;
    }
    if at == 0 { out.write_char('.') } else { Ok(()) }
}

fn write_label(label: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    let mut rest = label;
    // Nearly always the whole label is plain: what is plain is written at once.
    while !rest.is_empty() {
        let plain = rest.iter().position(|octet| !is_plain(*octet)).unwrap_or(rest.len());
        let (as_it_is, others) = rest.split_at(plain);
        out.write_str(std::str::from_utf8(as_it_is).unwrap_or_default())?;
        let Some((&octet, others)) = others.split_first() else { break };
        match octet {
            0x21..=0x7e => {
                out.write_char('\\')?;
                out.write_char(octet as char)?;
            }
            _ => write!(out, "\\{octet:03}")?,
        }
        rest = others;
    }
    Ok(())
}

/// Whether an octet stands for itself in presentation form.
#[inline]
const fn is_plain(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e) && !matches!(octet, b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_appended_as_it_is_written(
            labels in prop::collection::vec(prop_oneof![
                4 => "[a-z0-9-]{1,63}".prop_map(String::into_bytes),
                1 => prop::collection::vec(any::<u8>(), 1..64),
            ], 0..4),
            before in "[a-z]{0,3}",
        ) {
            let mut wire = Vec::new();
            for label in labels {
                wire.push(label.len() as u8);
                wire.extend(label);
            }
            wire.push(0);
            if let Ok(name) = Name::from_wire(&wire) {
                let mut shown = before.clone().into_bytes();
                show_name(&mut shown, name.as_wire());
                prop_assert_eq!(String::from_utf8(shown).unwrap(), format!("{before}{name}"));
            }
        }

        #[test]
        fn octets_that_are_no_name_do_no_harm(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            show_name(&mut Vec::new(), &octets);
        }
    }
}
