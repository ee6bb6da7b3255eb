//! Texts that stand for a value: lengths of time, sizes, dates, names of the writer's own choice.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::errors::{duration_text, nearest};

/// Why a text is not the value it should be, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: Option<String>,
}

impl Fault {
    /// With advice.
    pub fn new(problem: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault { problem: problem.into(), advice: Some(advice.into()) }
    }
}

/// A length of time between `least` and `most`.
pub fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, Fault> {
    let advice = "write a number and a unit: `200ms`, `2s`, `30m`, `24h`, `90d`";
    let span = humantime::parse_duration(text.trim())
        .map_err(|_| Fault::new(format!("`{text}` is not a length of time"), advice))?;
    if span < least {
        return Err(Fault::new(format!("{text} is too short"), format!("write at least `{}`", duration_text(least))));
    }
    if span > most {
        return Err(Fault::new(format!("{text} is too long"), format!("write at most `{}`", duration_text(most))));
    }
    Ok(span)
}

/// A size in octets between `least` and `most`.
pub fn size(text: &str, least: u64, most: u64) -> Result<u64, Fault> {
    let advice = "write a number and a unit: `64MiB`, `2GiB`";
    let parsed: bytesize::ByteSize =
        text.trim().parse().map_err(|_| Fault::new(format!("`{text}` is not a size"), advice))?;
    let octets = parsed.as_u64();
    let shown = |octets: u64| bytesize::ByteSize(octets).display().iec().to_string().replace(".0 ", "");
    if octets < least {
        return Err(Fault::new(format!("{text} is too small"), format!("write at least `{}`", shown(least))));
    }
    if octets > most {
        return Err(Fault::new(format!("{text} is too large"), format!("write at most `{}`", shown(most))));
    }
    Ok(octets)
}

/// A date of the civil calendar.
pub fn date(text: &str) -> Result<Date, Fault> {
    let form = || Fault::new(format!("`{text}` is not a date"), "write year, month and day: `2026-12-25`");
    if text.len() != 10 {
        return Err(form());
    }
    text.parse().map_err(|_| form())
}

/// A time zone of the IANA database.
pub fn timezone(text: &str) -> Result<TimeZone, Fault> {
    TimeZone::get(text).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
        let near = nearest(text, known.iter().map(String::as_str));
        let advice = near.map_or_else(
            || "write a name of the IANA database such as `Europe/London`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Fault::new(format!("`{text}` is not a time zone"), advice)
    })
}

/// A name of the writer's own choice: it stands in the log, in metrics and in file names, so it is plain.
pub fn word(text: &str) -> Result<Box<str>, Fault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(plain)
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if fits {
        return Ok(text.into());
    }
    let tidy: String =
        text.trim().to_lowercase().chars().map(|c| if c.is_ascii() && plain(c as u8) { c } else { '-' }).collect();
    let tidy = tidy.trim_matches(['-', '_', '.']);
    let advice = "use up to 64 lower-case letters, digits, `-`, `_` and `.`, a letter or digit first";
    let instead = if tidy.is_empty() || tidy.len() > 64 { String::new() } else { format!(", such as `{tidy}`") };
    Err(Fault::new(format!("`{text}` cannot be a name here"), format!("{advice}{instead}")))
}

/// A text that fits one string of a TXT record (RFC 1035 section 3.3.14) and is fit for any screen.
pub fn one_string(text: &str) -> Result<Box<str>, Fault> {
    let is_plain = text.bytes().all(|b| matches!(b, b' '..=b'~'));
    match is_plain && (1..=255).contains(&text.len()) {
        true => Ok(text.into()),
        false => {
            let advice =
                "write 1 to 255 letters, digits and signs of ASCII, or leave the key out to refuse the question";
            Err(Fault::new("does not fit one string of a TXT record", advice))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_within_their_bounds() {
        let read = |text: &str| duration(text, Duration::from_secs(1), Duration::from_secs(86_400 * 7));
        assert_eq!(read("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(read("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(read("5").unwrap_err().problem, "`5` is not a length of time");
        assert_eq!(read("5ms").unwrap_err().advice.unwrap(), "write at least `1s`");
        assert_eq!(read("8d").unwrap_err().advice.unwrap(), "write at most `7d`");
    }

    #[test]
    fn sizes_are_read_within_their_bounds() {
        let read = |text: &str| size(text, 1 << 20, 1 << 30);
        assert_eq!(read("64MiB"), Ok(64 << 20));
        assert_eq!(read("1 GiB"), Ok(1 << 30));
        assert_eq!(read("many").unwrap_err().problem, "`many` is not a size");
        assert_eq!(read("1KiB").unwrap_err().advice.unwrap(), "write at least `1MiB`");
        assert_eq!(read("2GiB").unwrap_err().advice.unwrap(), "write at most `1GiB`");
    }

    #[test]
    fn a_name_that_will_not_do_gets_one_that_will() {
        assert_eq!(&*word("proxy-bypass").unwrap(), "proxy-bypass");
        assert!(word("Web Mail").unwrap_err().advice.unwrap().ends_with("such as `web-mail`"));
        for text in ["", "-x", "é", "a/b", &"a".repeat(65)] {
            assert!(word(text).is_err(), "{text}");
        }
    }
}
