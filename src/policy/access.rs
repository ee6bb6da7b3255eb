//! Grants and withdrawals as meant: who may reach what for a while, and whose access is withdrawn. Asked by subject without allocation; where
//! there is none of either, asking costs one branch.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::dns::Name;
use crate::moment::Moment;
use crate::policy::model::Category;
use crate::subject::{Mac, Subject};
use crate::verdict::{AccessId, By, CategoryId, CategorySet};

/// Whom a grant or a withdrawal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A user, lower-cased; whichever address attribution finds them at.
    User(Box<str>),
    /// A device, whichever address it has.
    Device(Mac),
    /// A client address or prefix, whoever is behind it.
    Client(IpNet),
}

/// What a grant opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opens {
    /// A name.
    Name {
        /// The name.
        name: Box<Name>,
        /// For that name alone; otherwise for all below it as well.
        exact: bool,
    },
    /// A category, by name.
    Category(Box<str>),
}

/// A permission for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub id: AccessId,
    /// For whom.
    pub holder: Holder,
    /// What it opens.
    pub opens: Opens,
    /// From when.
    pub from: Moment,
    /// Until when, not included: its end, or when it was revoked.
    pub until: Moment,
}

/// A withdrawal of somebody's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Which.
    pub id: AccessId,
    /// Whose.
    pub holder: Holder,
    /// From when.
    pub from: Moment,
    /// Until when, not included: its end, or when access was restored.
    pub until: Moment,
}

/// Every grant and withdrawal, found by subject.
#[derive(Clone, Debug, Default)]
pub struct Access {
    grants: Vec<Grant>,
    withdrawals: Vec<Withdrawal>,
    /// The category each grant opens; none for a name, and for a category the configuration no longer has.
    categories: Vec<Option<CategoryId>>,
    users: HashMap<Box<str>, Held>,
    devices: HashMap<Mac, Held>,
    clients: Vec<(IpNet, Held)>,
}

/// What one holder has, as places in the vectors.
#[derive(Clone, Debug, Default)]
struct Held {
    grants: Vec<u32>,
    withdrawals: Vec<u32>,
}

/// What is withdrawn from a subject at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The withdrawal in force, and by what the subject is known; none: access is not withdrawn.
    pub by: Option<(AccessId, By)>,
    /// When that may change next by itself.
    pub until: Moment,
}

/// What grants open for a subject at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The grant that speaks.
    pub id: AccessId,
    /// Its category, where it opens one.
    pub category: Option<CategoryId>,
    /// When it ends.
    pub until: Moment,
}

impl Access {
    /// Puts grants and withdrawals together; those that ended before `at` are left out. A category is looked up in `categories`; a grant
    /// for one that is not there opens nothing.
    pub fn new(grants: Vec<Grant>, withdrawals: Vec<Withdrawal>, categories: &[Category], at: Moment) -> Access {
        let mut access = Access::default();
        for grant in grants.into_iter().filter(|grant| grant.until > at) {
            let place = access.grants.len() as u32;
            access.held(&grant.holder).grants.push(place);
            access.categories.push(match &grant.opens {
                Opens::Name { .. } => None,
                Opens::Category(name) => place_of(categories, name),
            });
            access.grants.push(grant);
        }
        for withdrawal in withdrawals.into_iter().filter(|withdrawal| withdrawal.until > at) {
            let place = access.withdrawals.len() as u32;
            access.held(&withdrawal.holder).withdrawals.push(place);
            access.withdrawals.push(withdrawal);
        }
        access
    }

    /// The same, for a configuration with these categories.
    #[must_use]
    pub fn renewed(&self, categories: &[Category], at: Moment) -> Access {
        Access::new(self.grants.clone(), self.withdrawals.clone(), categories, at)
    }

    /// Whether there is neither a grant nor a withdrawal.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.withdrawals.is_empty()
    }

    /// The moments at which one of them begins or ends.
    pub fn borders(&self) -> impl Iterator<Item = Moment> {
        let grants = self.grants.iter().map(|one| [one.from, one.until]);
        grants.chain(self.withdrawals.iter().map(|one| [one.from, one.until])).flatten()
    }

    /// Which are in force, in their order.
    pub fn standing(&self, at: Moment) -> Vec<AccessId> {
        let grants = self.grants.iter().map(|one| (one.id, one.from, one.until));
        let all = grants.chain(self.withdrawals.iter().map(|one| (one.id, one.from, one.until)));
        all.filter(|(_, from, until)| *from <= at && at < *until).map(|(id, ..)| id).collect()
    }

    /// How many grants and how many withdrawals are in force.
    pub fn in_force(&self, at: Moment) -> (usize, usize) {
        let grants = self.grants.iter().filter(|grant| grant.from <= at && at < grant.until);
        let withdrawals = self.withdrawals.iter().filter(|one| one.from <= at && at < one.until);
        (grants.count(), withdrawals.count())
    }

    /// Whether the subject's access is withdrawn: that of the user where one may be asserted, else of the device, else of the address; of
    /// several the one that lasts longest. A shared host is nobody's.
    pub fn withdrawn(&self, subject: &Subject, at: Moment) -> Withdrawn {
        let mut best: Option<(&Withdrawal, By)> = None;
        let mut next = Moment(i64::MAX);
        for (by, held) in self.of(subject) {
            for one in held.withdrawals.iter().filter_map(|place| self.withdrawals.get(*place as usize)) {
                if at >= one.until {
                    continue;
                }
                if at < one.from {
                    next = next.min(one.from);
                } else if best.is_none_or(|(before, known)| known == by && one.until > before.until) {
                    best = Some((one, by));
                }
            }
        }
        match best {
            Some((one, by)) => Withdrawn { by: Some((one.id, by)), until: one.until },
            None => Withdrawn { by: None, until: next },
        }
    }

    /// The grant that opens `name` itself for the subject; of several the one that lasts longest.
    pub fn grants_name(&self, subject: &Subject, name: &Name, at: Moment) -> Option<Granted> {
        let opens = |grant: &&Grant| match &grant.opens {
            Opens::Name { name: granted, exact: true } => **granted == *name,
            Opens::Name { name: granted, exact: false } => name.is_at_or_below(granted),
            Opens::Category(_) => false,
        };
        let longest =
            self.granted(subject, at).map(|(grant, _)| grant).filter(opens).max_by_key(|grant| grant.until)?;
        Some(Granted { id: longest.id, category: None, until: longest.until })
    }

    /// The categories that grants open for the subject.
    pub fn granted_categories(&self, subject: &Subject, at: Moment) -> CategorySet {
        self.granted(subject, at).filter_map(|(_, category)| category).collect()
    }

    /// The grant that opens `category` for the subject; of several the one that lasts longest.
    pub fn grants_category(&self, subject: &Subject, category: CategoryId, at: Moment) -> Option<Granted> {
        let longest = self
            .granted(subject, at)
            .filter(|(_, opened)| *opened == Some(category))
            .map(|(grant, _)| grant)
            .max_by_key(|grant| grant.until)?;
        Some(Granted { id: longest.id, category: Some(category), until: longest.until })
    }

    /// The subject's grants in force, each with the category it opens.
    fn granted(&self, subject: &Subject, at: Moment) -> impl Iterator<Item = (&Grant, Option<CategoryId>)> {
        let places = self.of(subject).flat_map(|(_, held)| held.grants.iter());
        places
            .filter_map(|place| Some((self.grants.get(*place as usize)?, *self.categories.get(*place as usize)?)))
            .filter(move |(grant, _)| grant.from <= at && at < grant.until)
    }

    /// What is held by the subject, and by what they are known: as user first, then as device, then by address.
    fn of(&self, subject: &Subject) -> impl Iterator<Item = (By, &Held)> {
        let user = subject.user().and_then(|user| self.users.get(user)).map(|held| (By::User, held));
        let device = subject.mac().and_then(|mac| self.devices.get(&mac)).map(|held| (By::Device, held));
        let client = subject.client;
        let clients = self.clients.iter().filter(move |(prefix, _)| prefix.contains(&client));
        user.into_iter().chain(device).chain(clients.map(|(_, held)| (By::Client, held)))
    }

    fn held(&mut self, holder: &Holder) -> &mut Held {
        match holder {
            Holder::User(user) => self.users.entry(user.clone()).or_default(),
            Holder::Device(mac) => self.devices.entry(*mac).or_default(),
            Holder::Client(prefix) => {
                let place = match self.clients.iter().position(|(known, _)| known == prefix) {
                    Some(place) => place,
                    None => {
                        self.clients.push((*prefix, Held::default()));
                        self.clients.len() - 1
                    }
                };
                &mut self.clients[place].1
            }
        }
    }
}

fn place_of(categories: &[Category], name: &str) -> Option<CategoryId> {
    let place = categories.iter().position(|category| *category.name == *name)?;
    u8::try_from(place).ok().map(CategoryId)
}

#[cfg(test)]
mod tests;
