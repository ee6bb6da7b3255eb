//! Zones this resolver answers itself: read from master files, looked up as RFC 1034 section 4.3.2 and RFC 4592 say.
//!
//! The records' types and their wire form are hickory's. The look-up is ours: the one that comes with hickory's server lets a
//! wildcard answer for names that exist and for names below them, and its reader of master files takes a `;` inside a quoted
//! string in parentheses for a comment, and a relative `$ORIGIN` for an absolute one.

mod lookup;
mod master;
mod zone;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::checked::LocalZone;
use crate::config::errors::Place;
use crate::dns::{Name, Question, SuffixMap, convert};

use zone::Zone;

/// All local zones, immutable once loaded.
#[derive(Debug, Default)]
pub struct LocalZones {
    zones: Vec<(Zone, bool)>,
    index: SuffixMap<ZoneIndex>,
}

/// One of the zones of the [`LocalZones`] that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ZoneIndex(u32);

impl ZoneIndex {
    /// Its place in the configuration.
    #[inline]
    pub fn place(self) -> u16 {
        self.0 as u16
    }
}

/// What a local zone says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAnswer {
    /// The message, in the same form as an upstream's ([`crate::upstream::Fetched::wire`]); AA set unless it is a referral.
    pub wire: Vec<u8>,
    /// NOERROR or NXDOMAIN; that of the last name when aliases were followed (RFC 6604 section 3).
    pub rcode: u16,
    /// Where a chain of aliases leaves the zone: the answer ends with the CNAME that points there, and its target is for the
    /// caller to judge and resolve.
    pub leads_out: Option<Name>,
    /// The zone cut at or above the name, when the zone delegates it: the answer is a referral without an answer section (or with
    /// the aliases that led there), and the caller may ask further.
    pub delegated: Option<Name>,
}

/// What is wrong with a local zone.
#[derive(Clone, Debug)]
pub struct LocalZoneError {
    /// Which of the zones that were to be loaded, by its place among them.
    pub zone: usize,
    /// The master file.
    pub file: PathBuf,
    /// The line its entry begins on, counted from 1, when it is one entry's fault.
    pub line: Option<usize>,
    /// Where in the file, when it is one entry's fault.
    pub place: Option<Place>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl LocalZones {
    /// Reads every zone's master file (RFC 1035 section 5; `$ORIGIN`, `$INCLUDE`, and `$TTL` of RFC 2308 section 4). All or nothing.
    pub fn load(configured: &[LocalZone]) -> Result<LocalZones, LocalZoneError> {
        LocalZones::load_beside(configured, &[])
    }

    /// The same, where names at or below `elsewhere` are answered by others (forward zones): an alias that leads there leads out.
    pub fn load_beside(configured: &[LocalZone], elsewhere: &[Name]) -> Result<LocalZones, LocalZoneError> {
        let mut zones = LocalZones::default();
        for (n, zone) in configured.iter().enumerate() {
            let of_zone = |error: LocalZoneError| LocalZoneError { zone: n, ..error }.placed();
            let others = configured.iter().map(|other| &other.name).chain(elsewhere);
            let deeper =
                others.filter(|name| **name != zone.name && name.is_at_or_below(&zone.name)).copied().collect();
            let read = Zone::read(zone.name, &zone.file).map_err(of_zone)?.beside(deeper);
            let index = ZoneIndex(zones.zones.len() as u32);
            if zones.index.insert(&zone.name, index).is_some() {
                let twice = format!("zone {} is configured twice: keep one", zone.name);
                return Err(of_zone(LocalZoneError::whole(&zone.file, twice)));
            }
            zones.zones.push((read, zone.filter));
        }
        Ok(zones)
    }

    /// The longest zone that `name` is in.
    #[inline]
    pub fn find(&self, name: &Name) -> Option<ZoneIndex> {
        self.index.longest(name).copied()
    }

    /// Whether policy judges the names of a zone too.
    pub fn filter(&self, index: ZoneIndex) -> bool {
        self.zones.get(index.0 as usize).is_none_or(|(_, filter)| *filter)
    }

    /// The origin of a zone.
    pub fn origin(&self, index: ZoneIndex) -> Option<Name> {
        self.zones.get(index.0 as usize).map(|(zone, _)| zone.origin())
    }

    /// Answers from a zone. The question's name must be in it and its class IN; there is nothing to wait for.
    ///
    /// # Errors
    /// When the name is outside the zone, or an answer would not fit 65535 octets.
    pub fn answer(&self, index: ZoneIndex, question: &Question) -> Result<LocalAnswer, convert::ConvertError> {
        match self.zones.get(index.0 as usize) {
            Some((zone, _)) => lookup::answer(zone, question),
            None => Err(convert::ConvertError::OtherQuestion),
        }
    }

    /// How many zones there are.
    pub fn len(&self) -> usize {
        self.zones.len()
    }

    /// Whether there is no zone.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }
}

impl LocalZoneError {
    fn whole(file: &Path, text: String) -> LocalZoneError {
        LocalZoneError { zone: 0, file: file.to_owned(), line: None, place: None, text }
    }

    fn at(file: &Path, line: usize, text: String) -> LocalZoneError {
        LocalZoneError { zone: 0, file: file.to_owned(), line: Some(line), place: None, text }
    }

    /// With its place in the file.
    fn placed(mut self) -> LocalZoneError {
        self.place = self.line.and_then(|line| master::place(&self.file, line, &self.text));
        self
    }
}

impl fmt::Display for LocalZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(at) => write!(f, "{}:{}:{}: {}", self.file.display(), at.line, at.column, self.text),
            None => write!(f, "{}: {}", self.file.display(), self.text),
        }
    }
}

impl std::error::Error for LocalZoneError {}
