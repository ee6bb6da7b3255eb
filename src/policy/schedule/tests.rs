//! Windows over midnight, excepted dates, changes of the clock; and every change that is foretold against a minute-by-minute walk.

use super::*;
use proptest::prelude::*;

fn schedule(timezone: &str, windows: &[&str], except: &[&str]) -> Schedule {
    Schedule {
        name: "test".into(),
        timezone: TimeZone::get(timezone).unwrap(),
        windows: windows.iter().map(|w| Window::parse(w).unwrap()).collect(),
        except_dates: except.iter().map(|d| d.parse().unwrap()).collect(),
    }
}

fn moment(text: &str) -> Moment {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

#[test]
fn windows_are_read_in_every_form() {
    let days = |text: &str| Window::parse(&format!("{text} 08:00-09:00")).unwrap().days;
    assert_eq!(days("mon-fri"), 0b001_1111);
    assert_eq!(days("sat-sun"), 0b110_0000);
    assert_eq!(days("mon,wed,fri"), 0b001_0101);
    assert_eq!(days("fri-mon"), 0b111_0001);
    assert_eq!(days("Mon-Tue,SUN"), 0b100_0011);
    assert_eq!(days("daily"), 0b111_1111);
    assert_eq!(days("wed-wed"), 0b000_0100);
    let times = |text: &str| Window::parse(&format!("mon {text}")).map(|w| (w.from, w.until));
    assert_eq!(times("00:00-24:00"), Ok((0, 1440)));
    assert_eq!(times("22:00-00:00"), Ok((1320, 1440)));
    assert_eq!(times("17:30-08:30"), Ok((1050, 510)));
    assert_eq!(times("08:00-08:00"), Ok((480, 480)));
}

#[test]
fn a_wrong_window_says_what_is_wrong() {
    let error = |text: &str| Window::parse(text).unwrap_err();
    for text in ["", "mon", "08:00-09:00", "mon 08:00", "mon 08:00 - 09:00", "mon 08:00-09:00 x"] {
        assert_eq!(error(text), WindowError::Form, "{text}");
    }
    assert_eq!(error("moon 08:00-09:00"), WindowError::Day("moon".into()));
    assert_eq!(error("mon- 08:00-09:00"), WindowError::Day(String::new()));
    assert_eq!(error("mon 8:00-09:00"), WindowError::Time("8:00".into()));
    assert_eq!(error("mon 08:60-09:00"), WindowError::Time("08:60".into()));
    assert_eq!(error("mon 08:00-24:01"), WindowError::Time("24:01".into()));
    assert_eq!(error("mon 08:00-+1:00"), WindowError::Time("+1:00".into()));
    assert_eq!(error("mon 24:00-08:00"), WindowError::BeginsAtEnd);
}

#[test]
fn a_window_belongs_to_the_day_it_begins() {
    // 2026-06-01 is a Monday; London is an hour ahead of UTC.
    let nights = schedule("Europe/London", &["mon-fri 17:30-08:30"], &[]);
    let table = [
        ("2026-06-01T07:00:00Z", false), // Monday morning belongs to Sunday evening
        ("2026-06-01T16:29:59Z", false),
        ("2026-06-01T16:30:00Z", true),
        ("2026-06-02T07:29:59Z", true),
        ("2026-06-02T07:30:00Z", false),
        ("2026-06-06T07:29:00Z", true), // Saturday morning belongs to Friday evening
        ("2026-06-06T07:30:00Z", false),
        ("2026-06-06T20:00:00Z", false),
    ];
    for (at, expected) in table {
        assert_eq!(nights.in_force(moment(at)), expected, "{at}");
    }
    assert_eq!(nights.next_change(moment("2026-06-06T07:30:00Z")), Some(moment("2026-06-08T16:30:00Z")));
}

#[test]
fn nothing_is_in_force_on_an_excepted_date_and_its_evening_does_not_begin() {
    let nights = schedule("UTC", &["daily 17:30-08:30"], &["2026-12-25"]);
    assert!(nights.in_force(moment("2026-12-24T23:59:59Z")));
    assert!(!nights.in_force(moment("2026-12-25T00:00:00Z")));
    assert!(!nights.in_force(moment("2026-12-25T20:00:00Z")));
    assert!(!nights.in_force(moment("2026-12-26T05:00:00Z")));
    assert!(nights.in_force(moment("2026-12-26T17:30:00Z")));
    assert_eq!(nights.next_change(moment("2026-12-24T20:00:00Z")), Some(moment("2026-12-25T00:00:00Z")));
    assert_eq!(nights.next_change(moment("2026-12-25T00:00:00Z")), Some(moment("2026-12-26T17:30:00Z")));
}

#[test]
fn in_spring_the_skipped_hour_does_not_happen() {
    // 2026-03-29 01:00 in London becomes 02:00.
    let inside = schedule("Europe/London", &["sun 01:15-01:45"], &[]);
    assert!(!inside.in_force(moment("2026-03-29T01:20:00Z")));
    assert_eq!(inside.next_change(moment("2026-03-28T00:00:00Z")), Some(moment("2026-04-05T00:15:00Z")));
    let across = schedule("Europe/London", &["sun 00:30-01:30"], &[]);
    assert!(across.in_force(moment("2026-03-29T00:59:59Z")));
    assert!(!across.in_force(moment("2026-03-29T01:00:00Z")));
    assert_eq!(across.next_change(moment("2026-03-29T00:30:00Z")), Some(moment("2026-03-29T01:00:00Z")));
    let into = schedule("Europe/London", &["sun 01:30-03:00"], &[]);
    assert_eq!(into.next_change(moment("2026-03-29T00:30:00Z")), Some(moment("2026-03-29T01:00:00Z")));
    assert_eq!(into.next_change(moment("2026-03-29T01:00:00Z")), Some(moment("2026-03-29T02:00:00Z")));
}

#[test]
fn in_autumn_the_repeated_hour_happens_twice() {
    // 2026-10-25 02:00 in London becomes 01:00: 00:00Z to 01:00Z and 01:00Z to 02:00Z both show 01:00 to 02:00.
    let inside = schedule("Europe/London", &["sun 01:15-01:45"], &[]);
    let mut at = moment("2026-10-24T22:00:00Z");
    for expected in ["2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z"] {
        at = inside.next_change(at).unwrap();
        assert_eq!(at, moment(expected));
    }
    let ends = schedule("Europe/London", &["sat 22:00-01:30"], &[]);
    for (at, expected) in [
        ("2026-10-25T00:29:00Z", true),
        ("2026-10-25T00:30:00Z", false),
        ("2026-10-25T01:00:00Z", true),
        ("2026-10-25T01:30:00Z", false),
    ] {
        assert_eq!(ends.in_force(moment(at)), expected, "{at}");
    }
}

#[test]
fn what_never_changes_has_no_next_change() {
    assert_eq!(schedule("UTC", &[], &[]).next_change(moment("2026-06-01T00:00:00Z")), None);
    assert_eq!(schedule("UTC", &["daily 00:00-24:00"], &[]).next_change(moment("2026-06-01T00:00:00Z")), None);
    assert_eq!(schedule("UTC", &["daily 08:00-08:00"], &[]).next_change(moment("2026-06-01T00:00:00Z")), None);
    let far = schedule("UTC", &["daily 00:00-24:00"], &["2027-05-01", "2020-01-01"]);
    assert_eq!(far.next_change(moment("2026-06-01T00:00:00Z")), Some(moment("2027-05-01T00:00:00Z")));
}

#[test]
fn a_standing_holds_until_the_first_change_of_any_schedule() {
    let all = [schedule("UTC", &["mon 12:00-14:00"], &[]), schedule("UTC", &["mon 13:00-15:00"], &[])];
    let standing = Standing::of(&all, moment("2026-06-01T12:30:00Z"));
    assert_eq!(standing.change(0), moment("2026-06-01T14:00:00Z"), "each schedule has its own change");
    assert_eq!(standing.change(1), moment("2026-06-01T13:00:00Z"));
    assert_eq!(standing.change(2), Moment(i64::MAX));
    assert!(standing.has(0) && !standing.has(1) && !standing.has(2) && !standing.has(64));
    assert!(standing.holds(moment("2026-06-01T12:30:00Z")) && standing.holds(moment("2026-06-01T12:59:59Z")));
    assert!(!standing.holds(moment("2026-06-01T13:00:00Z")) && !standing.holds(moment("2026-06-01T12:29:59Z")));
    assert_eq!(Standing::of(&[], moment("2026-06-01T12:30:00Z")).until, Moment(i64::MAX));
}

#[test]
fn the_ends_of_time_do_not_make_it_panic() {
    let nights = schedule("Europe/London", &["daily 17:30-08:30"], &["9999-12-31", "-009999-01-01"]);
    for at in [Moment(i64::MIN), Moment(i64::MAX), jiff::Timestamp::MIN.into(), jiff::Timestamp::MAX.into()] {
        let _ = (nights.in_force(at), nights.next_change(at));
    }
}

/// A schedule near both changes of the clock of 2026, in a zone that has one at midnight too.
fn any_schedule() -> impl Strategy<Value = Schedule> {
    let window = (1u8..128, 0u16..1440, 1u16..=1440).prop_map(|(days, from, until)| Window { days, from, until });
    let zone =
        prop::sample::select(vec!["Europe/London", "UTC", "Africa/Cairo", "Australia/Lord_Howe", "America/St_Johns"]);
    let except =
        prop::collection::vec(prop::sample::select(vec!["2026-03-29", "2026-03-30", "2026-10-25", "2026-04-24"]), 0..3);
    (zone, prop::collection::vec(window, 0..3), except).prop_map(|(zone, windows, except)| {
        let mut made = schedule(zone, &[], &except);
        made.windows = windows;
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_standing_agrees_with_looking_every_minute(
        schedules in prop::collection::vec(any_schedule(), 1..4),
        begin in prop::sample::select(vec!["2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z", "2026-04-22T00:00:00Z", "2026-04-03T00:00:00Z"]),
    ) {
        let begin = moment(begin);
        let mut standing = Standing::of(&schedules, begin);
        for minute in 0..4 * 24 * 60 {
            let at = Moment(begin.0 + minute * 60_000_000);
            let naive = schedules.iter().enumerate().fold(0u64, |bits, (n, s)| bits | (s.in_force(at) as u64) << n);
            for (n, schedule) in schedules.iter().enumerate() {
                // What a schedule is does not change before its own moment.
                prop_assert!(at >= standing.change(n) || schedule.in_force(at) == standing.has(n), "schedule {}", n);
            }
            if !standing.holds(at) {
                // It ended because something changed, and at the very minute it did.
                prop_assert_eq!(standing.until, at);
                prop_assert_ne!(standing.in_force, naive);
                standing = Standing::of(&schedules, at);
            }
            prop_assert_eq!(standing.in_force, naive, "minute {}", minute);
        }
    }

    #[test]
    fn a_window_survives_its_own_text(days in 1u8..128, from in 0u16..1440, until in 1u16..=1440) {
        let window = Window { days, from, until };
        prop_assert_eq!(Window::parse(&window.to_string()), Ok(window));
    }

    #[test]
    fn no_text_makes_parsing_panic(text in "[a-z,0-9: -]{0,30}|.{0,20}") {
        let _ = Window::parse(&text);
    }
}
