//! Times as a person writes them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Disambiguation, TimeZone};

use crate::moment::Moment;

/// Which end of a span a time is: a day alone, and an hour that comes twice when clocks go back, are read so that the span is the wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `--from`: a day begins at its midnight.
    From,
    /// `--to`: a day is over at the next midnight, so that the day itself is in the span.
    To,
}

/// Forms that are understood, for help and errors.
pub const FORMS: &str = "2026-11-22, 2026-11-22 09:00, 2026-11-22T09:00:00Z, 15m, 7d, today, yesterday or now";

/// Reads a time. One with an offset or `Z` is that moment (RFC 3339); one without is meant in `zone`; `15m`, `7d` are that long before `now`.
pub fn parse(text: &str, end: End, now: Moment, zone: &TimeZone) -> Result<Moment, String> {
    let text = text.trim();
    let today = || zone.to_datetime(now.timestamp()).date();
    match text {
        "now" => return Ok(now),
        "today" => return day(today(), end, zone),
        "yesterday" => return day(today().yesterday().map_err(|e| e.to_string())?, end, zone),
        _ => {}
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.into());
    }
    let dated =
        text.get(..4).is_some_and(|year| year.bytes().all(|b| b.is_ascii_digit())) && text[4..].starts_with('-');
    if !dated {
        return match humantime::parse_duration(text) {
            Ok(age) => Ok(now.minus(age)),
            Err(_) => Err(format!("is not a time; write {FORMS}")),
        };
    }
    if text.len() == 10 {
        let date: Date = text.parse().map_err(|_| format!("is not a day of the calendar; write {FORMS}"))?;
        return day(date, end, zone);
    }
    let civil: DateTime = text.parse().map_err(|_| format!("is not a time; write {FORMS}"))?;
    moment(civil, end, zone)
}

fn day(date: Date, end: End, zone: &TimeZone) -> Result<Moment, String> {
    let date = match end {
        End::From => date,
        End::To => date.tomorrow().map_err(|e| e.to_string())?,
    };
    moment(date.to_datetime(Time::midnight()), End::From, zone)
}

fn moment(civil: DateTime, end: End, zone: &TimeZone) -> Result<Moment, String> {
    let which = match end {
        End::From => Disambiguation::Earlier,
        End::To => Disambiguation::Later,
    };
    let zoned = zone.to_ambiguous_zoned(civil).disambiguate(which).map_err(|e| e.to_string())?;
    Ok(zoned.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, end: End) -> Result<String, String> {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        parse(text, end, now.into(), &zone).map(|m| m.timestamp().to_string())
    }

    #[test]
    fn a_time_without_offset_is_local_and_one_with_offset_is_not() {
        assert_eq!(read("2026-11-22 09:00", End::From).unwrap(), "2026-11-22T08:00:00Z");
        assert_eq!(read("2026-11-22T09:00:30.5", End::From).unwrap(), "2026-11-22T08:00:30.5Z");
        assert_eq!(read("2026-11-22T09:00:00Z", End::From).unwrap(), "2026-11-22T09:00:00Z");
        assert_eq!(read("2026-11-22 09:00:00+05:00", End::From).unwrap(), "2026-11-22T04:00:00Z");
    }

    #[test]
    fn a_day_alone_is_the_whole_day() {
        assert_eq!(read("2026-11-22", End::From).unwrap(), "2026-11-21T23:00:00Z");
        assert_eq!(read("2026-11-22", End::To).unwrap(), "2026-11-22T23:00:00Z");
        assert_eq!(read("today", End::From).unwrap(), "2026-11-21T23:00:00Z");
        assert_eq!(read("yesterday", End::To).unwrap(), "2026-11-21T23:00:00Z");
    }

    #[test]
    fn an_age_counts_back_from_now() {
        assert_eq!(read("15m", End::From).unwrap(), "2026-11-22T09:45:00Z");
        assert_eq!(read("7d", End::To).unwrap(), "2026-11-15T10:00:00Z");
    }

    #[test]
    fn an_hour_that_comes_twice_makes_the_span_wider() {
        assert_eq!(read("2026-10-25 02:30", End::From).unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(read("2026-10-25 02:30", End::To).unwrap(), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_told_with_the_forms() {
        for text in ["", "soon", "2026-13-01", "2026-02-30", "2026-11-22 25:00", "22.11.2026", "2026-ää"] {
            assert!(read(text, End::From).unwrap_err().contains("2026-11-22 09:00"), "{text}");
        }
    }
}
