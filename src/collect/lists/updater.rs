//! The task that renews lists while the server runs: a thread of its own, one list at a time, whatever is due.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::abandoned;
use super::folder::Folder;
use super::renew::{Renewal, Renewed, chance, renew};
use super::state::State;
use crate::config::Config;
use crate::config::checked::{Download, ListSource};
use crate::list::Refused;
use crate::list::renewal::{at_start, due};
use crate::metrics::{ListUpdate, Metrics};
use crate::moment::{Clock, Moment};

/// How often the folders are looked at: another process may have renewed a list, and a reload may have brought one.
const LOOK: Duration = Duration::from_secs(15);
/// How long a stop waits for the thread; a transfer that hangs must not keep the process, and leaves nothing half behind.
const STOP: Duration = Duration::from_secs(1);

/// What is known of each download, by the name of its list.
#[derive(Debug, Default)]
pub struct Board(Mutex<HashMap<Box<str>, State>>);

impl Board {
    /// What is known of a list; none: it is not fetched, or nobody has looked yet.
    pub fn of(&self, list: &str) -> Option<State> {
        locked(&self.0).get(list).cloned()
    }
}

/// The running task. Dropping it lets the thread end by itself; [`Updater::stop`] waits for it.
pub struct Updater {
    board: Arc<Board>,
    bell: Arc<Bell>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Bell {
    stop: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn is_rung(&self) -> bool {
        *locked(&self.stop)
    }

    fn wait(&self, most: Duration) {
        let waiting = self.rung.wait_timeout_while(locked(&self.stop), most, |stop| !*stop);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Updater {
    /// Makes the folders of the downloads, so that they can be watched, and begins. `config` gives the configuration in force.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        config: impl Fn() -> Arc<Config> + Send + 'static,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> io::Result<Updater> {
        let (board, bell) = (Arc::new(Board::default()), Arc::new(Bell::default()));
        let (board_of_task, bell_of_task) = (Arc::clone(&board), Arc::clone(&bell));
        let (not_before, counted) = (HashMap::new(), HashMap::new());
        let mut task = Task { board: board_of_task, bell: bell_of_task, metrics, clock, not_before, counted };
        task.look(&config());
        let thread = Builder::new().name("lists".to_owned()).spawn(move || {
            while !task.bell.is_rung() {
                let config = config();
                task.look(&config);
                task.renew_due(&config);
                task.bell.wait(task.until_next(&config));
            }
        })?;
        Ok(Updater { board, bell, thread })
    }

    /// What is known of each download.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Ends the task, within a second.
    pub fn stop(self) {
        *locked(&self.bell.stop) = true;
        self.bell.rung.notify_all();
        for _ in 0..STOP.as_millis() / 10 {
            if self.thread.is_finished() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

struct Task {
    board: Arc<Board>,
    bell: Arc<Bell>,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// When each download may be asked for at the earliest, by its file: spread at start, and kept where the disk keeps nothing.
    not_before: HashMap<PathBuf, Moment>,
    /// The last attempt of each download that is in the metrics, or was over before this process saw the list; by its file.
    counted: HashMap<PathBuf, Option<Moment>>,
}

impl Task {
    /// Reads what lies on disk: makes folders that are missing, forgets lists that are gone, and removes what was theirs after a while.
    fn look(&mut self, config: &Config) {
        let now = self.clock.now();
        let mut states = HashMap::new();
        for (list, download) in fetched(config) {
            let folder = Folder::of(list);
            // What cannot be made here is told when the list is fetched.
            let _ = folder.make();
            let state = folder.state();
            self.not_before
                .entry(list.path.clone())
                .or_insert_with(|| at_start(now, download.refresh, folder.has_content(), chance()));
            self.count_of_others(list, &state);
            states.insert(list.name.clone(), state);
        }
        for folder in abandoned::remove(config, now) {
            tracing::info!(folder = %folder.display(), "a download that no list has any more was removed");
        }
        self.not_before.retain(|path, _| config.lists.iter().any(|list| list.path == *path));
        self.counted.retain(|path, _| config.lists.iter().any(|list| list.path == *path));
        *locked(&self.board.0) = states;
    }

    /// Takes over what an attempt of another process came to: `cordon lists update`, by hand or by a timer. Of several between two looks the
    /// last is seen. What was there when this process first saw the list was counted before, or by nobody, and is left.
    fn count_of_others(&mut self, list: &ListSource, state: &State) {
        let at = state.last.as_ref().map(|last| last.at);
        let before = self.counted.insert(list.path.clone(), at);
        if before.is_some_and(|before| before < at)
            && let Some(result) = result_of(state.word())
        {
            self.metrics.list_update(&list.name, result);
        }
    }

    fn renew_due(&mut self, config: &Config) {
        for (list, download) in fetched(config) {
            if self.bell.is_rung() {
                return;
            }
            let now = self.clock.now();
            if self.due(list, download, now) <= now {
                self.renew(list, download);
            }
        }
    }

    fn due(&self, list: &ListSource, download: &Download, now: Moment) -> Moment {
        let folder = Folder::of(list);
        let state = folder.state();
        let not_before = self.not_before.get(&list.path).copied().unwrap_or(now);
        // Content that somebody took away is fetched again at once.
        if state.failures == 0 && !folder.has_content() {
            return not_before;
        }
        due(state.next_try, now, download.refresh).max(not_before)
    }

    fn renew(&mut self, list: &ListSource, download: &Download) {
        let renewal = Renewal { list, download, clock: &self.clock, force: false, wait: false };
        let bell = &self.bell;
        let name = &*list.name;
        // What comes from outside must not end the task for all lists, whatever fault of ours it meets.
        let renewed = catch_unwind(AssertUnwindSafe(|| renew(&renewal, &mut |_| !bell.is_rung())));
        let Ok(renewed) = renewed else {
            tracing::error!(list = name, "renewing a list ended in a fault of ours; it is left alone for an hour");
            self.not_before.insert(list.path.clone(), self.clock.now().plus(Duration::from_secs(3_600)));
            return;
        };
        let (state, result) = match renewed {
            Renewed::Busy | Renewed::Stopped => return,
            Renewed::Updated(state) => {
                tracing::info!(list = name, entries = state.entries, "new content of a list was fetched");
                (state, ListUpdate::Updated)
            }
            Renewed::Unchanged(state) => (state, ListUpdate::Unchanged),
            Renewed::Refused(refused, state) => {
                tell(name, refused, &state);
                (state, ListUpdate::Refused(refused))
            }
        };
        self.metrics.list_update(name, result);
        self.counted.insert(list.path.clone(), state.last.as_ref().map(|last| last.at));
        if let Some(next) = state.next_try {
            self.not_before.insert(list.path.clone(), next);
        }
        locked(&self.board.0).insert(list.name.clone(), state);
    }

    /// How long until the next list is due, or until the folders are to be looked at again.
    fn until_next(&self, config: &Config) -> Duration {
        let now = self.clock.now();
        let soonest = fetched(config).map(|(list, download)| self.due(list, download, now).since(now)).min();
        soonest.unwrap_or(LOOK).clamp(Duration::from_millis(500), LOOK)
    }
}

/// What an attempt came to, by its word; none: a later version has more words.
fn result_of(word: &str) -> Option<ListUpdate> {
    let refused = Refused::ALL.into_iter().map(ListUpdate::Refused);
    [ListUpdate::Updated, ListUpdate::Unchanged].into_iter().chain(refused).find(|result| result.word() == word)
}

/// One line for a run that failed.
fn tell(list: &str, refused: Refused, state: &State) {
    let what =
        if state.fetched_at.is_some() { "the last good content stays in force" } else { "it is empty until then" };
    let text = state.last.as_ref().map_or("", |last| &last.text);
    tracing::warn!(
        list,
        result = refused.word(),
        failures = state.failures,
        next_try = state.next_try.map(|next| next.to_string()),
        "a list was not renewed, {what}: {text}; {}",
        refused.advice()
    );
}

/// The lists of a configuration that are fetched.
fn fetched(config: &Config) -> impl Iterator<Item = (&ListSource, &Download)> {
    config.lists.iter().filter_map(|list| Some((list, list.download.as_ref()?)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
