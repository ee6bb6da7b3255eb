//! What a person may ask of the rows: a closed form. Different flags must all hold; one flag given several times holds when any of its
//! values does.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::dns::Name;
use crate::moment::Moment;
use crate::record::columns::{Ask, COLUMNS, index_of};
use crate::record::rtype::Rtype;
use crate::subject::{Mac, Via};
use crate::verdict::{Action, Source, Transport};

/// Which rows are meant. The empty filter means all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// When the query arrived.
    pub span: Span,
    /// Conditions, all of which must hold.
    pub terms: Vec<Term>,
}

/// A span of time, its beginning included and its end not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first moment in it; none: from the beginning.
    pub from: Option<Moment>,
    /// The first moment after it; none: without end.
    pub to: Option<Moment>,
}

/// One condition: it holds when any of its wants does.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Which flags feed it: `--name` and `--under` feed one term.
    group: &'static str,
    /// The alternatives.
    pub any: Vec<Want>,
}

/// One thing wanted of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    /// The flag it was asked with, without dashes.
    pub flag: &'static str,
    /// Place of the column in [`COLUMNS`].
    pub column: usize,
    /// What its value must be.
    pub test: Test,
}

/// What a value must be. A null passes [`Test::Null`] alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is null.
    Null,
    /// This text, octet for octet.
    Text(String),
    /// This text, the case of ASCII letters aside: sources of user and host names do not agree on it.
    Folded(String),
    /// This number.
    Number(u64),
    /// An address within this prefix.
    Within(IpNet),
    /// This name or one below it.
    Under(Box<Name>),
    /// This text is one of the comma-separated items.
    Item(String),
}

/// A flag of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without dashes.
    pub name: &'static str,
    /// What stands for its value in help.
    pub value: &'static str,
    /// Its help, the column's meaning included.
    pub help: &'static str,
    /// Place of the column in [`COLUMNS`].
    pub column: usize,
    read: Read,
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Text,
    Folded,
    Number,
    Word(Words),
    Prefix,
    Device,
    Name,
    Under,
    Site,
    Type,
    Rcode,
    Items,
}

/// A closed vocabulary of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Actions,
    Transports,
    Sources,
    Vias,
}

/// Why a value cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{flag} {value:?}: {why}")]
pub struct FilterError {
    /// The flag.
    pub flag: String,
    /// The value as given.
    pub value: String,
    /// What is wrong, and what to write instead.
    pub why: String,
}

/// Every flag of the filter, made from the table of columns; times are read by [`crate::query::when`].
pub fn flags() -> Vec<Flag> {
    let mut flags = Vec::new();
    for (place, column) in COLUMNS.iter().enumerate() {
        let (name, value, read) = match column.name {
            "client" => ("client", "ADDRESS|PREFIX", Read::Prefix),
            "network_zone" => ("zone", "ZONE", Read::Text),
            "policy_generation" => ("generation", "N", Read::Number),
            "device" => ("device", "MAC|HOST", Read::Device),
            "user" | "host" => (column.name, "NAME", Read::Folded),
            "qname" => ("name", "NAME", Read::Name),
            "qtype" => ("type", "TYPE", Read::Type),
            "site" => ("site", "NAME", Read::Site),
            "rcode" => ("rcode", "CODE", Read::Rcode),
            "answer" => ("answer", "ADDRESS|NAME", Read::Items),
            "action" => ("action", "ACTION", Read::Word(Words::Actions)),
            "transport" => ("transport", "TRANSPORT", Read::Word(Words::Transports)),
            "source" => ("source", "SOURCE", Read::Word(Words::Sources)),
            "via" => ("via", "VIA", Read::Word(Words::Vias)),
            name if column.ask == Ask::Equal => match column.kind {
                crate::record::columns::Kind::Text => (name, "TEXT", Read::Text),
                _ => (name, "N", Read::Number),
            },
            _ => continue,
        };
        flags.push(Flag { name, value, help: column.meaning, column: place, read });
        if read == Read::Name {
            let help = "this name and every name below it; with --name: either";
            flags.push(Flag { name: "under", value: "NAME", help, column: place, read: Read::Under });
        }
    }
    flags
}

impl Filter {
    /// Asks for one more value of a flag.
    pub fn ask(&mut self, flag: &Flag, value: &str) -> Result<(), FilterError> {
        let wants =
            flag.wants(value).map_err(|why| FilterError { flag: flag.name.into(), value: value.into(), why })?;
        let group = if flag.read == Read::Under { "name" } else { flag.name };
        match self.terms.iter_mut().find(|term| term.group == group) {
            Some(term) => term.any.extend(wants),
            None => self.terms.push(Term { group, any: wants }),
        }
        Ok(())
    }

    /// Asks for rows whose column is null: not known, or not there.
    pub fn ask_unknown(&mut self, column: &str) -> Result<(), FilterError> {
        let error = |why| FilterError { flag: "unknown".into(), value: column.into(), why };
        let place = column_named(column).map_err(error)?;
        if !COLUMNS[place].null {
            return Err(error("every row has it".into()));
        }
        let want = Want { flag: "unknown", column: place, test: Test::Null };
        self.terms.push(Term { group: "unknown", any: vec![want] });
        Ok(())
    }

    /// Columns that must be read to judge a row, `time` included when the span is bounded.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.terms.iter().flat_map(|t| t.any.iter().map(|w| w.column)).collect();
        if self.span != Span::default() {
            columns.extend(index_of("time"));
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// As an object, flag to values, for the record of the look.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (key, moment) in [("from", self.span.from), ("to", self.span.to)] {
            if let Some(moment) = moment {
                object.insert(key.into(), moment.to_string().into());
            }
        }
        for want in self.terms.iter().flat_map(|term| &term.any) {
            let list = object.entry(want.flag).or_insert_with(|| Value::Array(Vec::new()));
            let value = Value::String(want.shown());
            if let Value::Array(list) = list
                && !list.contains(&value)
            {
                list.push(value);
            }
        }
        Value::Object(object)
    }
}

impl Span {
    /// Whether a moment is in it.
    pub fn holds(&self, moment: Moment) -> bool {
        self.from.is_none_or(|from| moment >= from) && self.to.is_none_or(|to| moment < to)
    }

    /// Whether any moment from `first` to `last`, both included, may be in it.
    pub fn touches(&self, first: Moment, last: Moment) -> bool {
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }
}

impl Want {
    fn shown(&self) -> String {
        match &self.test {
            Test::Null => COLUMNS.get(self.column).map_or(String::new(), |c| c.name.to_string()),
            Test::Text(text) | Test::Folded(text) | Test::Item(text) => text.clone(),
            Test::Number(number) => number.to_string(),
            Test::Within(prefix) => prefix.to_string(),
            Test::Under(name) => name.to_string(),
        }
    }
}

impl Flag {
    fn wants(&self, value: &str) -> Result<Vec<Want>, String> {
        let one = |test| Ok(vec![Want { flag: self.name, column: self.column, test }]);
        if value.is_empty() {
            return Err("is empty; for rows where it is not known use --unknown COLUMN".into());
        }
        match self.read {
            Read::Text => one(Test::Text(value.into())),
            Read::Folded => one(Test::Folded(value.into())),
            Read::Number => one(Test::Number(number(value)?)),
            Read::Word(words) => {
                let word = value.to_ascii_lowercase();
                let words = words.all();
                if !words.contains(&word.as_str()) {
                    return Err(advice("is not one of", &word, &words));
                }
                one(Test::Text(word))
            }
            Read::Prefix => one(client(value)?),
            Read::Device => match Mac::parse(value) {
                Some(mac) => one(Test::Text(mac.to_string())),
                None => {
                    let column = index_of("host").ok_or("there is no host column")?;
                    Ok(vec![Want { flag: self.name, column, test: Test::Folded(value.into()) }])
                }
            },
            Read::Name | Read::Site => one(Test::Text(name(value)?.to_string())),
            // As lists and certificates write it, or with a dot before: all the same names.
            Read::Under => {
                let above =
                    value.strip_prefix("*.").or_else(|| value.strip_prefix('.')).filter(|rest| !rest.is_empty());
                one(Test::Under(Box::new(name(above.unwrap_or(value))?)))
            }
            Read::Type => {
                let rtype =
                    Rtype::parse(value).ok_or("is not a record type; write a mnemonic such as AAAA, or TYPE65")?;
                one(Test::Text(rtype.to_string()))
            }
            Read::Rcode => one(Test::Number(rcode(value)?)),
            // Addresses are kept in their shortest form.
            Read::Items => one(Test::Item(match value.parse::<std::net::IpAddr>() {
                Ok(address) => address.to_string(),
                Err(_) => value.to_ascii_lowercase().trim_end_matches('.').into(),
            })),
        }
    }
}

impl Words {
    fn all(self) -> Vec<&'static str> {
        match self {
            Words::Actions => Action::ALL.map(Action::word).to_vec(),
            Words::Transports => Transport::ALL.map(Transport::word).to_vec(),
            Words::Sources => Source::ALL.map(Source::word).to_vec(),
            Words::Vias => [Via::Lease, Via::Static, Via::Radius, Via::Signon].map(Via::word).to_vec(),
        }
    }
}

/// Reads a name as a person writes it: any case, a trailing dot or none, and letters outside ASCII as IDNA maps them (RFC 5891).
fn name(text: &str) -> Result<Name, String> {
    let ascii = if text.is_ascii() {
        std::borrow::Cow::Borrowed(text)
    } else {
        idna::domain_to_ascii(text).map_err(|_| "is not a name: it has characters that no name can have")?.into()
    };
    Name::parse(&ascii).map_err(|why| format!("is not a name: it {why}"))
}

fn client(text: &str) -> Result<Test, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Test::Text(address.to_canonical().to_string()));
    }
    match text.parse::<IpNet>() {
        Ok(prefix) if prefix.prefix_len() == prefix.max_prefix_len() => {
            Ok(Test::Text(prefix.addr().to_canonical().to_string()))
        }
        Ok(prefix) => Ok(Test::Within(prefix.trunc())),
        Err(_) => Err("is neither an address (10.20.0.9, 2001:db8::1) nor a prefix (10.20.0.0/16)".into()),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "is not a whole number".into())
}

/// Mnemonics of the IANA registry of DNS RCODEs that a resolver meets, or a number.
fn rcode(text: &str) -> Result<u64, String> {
    const CODES: [(&str, u64); 12] = [
        ("noerror", 0),
        ("formerr", 1),
        ("servfail", 2),
        ("nxdomain", 3),
        ("notimp", 4),
        ("refused", 5),
        ("yxdomain", 6),
        ("yxrrset", 7),
        ("nxrrset", 8),
        ("notauth", 9),
        ("notzone", 10),
        ("badvers", 16),
    ];
    let word = text.to_ascii_lowercase();
    match CODES.iter().find(|(known, _)| *known == word) {
        Some((_, code)) => Ok(*code),
        None => text.parse::<u16>().map(u64::from).map_err(|_| {
            let words: Vec<&str> = CODES.iter().map(|(known, _)| *known).collect();
            advice("is neither a number nor one of", &word, &words)
        }),
    }
}

/// Place of a column by its name, or by the name of the flag that asks for it (`zone` for `network_zone`).
pub fn column_named(name: &str) -> Result<usize, String> {
    let by_flag = || flags().into_iter().find(|flag| flag.name == name && flag.read != Read::Under).map(|f| f.column);
    index_of(name).or_else(by_flag).ok_or_else(|| no_such_column(name))
}

/// Says that a column is not in the table, and which one may have been meant.
fn no_such_column(column: &str) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
    advice("there is no such column; they are", column, &names)
}

fn advice(what: &str, given: &str, words: &[&str]) -> String {
    let near = words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(given, word), *word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 3)
        .min();
    match near {
        Some((_, word)) => format!("{what} {}; did you mean {word}?", words.join(", ")),
        None => format!("{what} {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(flag: &str, value: &str) -> Result<Filter, FilterError> {
        let mut filter = Filter::default();
        let all = flags();
        filter.ask(all.iter().find(|f| f.name == flag).unwrap(), value)?;
        Ok(filter)
    }

    fn test_of(flag: &str, value: &str) -> Test {
        ask(flag, value).unwrap().terms.remove(0).any.remove(0).test
    }

    #[test]
    fn every_column_that_can_be_asked_for_has_a_flag() {
        for (place, column) in COLUMNS.iter().enumerate() {
            let asked = !matches!(column.ask, Ask::Shown | Ask::Span);
            assert_eq!(flags().iter().any(|f| f.column == place), asked, "{}", column.name);
        }
    }

    #[test]
    fn names_are_brought_to_the_form_of_the_log() {
        assert_eq!(test_of("name", "WWW.Example.COM."), Test::Text("www.example.com".into()));
        assert_eq!(test_of("name", "münchen.example"), Test::Text("xn--mnchen-3ya.example".into()));
        for under in ["Example.com.", "*.example.com", ".example.com"] {
            assert_eq!(test_of("under", under), Test::Under(Box::new(Name::parse("example.com").unwrap())), "{under}");
        }
    }

    #[test]
    fn addresses_and_prefixes_are_brought_to_the_form_of_the_log() {
        assert_eq!(test_of("client", "2001:DB8::0:1"), Test::Text("2001:db8::1".into()));
        assert_eq!(test_of("client", "::ffff:10.0.0.1"), Test::Text("10.0.0.1".into()));
        assert_eq!(test_of("client", "10.0.0.1/32"), Test::Text("10.0.0.1".into()));
        assert_eq!(test_of("client", "10.20.3.4/16"), Test::Within("10.20.0.0/16".parse().unwrap()));
    }

    #[test]
    fn a_device_is_a_link_layer_address_or_a_host_name() {
        assert_eq!(test_of("device", "00-11-22-AA-BB-CC"), Test::Text("00:11:22:aa:bb:cc".into()));
        let by_host = ask("device", "KIOSK-1").unwrap();
        assert_eq!(by_host.terms[0].any[0].column, index_of("host").unwrap());
    }

    #[test]
    fn codes_are_numbers_or_mnemonics() {
        assert_eq!(test_of("rcode", "NXDomain"), Test::Number(3));
        assert_eq!(test_of("rcode", "23"), Test::Number(23));
    }

    #[test]
    fn a_wrong_value_is_told_with_advice() {
        let said = |flag, value| ask(flag, value).unwrap_err().to_string();
        assert!(said("action", "blockd").ends_with("did you mean blocked?"), "{}", said("action", "blockd"));
        assert!(said("client", "10.0.0.0/33").contains("nor a prefix"));
        assert!(said("name", "a..b").contains("empty label"));
        assert!(said("rcode", "nxdoman").ends_with("did you mean nxdomain?"));
        assert!(said("generation", "-1").contains("whole number"));
        assert!(said("user", "").contains("--unknown"));
        let mut filter = Filter::default();
        assert!(filter.ask_unknown("usr").unwrap_err().to_string().ends_with("did you mean user?"));
        assert!(filter.ask_unknown("action").unwrap_err().to_string().contains("every row has it"));
    }

    #[test]
    fn one_flag_twice_is_either_and_name_goes_with_under() {
        let mut filter = ask("name", "a.example").unwrap();
        let all = flags();
        for (flag, value) in [("under", "b.example"), ("user", "u1"), ("user", "u2")] {
            filter.ask(all.iter().find(|f| f.name == flag).unwrap(), value).unwrap();
        }
        assert_eq!(filter.terms.iter().map(|t| t.any.len()).collect::<Vec<_>>(), [2, 2]);
        filter.span.from = Some(Moment(0));
        assert_eq!(
            filter.to_json().to_string(),
            r#"{"from":"1970-01-01T00:00:00.000000Z","name":["a.example"],"under":["b.example"],"user":["u1","u2"]}"#
        );
    }
}
