//! Schedules.

use super::{Check, values};
use crate::config::file::key::Key;
use crate::config::file::v1;
use crate::config::file::written::Named;
use crate::policy::Model;
use crate::policy::schedule::{MAX_SCHEDULES, Schedule, Window};
use values::Fault;

impl Check<'_> {
    /// Fills the model's schedules.
    pub(super) fn schedules(&mut self, written: &Named<v1::Schedule>, model: &mut Model) {
        for (n, (text, schedule)) in written.iter().enumerate() {
            let key = Key::new("schedule").of(text);
            let name = self.take(text, &key, values::word);
            if n == MAX_SCHEDULES {
                self.error(
                    text.span(),
                    &key,
                    format!("more than {MAX_SCHEDULES} schedules"),
                    "join those with the same windows",
                );
            }
            let timezone =
                schedule.timezone.as_ref().and_then(|text| self.take(text, &key.of("timezone"), values::timezone));
            if let Some(windows) = schedule.windows.as_ref().filter(|windows| windows.is_empty()) {
                let advice = "write `[\"mon-fri 12:00-14:00\"]`";
                self.error(windows.span(), &key.of("windows"), "is empty: it would never be in force", advice);
            }
            let windows = self.each(schedule.windows.as_ref(), &key.of("windows"), window);
            let dates = self.each(schedule.except_dates.as_ref(), &key.of("except_dates"), values::date);
            model.schedules.push(Schedule {
                name: name.unwrap_or_else(|| text.as_str().into()),
                timezone: timezone.unwrap_or(jiff::tz::TimeZone::UTC),
                windows: windows.into_iter().map(|(_, _, window)| window).collect(),
                except_dates: dates.into_iter().map(|(_, _, date)| date).collect(),
            });
        }
    }
}

fn window(text: &str) -> Result<Window, Fault> {
    let advice = "write days and times: `mon-fri 12:00-14:00`, `sat,sun 00:00-24:00`, `daily 22:00-06:00`";
    Window::parse(text).map_err(|error| Fault::new(format!("`{text}` {error}"), advice))
}
