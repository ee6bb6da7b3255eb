//! Reads from Rust source which paths it uses, without compiling it: enough to know whose doors a file goes through.

/// A path that a file uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its segments; `crate` in front of one of ours, the crate's name in front of another's.
    pub path: Vec<String>,
    /// The line it stands on, from 1.
    pub line: usize,
    /// Whether it is compiled for tests only.
    pub in_test: bool,
}

/// What was read from a file.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every path that begins at `crate`, `self`, `super` or an outside crate, from the root.
    pub used: Vec<Used>,
    /// Modules in files of their own that are compiled for tests only.
    pub test_modules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Colons,
    Mark(char),
}

/// Reads `source`, the file of the module at `module`. Comments, texts and characters are passed over.
pub fn read(source: &str, module: &[&str]) -> Reading {
    let tokens = tokens(source);
    let mut reading = Reading::default();
    let mut inner: Vec<(usize, String)> = Vec::new(); // modules in this file, with the depth they began at
    let mut tests: Vec<usize> = Vec::new(); // depths at which something for tests only began
    let (mut depth, mut round, mut awaits_test) = (0usize, 0usize, false);
    let mut at = 0;
    while let Some((token, line)) = tokens.get(at) {
        let before = at.checked_sub(1).map(|before| &tokens[before].0);
        match token {
            Token::Mark('#') if is_cfg_test(&tokens[at..]) => awaits_test = true,
            Token::Mark('(' | '[') => round += 1,
            Token::Mark(')' | ']') => round = round.saturating_sub(1),
            Token::Mark(';') if round == 0 => awaits_test = false,
            Token::Mark('{') => {
                if std::mem::take(&mut awaits_test) {
                    tests.push(depth);
                }
                depth += 1;
            }
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                inner.pop_if(|(began, _)| *began == depth);
                tests.pop_if(|began| *began == depth);
            }
            Token::Word(word) if word == "mod" => match (tokens.get(at + 1), tokens.get(at + 2)) {
                (Some((Token::Word(name), _)), Some((Token::Mark('{'), _))) => inner.push((depth, name.clone())),
                (Some((Token::Word(name), _)), Some((Token::Mark(';'), _))) if awaits_test => {
                    reading.test_modules.push(name.clone());
                }
                _ => {}
            },
            Token::Word(word) if begins_a_path(word, before, &tokens, at) => {
                let mut paths = Vec::new();
                let end = tree(&tokens, at, &mut Vec::new(), &mut paths);
                let in_test = awaits_test || !tests.is_empty();
                let here: Vec<&str> =
                    module.iter().copied().chain(inner.iter().map(|(_, name)| name.as_str())).collect();
                let resolved = paths.into_iter().map(|path| from_root(path, &here));
                reading.used.extend(resolved.map(|path| Used { path, line: *line, in_test }));
                at = end;
                if word != "use" {
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    reading
}

/// A word begins a path when it does not go on from another, and either goes on itself or is what a `use` names.
fn begins_a_path(word: &str, before: Option<&Token>, tokens: &[(Token, usize)], at: usize) -> bool {
    let goes_on = matches!(tokens.get(at + 1), Some((Token::Colons, _)));
    let from_outside = before == Some(&Token::Colons)
        && at.checked_sub(2).is_some_and(|at| matches!(&tokens[at].0, Token::Word(word) if word == "use"));
    let named = matches!(before, Some(Token::Word(word)) if word == "use");
    word != "use"
        && (before != Some(&Token::Colons) || from_outside)
        && before != Some(&Token::Mark('.'))
        && (goes_on || named)
}

/// Takes a path to pieces, `a::{b, c::d}` included; gives the place after it.
fn tree(tokens: &[(Token, usize)], mut at: usize, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let length = path.len();
    loop {
        match tokens.get(at).map(|(token, _)| token) {
            Some(Token::Word(word)) => path.push(word.clone()),
            Some(Token::Mark('{')) => {
                at += 1;
                while let Some((token, _)) = tokens.get(at) {
                    match token {
                        Token::Mark('}') => break,
                        Token::Word(word) if word == "as" => at += 2,
                        Token::Word(_) | Token::Mark('{') => at = tree(tokens, at, path, paths),
                        _ => at += 1,
                    }
                }
                path.truncate(length);
                return at + 1;
            }
            _ => {} // `*`, or the `<` of a type
        }
        match tokens.get(at + 1).map(|(token, _)| token) {
            Some(Token::Colons) if matches!(tokens.get(at), Some((Token::Word(_), _))) => at += 2,
            _ => break,
        }
    }
    paths.push(path.clone());
    path.truncate(length);
    // A mark that ended the path is still to be read: it may be a brace.
    if matches!(tokens.get(at), Some((Token::Word(_), _))) { at + 1 } else { at }
}

/// The path from the root: `crate` in front, `self` and `super` walked.
fn from_root(path: Vec<String>, here: &[&str]) -> Vec<String> {
    let walks = matches!(path.first().map(String::as_str), Some("self" | "super"));
    let mut rest = path.into_iter().peekable();
    if !walks {
        // The program sees the library under its own name.
        return rest.map(|word| if word == "cordon" { "crate".to_owned() } else { word }).collect();
    }
    let mut at = here.len();
    while let Some(word) = rest.next_if(|word| word == "self" || word == "super") {
        at -= usize::from(word == "super" && at > 0);
    }
    let walked = std::iter::once("crate").chain(here[..at].iter().copied()).map(str::to_owned);
    walked.chain(rest).collect()
}

/// `#[cfg(test)]`, or a `cfg` that asks for tests among other things.
fn is_cfg_test(tokens: &[(Token, usize)]) -> bool {
    let mut words = tokens.iter().skip(1).map(|(token, _)| token).take_while(|token| **token != Token::Mark(']'));
    let is = |token: Option<&Token>, word: &str| matches!(token, Some(Token::Word(is)) if is == word);
    if words.next() != Some(&Token::Mark('[')) || !is(words.next(), "cfg") {
        return false;
    }
    let rest: Vec<_> = words.collect();
    rest.iter().any(|token| is(Some(token), "test")) && !rest.iter().any(|token| is(Some(token), "not"))
}

/// The words and marks of a source, each with its line.
fn tokens(source: &str) -> Vec<(Token, usize)> {
    let octets = source.as_bytes();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    let starts = |at: usize, with: &str| octets[at..].starts_with(with.as_bytes());
    while at < octets.len() {
        let began = at;
        match octets[at] {
            b'/' if starts(at, "//") => {
                at += octets[at..].iter().position(|octet| *octet == b'\n').unwrap_or(octets.len() - at)
            }
            b'/' if starts(at, "/*") => at = after_comment(octets, at),
            b'"' => at = after_text(octets, at + 1),
            b'\'' => at = after_quote(octets, at),
            octet if octet.is_ascii_alphabetic() || octet == b'_' => {
                at += octets[at..].iter().take_while(|octet| octet.is_ascii_alphanumeric() || **octet == b'_').count();
                let word = &source[began..at];
                let hashes = octets[at..].iter().take_while(|octet| **octet == b'#').count();
                match (word, octets.get(at + hashes)) {
                    ("r" | "br" | "cr", Some(b'"')) => at = after_raw(octets, at, hashes),
                    ("b" | "c", Some(b'"')) if hashes == 0 => at = after_text(octets, at + 1),
                    ("b", Some(b'\'')) if hashes == 0 => at = after_quote(octets, at),
                    ("r", Some(_)) if hashes == 1 => at += 1, // r#word: the word follows
                    _ => tokens.push((Token::Word(word.to_owned()), line)),
                }
            }
            b':' if starts(at, "::") => {
                tokens.push((Token::Colons, line));
                at += 2;
            }
            octet => {
                if octet.is_ascii_punctuation() {
                    tokens.push((Token::Mark(octet as char), line));
                }
                at += 1;
            }
        }
        line += octets[began..at.min(octets.len())].iter().filter(|octet| **octet == b'\n').count();
    }
    tokens
}

fn after_comment(octets: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < octets.len() {
        match &octets[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn after_text(octets: &[u8], mut at: usize) -> usize {
    while at < octets.len() && octets[at] != b'"' {
        at += if octets[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn after_raw(octets: &[u8], at: usize, hashes: usize) -> usize {
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let begin = at + hashes + 1;
    let length = octets[begin..].windows(end.len()).position(|window| window == end);
    length.map_or(octets.len(), |length| begin + length + end.len())
}

/// After a character, or after the mark of a lifetime.
fn after_quote(octets: &[u8], at: usize) -> usize {
    let quote = at + octets[at..].iter().position(|octet| *octet == b'\'').unwrap_or(0);
    match octets.get(quote + 1) {
        Some(b'\\') => quote + 3 + octets[quote + 3..].iter().position(|octet| *octet == b'\'').unwrap_or(0) + 1,
        _ => {
            let character = octets[quote + 1..].iter().take(5).position(|octet| *octet == b'\'');
            // `'a'` and `'ä'` are characters; `'a, 'b` are lifetimes.
            let length = std::str::from_utf8(octets).ok().and_then(|text| text[quote + 1..].chars().next());
            match (character, length) {
                (Some(found), Some(first)) if found == first.len_utf8() => quote + 1 + found + 1,
                _ => quote + 1,
            }
        }
    }
}
