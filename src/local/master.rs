//! Master files (RFC 1035 section 5): from text to records, each with the place it stands at.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_proto::rr::{DNSClass, Record, RecordType};

use crate::config::errors::{Place, SourceText};
use crate::dns::Name;
use crate::dns::convert::{self, rdata};
use crate::dns::master::{entries, flatten, resolve, seconds, unquoted, words};

use super::LocalZoneError;

/// Files may include files this deep; deeper is a circle.
const DEEPEST: usize = 16;

/// A record and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) owner: Name,
    pub(super) record: Record,
    pub(super) file: Arc<Path>,
    pub(super) line: usize,
}

/// All records of a master file and of the files it includes.
pub(super) fn read(origin: Name, file: &Path) -> Result<Vec<Written>, LocalZoneError> {
    let mut reader = Reader { written: Vec::new(), default_ttl: None, last_ttl: None };
    reader.file(file, origin, 0)?;
    Ok(reader.written)
}

/// Where an entry is wrong that begins on `line`: at the last word that `said` has in backticks, since data comes last and is wrong most
/// often; else at its first word. The file is read again for it: that is seldom.
pub(super) fn place(file: &Path, line: usize, said: &str) -> Option<Place> {
    let octets = std::fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&octets);
    let text = without_mark(&text);
    let octets_of = |text: &str, lines: usize| text.split_inclusive('\n').take(lines).map(str::len).sum::<usize>();
    let start = octets_of(text, line.checked_sub(1)?);
    let after = entries(text).filter_map(Result::ok).map(|entry| entry.line).find(|next| *next > line);
    let rest = text.get(start..)?;
    let entry = rest.get(..octets_of(rest, after.map_or(usize::MAX, |next| next - line)))?;
    let word = said.split('`').nth(1).filter(|word| !word.is_empty());
    let found = |word: &str| {
        Some((entry.rmatch_indices(word).map(|(at, _)| at).find(|at| is_word(entry, *at, word))?, word.len()))
    };
    let (at, width) = match word.and_then(found) {
        Some(found) => found,
        None => (entry.len() - entry.trim_start().len(), entry.split_whitespace().next().map_or(0, str::len)),
    };
    let file = file.display().to_string();
    Some(SourceText { file: &file, text }.place(start + at..start + at + width))
}

/// Whether what stands at an octet of an entry is a whole word, and no part of a comment.
fn is_word(entry: &str, at: usize, word: &str) -> bool {
    let (before, after) = (entry.get(..at).unwrap_or_default(), entry.get(at + word.len()..).unwrap_or_default());
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | ';'));
    let line = before.rsplit('\n').next().unwrap_or_default();
    // Up to a comment the words of a line come through; behind it nothing does.
    let (mut flat, mut depth) = (String::new(), before.len());
    let is_comment = flatten(&format!("{line}x"), &mut flat, &mut depth).is_ok() && !flat.ends_with("x ");
    ends(before.chars().next_back()) && ends(after.chars().next()) && !is_comment
}

/// The text without the mark of the octets' order that some editors write first, and nobody sees.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

struct Reader {
    written: Vec<Written>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
}

impl Reader {
    fn file(&mut self, path: &Path, mut origin: Name, depth: usize) -> Result<(), LocalZoneError> {
        let octets =
            std::fs::read(path).map_err(|error| LocalZoneError::whole(path, format!("cannot be read: {error}")))?;
        let text = String::from_utf8(octets).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|octet| **octet == b'\n').count() + 1;
            LocalZoneError::at(path, line, "is not UTF-8: write other octets as \\DDD".to_owned())
        })?;
        let file: Arc<Path> = path.into();
        let mut owner = None;
        for entry in entries(without_mark(&text)) {
            let entry = entry.map_err(|(line, text)| LocalZoneError::at(path, line, text))?;
            let at = |text: String| LocalZoneError::at(path, entry.line, text);
            let tokens = words(&entry.text);
            match tokens.first() {
                None => continue,
                Some(directive) if directive.starts_with('$') && !entry.text.starts_with(' ') => {
                    match self.directive(&tokens, origin).map_err(at)? {
                        Directive::Done => {}
                        Directive::Origin(to) => origin = to,
                        Directive::Include(..) if depth >= DEEPEST => {
                            return Err(at("$INCLUDE goes in a circle".to_owned()));
                        }
                        Directive::Include(include, below) => {
                            let include = path.parent().unwrap_or(Path::new("")).join(include);
                            if !include.is_file() {
                                return Err(at(format!("$INCLUDE {} is not a file", include.display())));
                            }
                            self.file(&include, below, depth + 1)?;
                        }
                    }
                }
                Some(first) => {
                    let mut rest = tokens.as_slice();
                    if !entry.text.starts_with(' ') {
                        owner = Some(resolve(first, origin).map_err(at)?);
                        rest = &tokens[1..];
                    }
                    let owner = owner.ok_or_else(|| at("has no name, and no record stands before it".to_owned()))?;
                    let record = self.record(owner, rest, origin).map_err(at)?;
                    self.written.push(Written { owner, record, file: file.clone(), line: entry.line });
                }
            }
        }
        Ok(())
    }

    fn directive(&mut self, tokens: &[&str], origin: Name) -> Result<Directive, String> {
        let upper = tokens.first().map(|token| token.to_ascii_uppercase()).unwrap_or_default();
        match (upper.as_str(), &tokens[1..]) {
            ("$ORIGIN", [name]) => Ok(Directive::Origin(resolve(name, origin)?)),
            ("$TTL", [ttl]) => {
                self.default_ttl = Some(seconds(ttl)?);
                Ok(Directive::Done)
            }
            ("$INCLUDE", [file]) => Ok(Directive::Include(unquoted(file).into(), origin)),
            ("$INCLUDE", [file, name]) => Ok(Directive::Include(unquoted(file).into(), resolve(name, origin)?)),
            ("$ORIGIN" | "$TTL", _) => Err(format!("{upper} needs one value")),
            ("$INCLUDE", _) => Err("$INCLUDE needs a file, and an origin if you like".to_owned()),
            _ => Err(format!("{upper} is not known: $ORIGIN, $TTL and $INCLUDE are")),
        }
    }

    /// `[TTL] [class] type data`, TTL and class in any order.
    fn record(&mut self, owner: Name, tokens: &[&str], origin: Name) -> Result<Record, String> {
        let (mut ttl, mut rest) = (None, tokens);
        let rtype = loop {
            let (token, after) = rest.split_first().ok_or("has no type")?;
            rest = after;
            match token.to_ascii_uppercase().as_str() {
                "IN" => {}
                class @ ("CH" | "HS" | "CS" | "NONE") => return Err(format!("class {class}: only IN is answered")),
                digits if ttl.is_none() && digits.starts_with(|c: char| c.is_ascii_digit()) => {
                    ttl = Some(seconds(token)?)
                }
                word => break rdata::record_type(word)?,
            }
        };
        let ttl =
            ttl.or(self.default_ttl).or(self.last_ttl).ok_or("has no TTL: write $TTL 3600 at the top of the file")?;
        self.last_ttl = Some(ttl);
        let rdata = rdata::parse(rtype, rest, |name| resolve(name, origin))?;
        let mut record = Record::from_rdata(convert::to_hickory(&owner), ttl, rdata);
        record.dns_class = DNSClass::IN;
        debug_assert!(record.record_type() == rtype || matches!(rtype, RecordType::Unknown(_)));
        Ok(record)
    }
}

enum Directive {
    Done,
    Origin(Name),
    Include(PathBuf, Name),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(text: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("zone");
        std::fs::write(&file, text).unwrap();
        std::fs::write(dir.path().join("more"), "inner A 192.0.2.8\n$ORIGIN deep\nx A 192.0.2.9\n").unwrap();
        std::fs::write(dir.path().join("circle"), "$INCLUDE circle\n").unwrap();
        match read(Name::parse("example").unwrap(), &file) {
            Ok(written) => {
                Ok(written.into_iter().map(|w| format!("{} {} {}", w.owner, w.record.ttl, w.record.data)).collect())
            }
            Err(error) => Err(format!("{}: {}", error.line.unwrap_or(0), error.text)),
        }
    }

    #[test]
    fn owners_times_and_classes_come_in_all_the_orders_the_rfc_allows() {
        let text = "$TTL 1h\n@ IN A 192.0.2.1 ; comment\n 60 IN A 192.0.2.2\nwww IN 1m30s A 192.0.2.3\n\nwww.example. a 192.0.2.4\n";
        assert_eq!(
            records(text).unwrap(),
            [
                "example 3600 192.0.2.1",
                "example 60 192.0.2.2",
                "www.example 90 192.0.2.3",
                "www.example 3600 192.0.2.4"
            ]
        );
    }

    #[test]
    fn parentheses_quotes_and_comments_do_not_confuse_each_other() {
        let text = "$TTL 60\n@ SOA ns h\\.m ( 1 ; serial (\n 2 3\n 4 5 )\ndkim TXT ( \"v=DKIM1; k=rsa; \" ; half\n \"p=(abc)\" )\n";
        let records = records(text).unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[1], "dkim.example 60 v=DKIM1; k=rsa; p=(abc)");
        assert!(records[0].contains("ns.example. h\\.m.example. 1 2 3 4 5"), "{}", records[0]);
    }

    #[test]
    fn origins_are_relative_and_an_include_leaves_the_outer_one_alone() {
        let text = "$TTL 60\n$ORIGIN sub\na A 192.0.2.1\n$INCLUDE more other.example.\nb A 192.0.2.2\n$ORIGIN example.\nc A 192.0.2.3\n";
        assert_eq!(
            records(text).unwrap(),
            [
                "a.sub.example 60 192.0.2.1",
                "inner.other.example 60 192.0.2.8",
                "x.deep.other.example 60 192.0.2.9",
                "b.sub.example 60 192.0.2.2",
                "c.example 60 192.0.2.3"
            ]
        );
    }

    #[test]
    fn errors_say_the_line_and_what_to_do() {
        let error = |text: &str| records(text).unwrap_err();
        assert_eq!(error("a A 192.0.2.1\n"), "1: has no TTL: write $TTL 3600 at the top of the file");
        assert_eq!(error("$TTL 60\n\n\na A 192.0.2.300\n"), "4: `192.0.2.300` is not an IPv4 address");
        assert_eq!(error("$TTL 60\n@ SOA a b (\n1 2 3 4 5\n"), "2: opens a parenthesis that is never closed");
        assert_eq!(error("$TTL 60\na TXT \"open\n"), "2: opens a string that is not closed on its line");
        assert_eq!(error(" 60 A 192.0.2.1\n"), "1: has no name, and no record stands before it");
        assert_eq!(error("a 60 CH A 192.0.2.1\n"), "1: class CH: only IN is answered");
        assert_eq!(error("$GENERATE 1-9 a A 192.0.2.$\n"), "1: $GENERATE is not known: $ORIGIN, $TTL and $INCLUDE are");
        assert_eq!(error("a..b 60 A 192.0.2.1\n"), "1: name `a..b` has an empty label");
        assert!(error("$INCLUDE nothing\n").ends_with("nothing is not a file"));
        assert_eq!(error("$INCLUDE circle\n"), "1: $INCLUDE goes in a circle");
    }

    #[test]
    fn an_error_stands_at_the_word_that_is_wrong_whatever_line_of_its_entry_that_is_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\u{feff}$TTL 60\n@ SOA ns h (\n 1 2x 3 ; 2x\n 4 5 )\nwww A 2x\n  x CH\n").unwrap();
        let found = |line, said| {
            let place = place(file.path(), line, said).unwrap();
            (place.line, place.column, place.width)
        };
        assert_eq!(found(2, "`2x` is not a time"), (3, 4, 2));
        assert_eq!(found(5, "`2x` is not an IPv4 address"), (5, 7, 2));
        assert_eq!(found(6, "class CH"), (6, 3, 1));
        assert_eq!(found(1, "has no type"), (1, 1, 4));
        assert!(place(file.path(), 0, "").is_none());
        let _ = place(file.path(), 99, "`x`");
    }

    #[test]
    fn a_mark_of_the_octets_order_is_no_part_of_the_first_name() {
        assert_eq!(records("\u{feff}www 60 A 192.0.2.1\n").unwrap(), ["www.example 60 192.0.2.1"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-z@.*\\\\\"();$ 0-9]|A|TXT|SOA|CNAME|HTTPS|TYPE9|\\\\#|\n| ){0,120}", any in ".{0,60}") {
            let _ = records(&format!("$TTL 60\n{text}"));
            let _ = records(&format!("$TTL 60\n@ TXT {any}\n@ {any}\n"));
        }
    }
}
