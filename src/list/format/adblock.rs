//! Rules of ad blockers, as far as a resolver can follow them: `||name^` and what AdGuard's DNS servers made of it.
//!
//! Plain names and lines of a hosts file may stand among the rules. What only a browser can do is of two kinds: cosmetic rules and rules
//! with a path are right where they are and are counted as not for DNS; a rule that names a whole host but has a modifier that cannot be
//! followed is refused, since without it it would say more than was meant.

mod modifiers;

use std::collections::HashSet;

use super::{Usual, hosts, numbered};
use crate::dns::Name;
use crate::list::entry;
use crate::list::read::Reader;
use crate::list::refusal::Flaw;
use crate::list::rule::{Answer, Rule, Says, Scope};
use modifiers::Modifiers;

/// Reads the whole content, first the rules that others take back.
pub(super) fn read(bytes: &[u8], reader: &mut Reader) {
    let gone = taken_back(bytes);
    if gone.is_empty() {
        return USUAL.each(bytes, |line| Some(line), reader, |number, line, reader| rules(number, line, &gone, reader));
    }
    numbered(bytes).for_each(|(number, line)| rules(number, line, &gone, reader));
}

/// `||name^`.
const USUAL: Usual = Usual { before: &[b"||"], after: b"^", is_listed };

fn is_listed(written: &[u8], name: &Name) -> bool {
    let has_hyphen = written.starts_with(b"-") || written.ends_with(b"-");
    !has_hyphen && entry::judge(name).is_ok()
}

/// One line: a rule, a name, or names behind an address.
fn rules(number: u32, line: &[u8], gone: &HashSet<String>, reader: &mut Reader) {
    let Ok(text) = std::str::from_utf8(line) else {
        return match line.trim_ascii_start().first() {
            None | Some(b'!' | b'#') => {}
            Some(_) => reader.refuse(number, line, Flaw::NotUtf8),
        };
    };
    match Line::of(text.trim()) {
        Line::Nothing => {}
        Line::NotForDns => reader.not_for_dns(),
        Line::Plain(text) => plain(number, text, reader),
        Line::Rule(written) if written.is_taking_back() || gone.contains(&written.canonical(gone)) => {
            reader.furniture();
        }
        Line::Rule(written) => match written.meant() {
            Ok(rules) => rules.iter().for_each(|rule| reader.rule(number, rule)),
            Err(why) => reader.refuse(number, line, why),
        },
    }
}

/// The rules that a rule with `$badfilter` takes back, wherever it stands.
fn taken_back(bytes: &[u8]) -> HashSet<String> {
    let word = &b"badfilter"[..];
    if !bytes.windows(word.len()).any(|octets| octets == word) {
        return HashSet::new();
    }
    let texts = numbered(bytes).filter_map(|(_, line)| std::str::from_utf8(line).ok());
    let rules = texts.filter_map(|text| match Line::of(text.trim()) {
        Line::Rule(written) if written.is_taking_back() => Some(written.canonical_always()),
        _ => None,
    });
    rules.collect()
}

/// What a line is at first sight.
enum Line<'l> {
    Nothing,
    NotForDns,
    /// A name, or an address and names.
    Plain(&'l str),
    Rule(Written<'l>),
}

/// A rule taken apart.
struct Written<'l> {
    exception: bool,
    pattern: &'l str,
    modifiers: Option<&'l str>,
}

impl<'l> Line<'l> {
    fn of(text: &'l str) -> Line<'l> {
        if text.is_empty() || text.starts_with('!') || text.starts_with("# ") {
            return Line::Nothing;
        }
        // Most rules have nothing that could be cosmetic.
        if text.contains(['#', '$', '%', '[']) && is_cosmetic(text) {
            return Line::NotForDns;
        }
        if text.starts_with(['#', '[']) {
            return Line::Nothing;
        }
        let written = Written::of(text);
        if written.is_regex() {
            return Line::Rule(written);
        }
        let bare = written.pattern.trim_start_matches('|');
        // A comment behind a hosts line may have anything in it; values of modifiers may have spaces.
        let has_spaces = text.contains([' ', '\t']);
        let is_plain = written.modifiers.is_none() && !text.starts_with(['|', '@']);
        if has_spaces && (is_plain || hosts::looks_like(text.as_bytes())) {
            return Line::Plain(text);
        }
        if bare.contains(['/', '?', '=', '&']) {
            return Line::NotForDns;
        }
        match written.exception || written.modifiers.is_some() || text.contains(['|', '^', '*']) {
            true => Line::Rule(written),
            false => Line::Plain(text),
        }
    }
}

/// Rules for what a page shows or runs: `name##selector` and its relatives, `[$modifiers]...`.
fn is_cosmetic(text: &str) -> bool {
    const SIGNS: [&str; 12] = ["##", "#@#", "#$#", "#@$#", "#?#", "#@?#", "#$?#", "#@$?#", "#%#", "#@%#", "$$", "$@$"];
    if text.starts_with("[$") {
        return true;
    }
    // `## heading` is a comment; a selector follows its sign at once.
    let selects = |rest: &str| rest.starts_with(|c: char| !c.is_whitespace() && c != '#') || rest.starts_with("#^");
    let id = |rest: &str| rest.strip_prefix('#').is_some_and(|id| id.starts_with(|c: char| c.is_alphanumeric()));
    text.char_indices().filter(|(_, c)| matches!(c, '#' | '$')).any(|(at, _)| {
        SIGNS.iter().any(|sign| text[at..].strip_prefix(sign).is_some_and(|rest| selects(rest) || id(rest)))
    })
}

fn plain(number: u32, text: &str, reader: &mut Reader) {
    let text = text.split('#').next().unwrap_or(text).trim_end();
    if text.contains(char::is_whitespace) {
        hosts::line(number, text.as_bytes(), reader);
    } else if text.starts_with('-') || text.ends_with('-') {
        reader.refuse(number, text.as_bytes(), Flaw::Pattern);
    } else {
        reader.name(number, text.as_bytes(), entry::name(text.as_bytes()));
    }
}

impl<'l> Written<'l> {
    fn of(text: &'l str) -> Written<'l> {
        let (exception, body) = match text.strip_prefix("@@") {
            Some(body) => (true, body),
            None => (false, text),
        };
        let split = match body.starts_with('/') {
            true => body.rfind("/$").map(|at| at + 1),
            false => body.find('$'),
        };
        let (pattern, modifiers) = match split {
            Some(at) => (&body[..at], Some(&body[at + 1..])),
            None => (body, None),
        };
        Written { exception, pattern, modifiers }
    }

    fn is_regex(&self) -> bool {
        self.pattern.len() > 1 && self.pattern.starts_with('/') && self.pattern.ends_with('/')
    }

    fn is_taking_back(&self) -> bool {
        self.modifiers.is_some_and(|written| modifiers::each(written).any(|modifier| modifier == "badfilter"))
    }

    /// The rule without `badfilter`, however its modifiers are ordered; nothing when no rule is taken back.
    fn canonical(&self, gone: &HashSet<String>) -> String {
        if gone.is_empty() { String::new() } else { self.canonical_always() }
    }

    fn canonical_always(&self) -> String {
        let mut modifiers: Vec<&str> = self.modifiers.map(modifiers::each).into_iter().flatten().collect();
        modifiers.retain(|modifier| *modifier != "badfilter");
        modifiers.sort_unstable();
        let exception = if self.exception { "@@" } else { "" };
        format!("{exception}{}${}", self.pattern.to_lowercase(), modifiers.join(","))
    }

    /// The rule and, for each name of `denyallow`, the hole in it.
    fn meant(&self) -> Result<Vec<Rule>, Flaw> {
        if self.is_regex() {
            // A reason that leads further comes first: `$client` would not help either.
            Modifiers::read(self.modifiers.unwrap_or_default())?;
            return Err(Flaw::Pattern);
        }
        let modifiers = Modifiers::read(self.modifiers.unwrap_or_default())?;
        let (name, scope) = self.name()?;
        let says = match (self.exception, modifiers.important) {
            (true, true) => Says::ExceptImportant,
            (true, false) => Says::ExceptAlways,
            (false, true) => Says::ListsImportant,
            (false, false) => Says::Lists(Answer::Policy),
        };
        if !modifiers.denyallow.is_empty() && (self.exception || modifiers.important) {
            return Err(Flaw::Combination);
        }
        let mut rules = vec![Rule { name, scope, says, types: modifiers.types.clone() }];
        rules.extend(modifiers.denyallow.into_iter().map(|name| Rule {
            name,
            scope: Scope::Tree,
            says: Says::Hole,
            types: modifiers.types.clone(),
        }));
        Ok(rules)
    }

    /// The name of a pattern, and for which names it stands: `||name^` for it and all below, `|name^` for it alone, `||*.name^` for all
    /// below.
    ///
    /// `||name` without an end means every name that has one beginning so; of these the name and those below it are taken.
    fn name(&self) -> Result<(Name, Scope), Flaw> {
        let pattern = self.pattern;
        let (anchored, body) = match pattern.strip_prefix("||") {
            Some(body) => (Some(Scope::Tree), body),
            None => match pattern.strip_prefix('|') {
                Some(body) => (Some(Scope::Alone), body),
                None => (None, pattern),
            },
        };
        let without_bar = body.strip_suffix('|').unwrap_or(body);
        let name = without_bar.strip_suffix('^').unwrap_or(without_bar);
        let has_end = name.len() < body.len();
        if matches!(name, "" | "*" | "." | "*.") {
            return Err(Flaw::Everything);
        }
        let (scope, name) = match (anchored, has_end, name.strip_prefix("*.")) {
            (Some(Scope::Tree), _, Some(name)) => (Scope::Below, name),
            (Some(Scope::Tree), _, None) => (Scope::Tree, name),
            (Some(_), true, None) => (Scope::Alone, name),
            // `@@name`, and a plain name with modifiers.
            (None, false, None) => (Scope::Tree, name),
            _ => return Err(Flaw::Pattern),
        };
        if name.contains(['*', '^', '|']) || name.starts_with(['.', '-']) || name.ends_with('-') {
            return Err(Flaw::Pattern);
        }
        let name = match anchored {
            Some(_) => entry::name_or_label(name.as_bytes()),
            None => entry::name(name.as_bytes()),
        };
        Ok((name?, scope))
    }
}
