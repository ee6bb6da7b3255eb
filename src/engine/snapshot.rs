//! Everything a query is decided by, of one generation: immutable, swapped whole (Q7).

use std::net::IpAddr;
use std::sync::Arc;

use crate::attribution::Roster;
use crate::config::Config;
use crate::dns::Name;
use crate::engine::gate::{self, Place};
use crate::list::Matcher;
use crate::local::LocalZones;
use crate::metrics::Labels;
use crate::moment::Moment;
use crate::policy::decide::Rules;
use crate::policy::{Model, Standing};
use crate::shelf::Shelved;
use crate::subject::Subject;
use crate::upstream::Upstreams;
use crate::verdict::{ListId, Verdict};

/// Everything a query is decided by.
pub struct Snapshot {
    /// Counted from 1 at start; every record carries it.
    pub generation: u64,
    /// When it was put together.
    pub born: Moment,
    /// Raised when other servers are asked than before: an answer in the cache is only good for the routes it came by.
    pub routes: u64,
    /// The configuration it was made from.
    pub config: Arc<Config>,
    /// The lists as compiled, and what each of them yielded.
    pub lists: Shelved,
    /// Who has which address.
    pub roster: Roster,
    /// Zones answered authoritatively.
    pub local: Arc<LocalZones>,
    /// Where other names are asked.
    pub upstreams: Arc<Upstreams>,
    /// The places of network zones and categories in the metrics.
    pub labels: Labels,
}

impl Snapshot {
    /// The policy model.
    #[inline]
    pub fn model(&self) -> &Model {
        &self.config.model
    }

    /// The matcher.
    #[inline]
    pub fn matcher(&self) -> &Matcher {
        &self.lists.matcher
    }

    /// What a question is decided by at a moment for which `standing` holds.
    #[inline]
    pub fn rules<'a>(&'a self, standing: &'a Standing) -> Rules<'a> {
        Rules { model: self.model(), matcher: self.matcher(), standing }
    }

    /// Which schedules are in force at `now`.
    pub fn standing(&self, now: Moment) -> Standing {
        Standing::of(&self.model().schedules, now)
    }

    /// Room 2 and room 3: where a client stands, and who it is.
    #[inline]
    pub fn admit(&self, client: IpAddr) -> (Result<Place, Verdict>, Subject) {
        (gate::admit(self.model(), client), self.roster.subject(client))
    }

    /// Name of a list.
    pub fn list_name(&self, id: ListId) -> &str {
        self.config.lists.get(id.0 as usize).map_or("", |list| &list.name)
    }

    /// Whether a name is in a forward zone, and in which.
    pub fn forward_zone(&self, name: &Name) -> Option<u16> {
        self.config.forward_zones.iter().position(|zone| name.is_at_or_below(&zone.name)).map(|place| place as u16)
    }
}
