//! Schedules: when a timed entry is in force.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::moment::Moment;

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

/// Which schedules are in force, and for how long that stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Bit n: the schedule at place n is in force.
    pub in_force: u64,
    /// From when this holds.
    pub from: Moment,
    /// Until when it holds, not included.
    pub until: Moment,
}
