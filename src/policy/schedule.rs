//! Schedules: when a timed entry is in force.
//!
//! A window is read off the wall clock of the schedule's time zone. Where a change to or from summer time skips an hour, what would
//! have happened in that hour does not happen; where it repeats one, a window in that hour is in force both times. A window belongs to
//! the day it begins on. On an excepted date nothing is in force: a window that began the evening before ends at midnight, and one that
//! would have begun on the excepted date does not begin, so that its hours after midnight are not in force either.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::moment::Moment;

/// Most schedules a configuration may have: as many as a [`Standing`] has bits.
pub const MAX_SCHEDULES: usize = 64;

/// How many days of an undisturbed week's pattern are looked at for a change: two weeks, since in one of them a change of the clock may
/// skip the only window, and a day at each end.
const HORIZON_DAYS: i64 = 16;

/// The days of a week as the configuration writes them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A named set of weekly windows in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub name: Box<str>,
    /// The time zone its windows are read in.
    pub timezone: TimeZone,
    /// Its windows.
    pub windows: Vec<Window>,
    /// Local dates on which it is never in force.
    pub except_dates: Vec<Date>,
}

/// One window: on which days it begins, and from when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Days on which it begins; bit 0 is Monday.
    pub days: u8,
    /// Minute of the day it begins at, 0 to 1439.
    pub from: u16,
    /// Minute of the day it ends at, 1 to 1440, the end not included; at or before `from` it ends on the next day.
    pub until: u16,
}

/// Why a text is not a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not days, a space, and two times.
    #[error("is not of the form `mon-fri 12:00-14:00`")]
    Form,
    /// A word that is not a day.
    #[error("has `{0}` where a day is expected: mon, tue, wed, thu, fri, sat, sun or daily")]
    Day(String),
    /// A text that is not a time of day.
    #[error("has `{0}` where a time from 00:00 to 24:00 is expected")]
    Time(String),
    /// It begins when the day is over.
    #[error("begins at 24:00; write 00:00 of the next day")]
    BeginsAtEnd,
}

/// Which schedules are in force, and for how long that stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Bit n: the schedule at place n is in force.
    pub in_force: u64,
    /// The moment that is asked about.
    pub at: Moment,
    /// When the schedule at place n changes next; the end of time where it never does.
    pub changes: [Moment; MAX_SCHEDULES],
    /// From when this holds.
    pub from: Moment,
    /// Until when it holds, not included.
    pub until: Moment,
}

impl Schedule {
    /// Whether it is in force at `at`.
    pub fn in_force(&self, at: Moment) -> bool {
        let local = self.timezone.to_datetime(at.timestamp());
        let today = local.date();
        if self.is_excepted(today) {
            return false;
        }
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let day = day_bit(today);
        let yesterday = today.yesterday().ok().filter(|date| !self.is_excepted(*date)).map_or(0, day_bit);
        self.windows.iter().any(|window| window.holds(day, yesterday, minute))
    }

    /// The first moment after `at` at which it begins or ends to be in force; none when it never changes again.
    pub fn next_change(&self, at: Moment) -> Option<Moment> {
        let now = self.in_force(at);
        let today = self.timezone.to_datetime(at.timestamp()).date();
        // The pattern repeats every week but for excepted dates, so it is enough to look near today and near each of those.
        let mut anchors: Vec<Date> = self.except_dates.iter().copied().filter(|date| *date > today).collect();
        anchors.push(today);
        anchors.sort_unstable();
        let flips = |candidate: &Moment| *candidate > at && self.in_force(*candidate) != now;
        anchors.into_iter().find_map(|anchor| self.borders_near(anchor).into_iter().find(flips))
    }

    fn is_excepted(&self, date: Date) -> bool {
        self.except_dates.contains(&date)
    }

    /// Every moment at which something may change, from the day before `anchor` on, in order.
    fn borders_near(&self, anchor: Date) -> Vec<Moment> {
        let first = anchor.yesterday().unwrap_or(anchor);
        let mut borders = Vec::new();
        for date in first.series(1.day()).take(HORIZON_DAYS as usize + 2) {
            self.add_border(date, 0, &mut borders);
            for window in &self.windows {
                self.add_border(date, window.from, &mut borders);
                self.add_border(date, window.until % MINUTES_A_DAY, &mut borders);
            }
        }
        borders.sort_unstable();
        if let (Some(begin), Some(end)) = (borders.first().copied(), borders.last().copied()) {
            let changes = self.timezone.following(begin.timestamp());
            borders.extend(changes.map(|change| Moment::from(change.timestamp())).take_while(|change| *change <= end));
            borders.sort_unstable();
        }
        borders.dedup();
        borders
    }

    /// Adds the moments at which the wall clock shows `minute` on `date`: two where that hour is repeated. In a skipped hour there is
    /// none, and the change of the clock itself, which is a border too, stands in for it.
    fn add_border(&self, date: Date, minute: u16, to: &mut Vec<Moment>) {
        let Ok(time) = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0) else { return };
        let local = date.to_datetime(time);
        let offsets = match self.timezone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
            AmbiguousOffset::Gap { .. } => [None, None],
            AmbiguousOffset::Fold { before, after } => [Some(before), Some(after)],
        };
        to.extend(offsets.into_iter().flatten().filter_map(|offset| offset.to_timestamp(local).ok()).map(Moment::from));
    }
}

impl Window {
    /// Reads `mon-fri 12:00-14:00`, `mon,wed,fri 09:00-17:00`, `fri-mon 22:00-06:00` or `daily 00:00-24:00`. A range of days may go
    /// over Sunday; a window whose end is at or before its beginning ends on the next day.
    ///
    /// # Errors
    /// A text of another form, an unknown day, a time that a day does not have.
    pub fn parse(text: &str) -> Result<Window, WindowError> {
        let mut words = text.split_whitespace();
        let (Some(days), Some(times), None) = (words.next(), words.next(), words.next()) else {
            return Err(WindowError::Form);
        };
        let (from, until) = times.split_once('-').ok_or(WindowError::Form)?;
        let (from, until) = (minute_of(from)?, minute_of(until)?);
        if from == MINUTES_A_DAY {
            return Err(WindowError::BeginsAtEnd);
        }
        let until = if until == 0 { MINUTES_A_DAY } else { until };
        Ok(Window { days: days_of(days)?, from, until })
    }

    /// Whether it ends on the day after it began.
    pub fn is_overnight(&self) -> bool {
        self.until <= self.from
    }

    /// Whether it is in force at `minute` of a day with this bit, after a day with that one.
    fn holds(&self, day: u8, yesterday: u8, minute: u16) -> bool {
        let begun_today = self.days & day != 0 && minute >= self.from;
        if self.is_overnight() {
            begun_today || (self.days & yesterday != 0 && minute < self.until)
        } else {
            begun_today && minute < self.until
        }
    }
}

impl fmt::Display for Window {
    /// In the form [`Window::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == ALL_DAYS {
            f.write_str("daily")?;
        } else {
            let written: Vec<&str> = (0..7).filter(|n| self.days >> n & 1 == 1).map(|n| DAYS[n]).collect();
            f.write_str(&written.join(","))?;
        }
        let (from, until) = (self.from, self.until);
        write!(f, " {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl Standing {
    /// Which of the first [`MAX_SCHEDULES`] schedules are in force at `at` (the configuration check refuses more), and until when.
    pub fn of(schedules: &[Schedule], at: Moment) -> Standing {
        let mut standing = Standing { at, from: at, ..Standing::ALWAYS };
        for ((place, schedule), next) in schedules.iter().enumerate().zip(&mut standing.changes) {
            standing.in_force |= (schedule.in_force(at) as u64) << place;
            if let Some(change) = schedule.next_change(at) {
                *next = change;
                standing.until = standing.until.min(change);
            }
        }
        standing
    }

    /// No schedule, from the beginning of time to its end.
    pub const ALWAYS: Standing = Standing {
        in_force: 0,
        at: Moment(0),
        changes: [Moment(i64::MAX); MAX_SCHEDULES],
        from: Moment(i64::MIN),
        until: Moment(i64::MAX),
    };

    /// Whether it still is, or already was, as it says at `at`.
    #[inline]
    pub fn holds(&self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether the schedule at `place` is in force.
    #[inline]
    pub fn has(&self, place: usize) -> bool {
        place < MAX_SCHEDULES && self.in_force >> place & 1 == 1
    }

    /// When the schedule at `place` changes next.
    #[inline]
    pub fn change(&self, place: usize) -> Moment {
        self.changes.get(place).copied().unwrap_or(Moment(i64::MAX))
    }
}

const MINUTES_A_DAY: u16 = 24 * 60;
const ALL_DAYS: u8 = 0x7f;

fn day_bit(date: Date) -> u8 {
    1 << date.weekday().to_monday_zero_offset()
}

fn days_of(text: &str) -> Result<u8, WindowError> {
    let mut days = 0;
    for part in text.split(',') {
        days |= match part.split_once('-') {
            None if part.eq_ignore_ascii_case("daily") => ALL_DAYS,
            None => 1 << day_of(part)?,
            Some((first, last)) => {
                let (first, last) = (day_of(first)?, day_of(last)?);
                let span = (last + 7 - first) % 7;
                (0..=span).fold(0, |days, n| days | 1 << ((first + n) % 7))
            }
        };
    }
    Ok(days)
}

fn day_of(text: &str) -> Result<u8, WindowError> {
    let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    found.map(|at| at as u8).ok_or_else(|| WindowError::Day(text.to_owned()))
}

fn minute_of(text: &str) -> Result<u16, WindowError> {
    let wrong = || WindowError::Time(text.to_owned());
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return Err(wrong());
    }
    let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    match hours * 60 + minutes {
        minute if minutes < 60 && minute <= MINUTES_A_DAY => Ok(minute),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
