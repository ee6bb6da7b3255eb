//! From the configuration as written to the configuration as meant. Everything that is wrong is reported, not only the first.

mod addresses;
mod groups;
mod lists;
pub(super) mod names;
mod networks;
pub(super) mod paths;
mod policies;
mod schedules;
mod service;
mod values;
mod zones;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::checked::Config;
use super::errors::{ConfigError, ConfigErrors, SourceText, advise};
use super::file::key::Key;
use super::file::v1::{File, Text, Texts};
use super::file::{self};
use super::original::Original;
use crate::hex::hex;
use crate::list::journal;
use crate::policy::Model;
use values::Fault;

impl Config {
    /// Reads and checks a configuration file and that the files it names are there. Nothing is written and nothing is made.
    ///
    /// # Errors
    /// Everything that is wrong, with place, key and advice.
    pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
        let bytes = std::fs::read(path).map_err(|error| {
            let advice = match error.kind() {
                std::io::ErrorKind::NotFound => "name another with `--config PATH`",
                std::io::ErrorKind::PermissionDenied => "let the user that runs cordon read it",
                _ => "name a file",
            };
            ConfigErrors::of_file(path.display(), format!("cannot be read: {}", plain(&error)), advice)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            ConfigErrors::of_file(path.display(), format!("line {line} is not UTF-8"), "save the file as UTF-8")
        })?;
        Config::from_text(path, &text)
    }

    /// Checks a text as if it were the configuration file at `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_text(path: &Path, text: &str) -> Result<Config, ConfigErrors> {
        let shown = path.display().to_string();
        let source = SourceText { file: &shown, text };
        let reading = file::read(source);
        let mut check = Check { source, folder: folder_of(path), errors: reading.errors, lost: reading.lost };
        let config = reading.file.map(|file| check.config(path, &file));
        match config {
            Some(mut config) if check.errors.is_empty() => match config.take_added() {
                Ok(()) => Ok(config),
                Err(error) => Err(ConfigErrors::of_file(
                    journal::path(&config.node.data_dir).display(),
                    format!("cannot be read: {}", plain(&error)),
                    "let the user that runs cordon read it; it is what `cordon lists add` keeps",
                )),
            },
            _ => {
                let place = |error: &ConfigError| error.place.as_ref().map(|place| (place.line, place.column));
                check.errors.sort_by_key(place);
                Err(ConfigErrors { errors: check.errors })
            }
        }
    }
}

/// One check of one file: what was found so far, and what is needed to find more.
struct Check<'a> {
    source: SourceText<'a>,
    /// The folder the file stands in, as the file was named.
    folder: PathBuf,
    errors: Vec<ConfigError>,
    lost: Vec<Key>,
}

impl Check<'_> {
    fn config(&mut self, path: &Path, file: &File) -> Config {
        let mut model = Model::default();
        let node = self.node(&file.node);
        let listen = self.listen(&file.listen);
        let upstream = self.upstream(&file.upstream, &listen);
        let lists = self.categories(&file.category, &node.data_dir, &mut model);
        self.schedules(&file.schedule, &mut model);
        self.groups(&file.group, &mut model);
        self.policies(&file.policy, &mut model);
        self.network_zones(&file.network_zone, &mut model);
        self.unmatched(&file.unmatched, file, &mut model);
        self.withdrawal(&file.withdrawal, &mut model);
        let log = self.log(&file.log, &node);
        Config {
            path: paths::absolute(path),
            original: Original::of(self.source),
            sha256: hex(&Sha256::digest(self.source.text.as_bytes())),
            forward_zones: self.forward_zones(&file.forward_zone, &listen),
            local_zones: self.local_zones(&file.local_zone, &file.forward_zone),
            cache: self.cache(&file.cache),
            probe: self.probe(&file.probe),
            statics: self.statics(&file.attribution.statics),
            lists,
            model: Arc::new(model),
            log,
            node,
            listen,
            upstream,
        }
    }

    fn error(&mut self, span: Range<usize>, key: &Key, problem: impl Into<String>, advice: impl Into<String>) {
        self.errors.push(self.source.error(span, key.as_str(), problem.into(), Some(advice.into())));
    }

    /// Takes what a text stands for, or reports why it stands for nothing.
    fn take<T>(&mut self, text: &Text, key: &Key, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        read(text)
            .map_err(|Fault { problem, advice }| {
                self.errors.push(self.source.error(text.span(), key.as_str(), problem, advice))
            })
            .ok()
    }

    /// As [`Check::take`] for each element of an array, with its place.
    fn each<T>(
        &mut self,
        texts: Option<&Texts>,
        key: &Key,
        read: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<(usize, Range<usize>, T)> {
        let mut taken = Vec::new();
        for (n, text) in texts.into_iter().flat_map(|texts| texts.iter().enumerate()) {
            if let Some(value) = self.take(text, &key.nth(n), &read) {
                taken.push((n, text.span(), value));
            }
        }
        taken
    }

    /// The place of something that is named elsewhere in the file. `kind` is the word for it, `section` where it is written.
    fn refer(&mut self, text: &Text, key: &Key, kind: &str, section: &str, known: &[&str]) -> Option<usize> {
        let found = known.iter().position(|name| *name == text.as_str());
        // Where something of that kind was lost to another error, the reference may be right.
        if found.is_none() && !self.lost.iter().any(|lost| lost.names_one_of(section)) {
            let advice = advise(text, known.iter().copied());
            let advice = advice.unwrap_or_else(|| format!("there is none yet: add one under `{section}`"));
            self.error(text.span(), key, format!("unknown {kind} `{}`", text.as_str()), advice);
        }
        found
    }
}

/// Names already used, and where.
#[derive(Default)]
struct Seen(HashMap<String, Range<usize>>);

impl Seen {
    /// Whether a name was used.
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Notes a name; where it was before, if it was.
    fn before(&mut self, name: impl Into<String>, span: Range<usize>) -> Option<Range<usize>> {
        match self.0.entry(name.into()) {
            std::collections::hash_map::Entry::Occupied(first) => Some(first.get().clone()),
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(span);
                None
            }
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// An error of the operating system without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
