//! The words of master files (RFC 1035 section 5): from text to entries, words, names and times. What files include, and what is done with
//! a record, is for those who read them.

use super::Name;

/// A name as written: `@` and relative names stand on the origin.
pub fn resolve(written: &str, origin: Name) -> Result<Name, String> {
    if written == "@" {
        return Ok(origin);
    }
    let name = match is_absolute(written) || origin.is_root() {
        true => Name::parse(written),
        false => Name::parse(&format!("{written}.{origin}")),
    };
    name.map_err(|error| format!("name `{written}` {error}"))
}

/// Whether a name is written with the dot that ends it, rather than an escaped one.
pub fn is_absolute(written: &str) -> bool {
    let backslashes = written.strip_suffix('.').map(|before| before.bytes().rev().take_while(|b| *b == b'\\').count());
    backslashes.is_some_and(|count| count % 2 == 0)
}

/// Seconds as written: `3600`, or `1h30m` with units of s, m, h, d and w; at most 31 bits (RFC 2181 section 8).
pub fn seconds(written: &str) -> Result<u32, String> {
    let wrong = || format!("`{written}` is not a time: write seconds, or 1h30m");
    let (mut total, mut number) = (0u32, None::<u32>);
    for octet in written.bytes() {
        let unit = match octet.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                let tens = number.unwrap_or(0).checked_mul(10).ok_or_else(wrong)?;
                number = Some(tens.checked_add(u32::from(digit - b'0')).ok_or_else(wrong)?);
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return Err(wrong()),
        };
        let part = number.take().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
    }
    let total = total.checked_add(number.unwrap_or(0)).ok_or_else(wrong)?;
    match total <= i32::MAX as u32 && !written.is_empty() {
        true => Ok(total),
        false => Err(wrong()),
    }
}

/// A word without the quotes around it.
pub fn unquoted(word: &str) -> &str {
    word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word)
}

/// One entry on one line: comments gone, parentheses opened up.
pub struct Entry {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its words, with a space before them when the line began with one.
    pub text: String,
}

/// The entries of a file; an error is a line and what is wrong there. A blank at the start of an entry is kept as one space.
pub fn entries(text: &str) -> impl Iterator<Item = Result<Entry, (usize, String)>> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (mut entry, mut depth) = (String::new(), 0usize);
        let mut first = None;
        for (number, line) in lines.by_ref() {
            let start = *first.get_or_insert(number + 1);
            if let Err(error) = flatten(line, &mut entry, &mut depth) {
                return Some(Err((number + 1, error)));
            }
            if depth == 0 {
                return Some(Ok(Entry { line: start, text: entry }));
            }
        }
        first.map(|line| Err((line, "opens a parenthesis that is never closed".to_owned())))
    })
}

/// Appends a line without its comment and parentheses to `entry`, whose open parentheses are counted in `depth`. The entry goes on
/// with the next line while any is open.
pub fn flatten(line: &str, entry: &mut String, depth: &mut usize) -> Result<(), String> {
    let (mut quoted, mut chars) = (false, line.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                entry.push(c);
                entry.push(chars.next().ok_or("ends in a backslash")?);
            }
            '"' => {
                quoted = !quoted;
                entry.push(c);
            }
            c if quoted => entry.push(c),
            ';' => break,
            '(' => {
                *depth += 1;
                entry.push(' ');
            }
            ')' => {
                *depth = depth.checked_sub(1).ok_or("closes a parenthesis that was never opened")?;
                entry.push(' ');
            }
            c if c.is_whitespace() => entry.push(' '),
            c => entry.push(c),
        }
    }
    match quoted {
        true => Err("opens a string that is not closed on its line".to_owned()),
        false => {
            entry.push(' ');
            Ok(())
        }
    }
}

/// The words of an entry; a quoted string is one word and keeps its quotes.
pub fn words(entry: &str) -> Vec<&str> {
    let (mut words, mut start, mut quoted, mut escaped) = (Vec::new(), None, false, false);
    for (i, c) in entry.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if let Some(start) = start.take() {
                    words.push(&entry[start..i]);
                }
                continue;
            }
            _ => {}
        }
        start.get_or_insert(i);
    }
    words.extend(start.map(|start| &entry[start..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_a_bound() {
        for (text, value) in [("0", 0), ("3600", 3600), ("1h30m", 5400), ("1W1d1s", 691_201), ("1m30", 90)] {
            assert_eq!(seconds(text), Ok(value), "{text}");
        }
        for text in ["", "h", "1x", "1hh", "2147483648", "99999999999", "4000000000s", "-1"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_entry_is_its_words_without_comments_and_parentheses() {
        let entry = |text: &str| entries(text).next().unwrap().map(|entry| entry.text);
        let text = entry("a TXT ( \"x ; (\" ; no\n y\\; )").unwrap();
        assert_eq!(words(&text), ["a", "TXT", "\"x ; (\"", "y\\;"]);
        assert!(entry(" A").unwrap().starts_with(' '));
        assert!(entry("a )").is_err() && entry("a (").is_err() && entry("\"a").is_err() && entry("a\\").is_err());
    }
}
