//! Response policy zones: master files whose owners are triggers and whose data are what to do
//! (draft-vixie-dnsop-dns-rpz-00).
//!
//! Triggers by the name asked for become rules. A record that cannot be read costs itself and no other.

mod zone;

use super::numbered;
use crate::dns::master;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use zone::Zone;

/// Most lines an entry in parentheses may go on for. An open parenthesis swallows no more of a list than its own line.
const LONGEST_ENTRY: u32 = 64;

/// Reads the whole content.
pub(super) fn read(bytes: &[u8], reader: &mut Reader) {
    let mut zone = Zone::default();
    let mut entry = String::new();
    let mut lines = numbered(bytes);
    while let Some((begun, first)) = lines.next() {
        let after_first = lines.clone();
        let (mut number, mut line, mut depth) = (begun, first, 0);
        entry.clear();
        let done = loop {
            let flat = match std::str::from_utf8(line) {
                Ok(text) => master::flatten(text, &mut entry, &mut depth).map_err(|text| Flaw::Record(text.into())),
                Err(_) => Err(Flaw::NotUtf8),
            };
            match flat {
                Err(why) => break Err((number, line, why)),
                Ok(()) if depth == 0 => break Ok(()),
                Ok(()) => {}
            }
            match lines.next() {
                Some(next) if number - begun < LONGEST_ENTRY => (number, line) = next,
                _ => {
                    lines = after_first.clone();
                    let why = Flaw::Record("opens a parenthesis that is not closed".into());
                    break Err((begun, first, why));
                }
            }
        };
        match done {
            Ok(()) => zone.entry(begun, first, &entry, reader),
            Err((number, line, why)) => reader.refuse(number, line, why),
        }
    }
    zone.finish(reader);
}
