//! The records of a policy zone, one after the other, into rules.

use std::collections::HashMap;

use crate::dns::convert::rdata;
use crate::dns::types::rtype;
use crate::dns::{Name, master};
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use crate::list::rule::{Answer, OwnRecord, Rule, Says, Scope, Types};

/// Time to live of a list's own records when nothing in the file says one, in seconds.
const USUAL_TTL: u32 = 300;

/// Types of a signed zone, which say nothing about the policy.
const SIGNATURES: [&str; 9] =
    ["RRSIG", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY", "ZONEMD", "TYPE65534"];

/// A name in the file: absolute, or below the zone itself, whose own name the file may not tell.
#[derive(Clone, Copy)]
struct Place {
    name: Name,
    below_apex: bool,
    /// A character that no host name has, written without the backslash that would say it is meant.
    odd: Option<char>,
}

/// What is known of the zone while it is read.
pub(super) struct Zone {
    /// Its name, when the file tells: the owner of SOA, else the first origin.
    apex: Option<Name>,
    origin: Place,
    owner: Option<Place>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    data: Vec<Data>,
    /// Where in `data` the records of a trigger are: by its wire form and whether it is a wildcard.
    known: HashMap<(Box<[u8]>, Scope), usize>,
}

/// Local data of one trigger.
struct Data {
    line: u32,
    name: Name,
    scope: Scope,
    records: Vec<OwnRecord>,
}

/// A record, its data still as written.
struct Record<'e> {
    rtype: String,
    ttl: u32,
    words: &'e [&'e str],
}

impl Default for Zone {
    fn default() -> Zone {
        Zone {
            apex: None,
            origin: Place { name: Name::ROOT, below_apex: true, odd: None },
            owner: None,
            default_ttl: None,
            last_ttl: None,
            data: Vec::new(),
            known: HashMap::new(),
        }
    }
}

impl Zone {
    /// One entry, which begins on `line`; `written` is that line.
    pub(super) fn entry(&mut self, line: u32, written: &[u8], entry: &str, reader: &mut Reader) {
        let words = master::words(entry);
        let Some(first) = words.first() else { return };
        let indented = entry.starts_with(' ');
        let refused = if first.starts_with('$') && !indented {
            self.directive(&words).err()
        } else {
            let mut rest = words.as_slice();
            if !indented {
                rest = &words[1..];
                self.owner = self.place(first);
            }
            match self.owner {
                Some(owner) => self.record(line, owner, rest, reader).err(),
                None if indented => Some(Flaw::Record("has no name, and no record with one stands before it".into())),
                None => Some(Flaw::Record(format!("`{first}` is no name").into())),
            }
        };
        if let Some(why) = refused {
            reader.refuse(line, written, why);
        }
    }

    /// Hands over the local data, which may have stood in several records.
    pub(super) fn finish(self, reader: &mut Reader) {
        for Data { line, name, scope, records } in self.data {
            let says = Says::Lists(Answer::Records(records.into()));
            reader.rule(line, &Rule { name, scope, says, types: Types::All });
        }
    }

    fn directive(&mut self, words: &[&str]) -> Result<(), Flaw> {
        match (words[0].to_ascii_uppercase().as_str(), &words[1..]) {
            ("$ORIGIN", [name]) => {
                self.origin = self.place(name).ok_or_else(|| Flaw::Record(format!("`{name}` is no name").into()))?;
                if !self.origin.below_apex && self.apex.is_none() {
                    self.apex = Some(self.origin.name);
                }
            }
            ("$TTL", [ttl]) => self.default_ttl = Some(master::seconds(ttl).map_err(|why| Flaw::Record(why.into()))?),
            (directive, _) => return Err(Flaw::Record(format!("{directive} is not followed in a list").into())),
        }
        Ok(())
    }

    fn place(&self, written: &str) -> Option<Place> {
        let name = master::resolve(written, self.origin.name).ok()?;
        let below_apex = self.origin.below_apex && !master::is_absolute(written);
        Some(Place { name, below_apex, odd: odd_character(written) })
    }

    fn record(&mut self, line: u32, owner: Place, words: &[&str], reader: &mut Reader) -> Result<(), Flaw> {
        let record = self.take_apart(words).map_err(|why| Flaw::Record(why.into()))?;
        if record.rtype == "SOA" && !owner.below_apex {
            self.apex = Some(owner.name);
        }
        let trigger = self.trigger(owner)?;
        if trigger.is_root() || SIGNATURES.contains(&record.rtype.as_str()) {
            reader.furniture();
            return Ok(());
        }
        other_trigger(&trigger)?;
        if let Some(odd) = owner.odd {
            return Err(Flaw::Character(odd));
        }
        let (name, scope) = scope(trigger)?;
        match record.rtype.as_str() {
            "NS" | "SOA" | "DNAME" => {
                return Err(Flaw::Record(format!("{} is not for a trigger", record.rtype).into()));
            }
            "CNAME" => {
                let says = self.action(&record, &trigger).map_err(|why| Flaw::Record(why.into()))?;
                reader.rule(line, &Rule { name, scope, says, types: Types::All });
            }
            _ => {
                let own = self.own_record(&record).map_err(|why| Flaw::Record(why.into()))?;
                let next = self.data.len();
                let place = *self.known.entry((name.as_wire().into(), scope)).or_insert(next);
                if place == next {
                    self.data.push(Data { line, name, scope, records: Vec::new() });
                }
                self.data[place].records.push(own);
            }
        }
        Ok(())
    }

    /// `[TTL] [class] type data`, TTL and class in any order.
    fn take_apart<'e>(&mut self, words: &'e [&'e str]) -> Result<Record<'e>, String> {
        let (mut ttl, mut rest) = (None, words);
        let rtype = loop {
            let (word, after) = rest.split_first().ok_or("it has no type")?;
            rest = after;
            match word.to_ascii_uppercase() {
                class if class == "IN" => {}
                class if ["CH", "HS", "CS", "NONE", "ANY"].contains(&class.as_str()) => {
                    return Err(format!("its class is {class}; only IN is answered"));
                }
                _ if ttl.is_none() && word.starts_with(|c: char| c.is_ascii_digit()) => {
                    ttl = Some(master::seconds(word)?);
                }
                rtype => break rtype,
            }
        };
        self.last_ttl = ttl.or(self.last_ttl);
        let ttl = ttl.or(self.default_ttl).or(self.last_ttl).unwrap_or(USUAL_TTL);
        Ok(Record { rtype, ttl, words: rest })
    }

    /// The owner without the name of the zone.
    fn trigger(&self, owner: Place) -> Result<Name, Flaw> {
        let apex = match self.apex {
            Some(apex) if !owner.below_apex => apex,
            _ => return Ok(owner.name),
        };
        if !owner.name.is_at_or_below(&apex) {
            return Err(Flaw::OutOfZone);
        }
        let own = owner.name.wire_len() - apex.wire_len();
        let mut wire = [0; crate::dns::name::MAX_WIRE];
        wire[..own].copy_from_slice(&owner.name.as_wire()[..own]);
        Name::from_wire(&wire).map_err(Flaw::Name)
    }

    /// What an alias asks for: its target may be one of the words of policy zones.
    fn action(&self, record: &Record, trigger: &Name) -> Result<Says, String> {
        let [target] = record.words else { return Err("CNAME needs one value".to_owned()) };
        let says = match target.to_ascii_lowercase().as_str() {
            "." => Says::Lists(Answer::Nxdomain),
            "*." | "*" => Says::Lists(Answer::Nodata),
            "rpz-passthru." | "rpz-passthru" => Says::Except,
            "rpz-drop." | "rpz-drop" => Says::Lists(Answer::Drop),
            "rpz-tcp-only." | "rpz-tcp-only" => Says::Lists(Answer::TcpOnly),
            word if word.starts_with("rpz-") && !word.trim_end_matches('.').contains('.') => {
                return Err(format!("`{target}` is not an action that is known"));
            }
            _ => {
                let whole = master::resolve(target, self.origin.name)?;
                // The first form of a passthrough, still written: a name leads to itself.
                if whole == *trigger {
                    return Ok(Says::Except);
                }
                let prefixed = whole.labels().next() == Some(b"*");
                let target = if prefixed { whole.last_labels(whole.label_count() - 1) } else { whole };
                let alias = OwnRecord::Alias { target: Box::new(target), prefixed, ttl: record.ttl };
                Says::Lists(Answer::Records([alias].into()))
            }
        };
        Ok(says)
    }

    fn own_record(&self, record: &Record) -> Result<OwnRecord, String> {
        let resolve = |word: &str| master::resolve(word, self.origin.name);
        let (number, data) = rdata::to_wire(&record.rtype, record.words, resolve)?;
        debug_assert_ne!(number, rtype::CNAME);
        Ok(OwnRecord::Other { rtype: number, ttl: record.ttl, rdata: data })
    }
}

/// The first character of a written name that host names do not have, unless a backslash stands before it.
fn odd_character(written: &str) -> Option<char> {
    let mut escaped = false;
    written.chars().find(|&c| {
        let was_escaped = escaped;
        escaped = c == '\\' && !was_escaped;
        !was_escaped && !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | '*' | '@' | '\\')
    })
}

/// Triggers by something else than the name asked for are told by their last label.
fn other_trigger(trigger: &Name) -> Result<(), Flaw> {
    match trigger.labels().last() {
        Some(b"rpz-ip") => Err(Flaw::RpzIp),
        Some(b"rpz-client-ip") => Err(Flaw::RpzClientIp),
        Some(b"rpz-nsdname") => Err(Flaw::RpzNsdname),
        Some(b"rpz-nsip") => Err(Flaw::RpzNsip),
        _ => Ok(()),
    }
}

/// The name of a trigger and for which names it stands: itself, or with a leading wildcard all below.
fn scope(trigger: Name) -> Result<(Name, Scope), Flaw> {
    let (name, scope) = match trigger.labels().next() {
        Some(b"*") => (trigger.last_labels(trigger.label_count() - 1), Scope::Below),
        _ => (trigger, Scope::Alone),
    };
    if name.is_root() {
        return Err(Flaw::Everything);
    }
    if name.labels().any(|label| label == b"*") {
        return Err(Flaw::Pattern);
    }
    entry::judge(&name)?;
    match name.label_count() {
        1 => Err(Flaw::SingleLabel),
        _ => Ok((name, scope)),
    }
}
