//! What is wrong with a configuration: where, what, and what to do.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigErrors {
    /// In the order of the file.
    pub errors: Vec<ConfigError>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigError {
    /// The configuration file, as it was named.
    pub file: String,
    /// Where in the file; none when it is about the file itself.
    pub place: Option<Place>,
    /// The path of the key, such as `policy.standard.deny[0]`; empty when it is about the file itself.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: Option<String>,
    /// Where it is wrong in a file that the key names; none when the configuration itself is wrong.
    pub within: Option<Within>,
}

/// A place in a file that the configuration names.
#[derive(Clone, Debug, Serialize)]
pub struct Within {
    /// The file.
    pub file: String,
    /// Where in it; none when it is about the file as a whole.
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// How many characters of the line it covers, at least 1.
    pub width: usize,
}

/// The text of a configuration file, to find places in.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl SourceText<'_> {
    /// An error about the octets of `span`.
    pub fn error(&self, span: Range<usize>, key: &str, problem: String, advice: Option<String>) -> ConfigError {
        let place = Some(self.place(span));
        ConfigError { file: self.file.to_owned(), place, key: key.to_owned(), problem, advice, within: None }
    }

    /// The line of an octet, from 1.
    pub fn line_of(&self, at: usize) -> usize {
        self.place(at..at).line
    }

    /// The place of the octets of `span`.
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = floor_char(self.text, span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let end = floor_char(self.text, span.end).clamp(start, line_end);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            text: without_secrets(self.text[line_start..line_end].trim_end_matches('\r')),
            width: self.text[start..end].chars().count().max(1),
        }
    }
}

impl ConfigErrors {
    /// The one error that a file cannot be read at all.
    pub fn of_file(file: impl fmt::Display, problem: impl Into<String>, advice: impl Into<String>) -> ConfigErrors {
        let error = ConfigError {
            file: file.to_string(),
            place: None,
            key: String::new(),
            problem: problem.into(),
            advice: Some(advice.into()),
            within: None,
        };
        ConfigErrors { errors: vec![error] }
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> ConfigErrors {
        ConfigErrors { errors: vec![error] }
    }
}

impl fmt::Display for ConfigErrors {
    /// One after the other, with an empty line between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.errors.iter().enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl ConfigError {
    /// `file:line:column: key: problem; advice` on one line, as a log record has it. Where a file that the key names is at fault,
    /// its place stands before the problem.
    pub fn line(&self) -> String {
        let mut line = at(&self.file, self.place.as_ref());
        if !self.key.is_empty() {
            line.extend([": ", &self.key]);
        }
        if let Some(within) = &self.within {
            line.extend([": ", &at(&within.file, within.place.as_ref())]);
        }
        line.extend([": ", &self.problem]);
        if let Some(advice) = &self.advice {
            line.extend(["; ", advice]);
        }
        line
    }
}

impl fmt::Display for ConfigError {
    /// The one line, then the line of the file with the place marked, and that of the file it names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())?;
        let within = self.within.as_ref().and_then(|within| within.place.as_ref());
        for place in self.place.iter().chain(within) {
            let number = place.line.to_string();
            let gutter = " ".repeat(number.len());
            // A tab stays a tab, so that the mark stands below what it marks however wide the terminal makes it.
            let before = place.text.chars().take(place.column - 1);
            let lead: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {number} | {}\n  {gutter} | {lead}{}", place.text, "^".repeat(place.width))?;
        }
        Ok(())
    }
}

/// `file:line:column`.
fn at(file: &str, place: Option<&Place>) -> String {
    place.map_or_else(|| file.to_owned(), |place| format!("{file}:{}:{}", place.line, place.column))
}

impl std::error::Error for ConfigErrors {}

/// Whichever of `known` is nearest to `word`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let scored = known.into_iter().map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

/// The advice for a word that is none of `known`: the nearest, or all of them when they are few.
pub fn advise<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = known.into_iter().map(|k| format!("`{k}`")).collect();
    match all.len() {
        0 => None,
        1 => Some(format!("the only one is {}", all.concat())),
        2..=24 => Some(format!("known are {}", all.join(", "))),
        more => Some(format!(
            "known are {} and {} more",
            all.iter().take(24).cloned().collect::<Vec<_>>().join(", "),
            more - 24
        )),
    }
}

/// A length of time as the configuration writes it: whole days as `90d`.
pub fn duration_text(span: Duration) -> String {
    let seconds = span.as_secs();
    if span.subsec_nanos() == 0 && seconds > 0 && seconds.is_multiple_of(86_400) {
        return format!("{}d", seconds / 86_400);
    }
    humantime::format_duration(span).to_string()
}

/// The line with a star for each character of a user, a password or a query in an address: errors stand in logs and on screens, and
/// these may be secrets.
fn without_secrets(line: &str) -> String {
    let stars = |secret: &str| secret.chars().map(|_| '*').collect::<String>();
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        let address = after.find(['"', '\'', ' ', '\t', ',']).map_or(after, |end| &after[..end]);
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let authority = place.split('/').next().unwrap_or_default();
        let user = authority.rfind('@').map_or("", |at| &authority[..at]);
        shown.extend([before, "://", &stars(user), &place[user.len()..]]);
        if place.len() < address.len() {
            shown.extend(["?", &stars(query)]);
        }
        rest = &after[address.len()..];
    }
    shown.push_str(rest);
    shown
}

fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_and_marks_its_place() {
        let source = SourceText { file: "cordon.toml", text: "a = 1\n\té = [\"x\"]\r\nb = 2\n" };
        let at = source.text.find("[\"").unwrap();
        let error = source.error(at..at + 5, "é", "is wrong".into(), Some("do right".into()));
        let expected = "cordon.toml:2:6: é: is wrong; do right\n  2 | \té = [\"x\"]\n    | \t    ^^^^^";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn secrets_in_an_address_are_not_shown() {
        for (line, shown) in [
            (
                "a = \"https://mé:x@y@lists.example/a\" # b://c, http://d/@",
                "a = \"https://******@lists.example/a\" # b://c, http://d/@",
            ),
            (
                "url = \"https://lists.example/a?key=b&c\", refresh = \"x?\"",
                "url = \"https://lists.example/a?*******\", refresh = \"x?\"",
            ),
            ("://", "://"),
            ("x://?", "x://?"),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }

    #[test]
    fn places_outside_the_text_do_not_panic() {
        let source = SourceText { file: "x", text: "é" };
        for span in [0..0, 1..1, 1..2, 2..2, 5..9] {
            let _ = source.error(span, "", String::new(), None).to_string();
        }
    }

    #[test]
    fn the_nearest_word_is_advised_and_a_stranger_gets_the_list() {
        assert_eq!(advise("polcy", ["policy", "probe"]).unwrap(), "did you mean `policy`?");
        assert_eq!(advise("xyz", ["policy", "probe"]).unwrap(), "known are `policy`, `probe`");
    }
}
