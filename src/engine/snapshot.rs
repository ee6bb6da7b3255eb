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
use crate::policy::{Access, Model, Standing};
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
    /// Grants and withdrawals.
    pub access: Arc<Access>,
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
        let access = &self.access;
        let (led_by_essential, over_stream) = (false, false);
        let (model, matcher) = (self.model(), self.matcher());
        Rules { model, matcher, standing, access, led_by_essential, over_stream, ahead: None }
    }

    /// The next generation, with other grants and withdrawals and everything else as it is: nothing is compiled or set up anew.
    #[must_use]
    pub fn with_access(&self, access: Arc<Access>, now: Moment) -> Snapshot {
        Snapshot {
            generation: self.generation + 1,
            born: now,
            routes: self.routes,
            config: Arc::clone(&self.config),
            lists: self.lists.clone(),
            roster: self.roster.clone(),
            access,
            local: Arc::clone(&self.local),
            upstreams: Arc::clone(&self.upstreams),
            labels: self.labels.clone(),
        }
    }

    /// The next generation, with other lists and everything else as it is, connections and zones included. `config` is that of this
    /// snapshot, but for what was added to its lists by command.
    #[must_use]
    pub fn with_lists(&self, config: Config, lists: Shelved, now: Moment) -> Snapshot {
        Snapshot {
            generation: self.generation + 1,
            born: now,
            routes: self.routes,
            config: Arc::new(config),
            lists,
            roster: self.roster.clone(),
            access: Arc::clone(&self.access),
            local: Arc::clone(&self.local),
            upstreams: Arc::clone(&self.upstreams),
            labels: self.labels.clone(),
        }
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
