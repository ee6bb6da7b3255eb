//! What the lines of the journal add up to.

use std::collections::HashMap;

use crate::access::line::{self, Entry, Line, Meant, Whose};
use crate::moment::Moment;
use crate::policy::access::{Grant, Opens, Withdrawal};
use crate::verdict::AccessId;

/// Every grant and withdrawal that was ever made, in the order they were written.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Grants.
    pub grants: Vec<Granting>,
    /// Withdrawals.
    pub withdrawals: Vec<Withdrawing>,
    /// Lines read.
    pub lines: u64,
    /// The highest number of each day, of grants and of withdrawals.
    numbers: HashMap<(bool, u32), u32>,
}

/// A grant with its circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granting {
    /// The grant, as the policy takes it.
    pub grant: Grant,
    /// For how long it was made.
    pub minutes: u32,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// Who wrote it.
    pub who: String,
    /// When it was to end.
    pub expires: Moment,
    /// How it ended before its time.
    pub revoked: Option<Ended>,
}

/// A withdrawal with its circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawing {
    /// The withdrawal, as the policy takes it.
    pub withdrawal: Withdrawal,
    /// By whose authority.
    pub authoriser: String,
    /// Why.
    pub reason: String,
    /// Who wrote it.
    pub who: String,
    /// When it was written.
    pub at: Moment,
    /// When it is to be looked at again.
    pub review: Moment,
    /// When it was to end.
    pub expires: Moment,
    /// How it ended before its time.
    pub restored: Option<Ended>,
}

/// How something ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Moment,
    /// Who wrote it.
    pub who: String,
    /// By whose authority, where that is asked for.
    pub authoriser: Option<String>,
    /// Why.
    pub reason: String,
}

impl Ledger {
    /// Takes a line; the text says what of it cannot be.
    pub(super) fn take(&mut self, line: &Line) -> Result<(), String> {
        if line.v != line::VERSION {
            return Err(format!("is of version {}, this program knows {}", line.v, line::VERSION));
        }
        let id = AccessId::parse(&line.id).ok_or_else(|| format!("has `{}` for an id", line.id))?;
        match &line.entry {
            Entry::Grant { subject, name, category, minutes, expires, reason, approver } => {
                self.is_new(id, false)?;
                let opens = Meant { name: name.as_deref(), category: category.as_deref() }.opens()?;
                let grant = Grant { id, holder: subject.holder()?, opens, from: line.at, until: *expires };
                self.grants.push(Granting {
                    grant,
                    minutes: *minutes,
                    reason: reason.clone(),
                    approver: approver.clone(),
                    who: line.who.clone(),
                    expires: *expires,
                    revoked: None,
                });
            }
            Entry::Withdraw { subject, authoriser, reason, start, review, expires } => {
                self.is_new(id, true)?;
                let withdrawal = Withdrawal { id, holder: subject.holder()?, from: *start, until: *expires };
                self.withdrawals.push(Withdrawing {
                    withdrawal,
                    authoriser: authoriser.clone(),
                    reason: reason.clone(),
                    who: line.who.clone(),
                    at: line.at,
                    review: *review,
                    expires: *expires,
                    restored: None,
                });
            }
            Entry::Revoke { reason } => {
                let ended = Ended { at: line.at, who: line.who.clone(), authoriser: None, reason: reason.clone() };
                let one = self.grants.iter_mut().find(|one| one.grant.id == id && one.revoked.is_none());
                let one = one.ok_or_else(|| format!("revokes {id}, which is not there or is revoked already"))?;
                one.grant.until = one.grant.until.min(line.at);
                one.revoked = Some(ended);
            }
            Entry::Restore { authoriser, reason } => {
                let authoriser = Some(authoriser.clone());
                let ended = Ended { at: line.at, who: line.who.clone(), authoriser, reason: reason.clone() };
                let one = self.withdrawals.iter_mut().find(|one| one.withdrawal.id == id && one.restored.is_none());
                let one = one.ok_or_else(|| format!("restores {id}, which is not there or is restored already"))?;
                one.withdrawal.until = one.withdrawal.until.min(line.at);
                one.restored = Some(ended);
            }
        }
        self.lines += 1;
        Ok(())
    }

    /// The id of the next grant or withdrawal written at `now`.
    pub(super) fn next_id(&self, withdrawal: bool, now: Moment) -> AccessId {
        let date = jiff::tz::TimeZone::UTC.to_datetime(now.timestamp()).date();
        let day = date.year().unsigned_abs() as u32 * 10_000 + date.month() as u32 * 100 + date.day() as u32;
        let number = self.numbers.get(&(withdrawal, day)).map_or(1, |last| last.saturating_add(1));
        AccessId { withdrawal, day, number }
    }

    /// The grant with this id.
    pub fn grant(&self, id: AccessId) -> Option<&Granting> {
        self.grants.iter().find(|one| one.grant.id == id)
    }

    /// The withdrawal with this id.
    pub fn withdrawal(&self, id: AccessId) -> Option<&Withdrawing> {
        self.withdrawals.iter().find(|one| one.withdrawal.id == id)
    }

    fn is_new(&mut self, id: AccessId, withdrawal: bool) -> Result<(), String> {
        let last = self.numbers.entry((withdrawal, id.day)).or_default();
        if id.withdrawal != withdrawal || id.number <= *last {
            return Err(format!("has the id {id}, which is not the next one"));
        }
        *last = id.number;
        Ok(())
    }
}

impl Granting {
    /// For whom.
    pub fn whose(&self) -> Whose {
        Whose::from(&self.grant.holder)
    }

    /// What it opens, as it is written: a name, or a category.
    pub fn opened(&self) -> (Option<String>, Option<String>) {
        match &self.grant.opens {
            Opens::Name { name, exact: true } => (Some(format!("={name}")), None),
            Opens::Name { name, exact: false } => (Some(name.to_string()), None),
            Opens::Category(category) => (None, Some(category.to_string())),
        }
    }

    /// In force, expired or revoked, at `at`.
    pub fn state(&self, at: Moment) -> &'static str {
        match (&self.revoked, at < self.grant.until) {
            (Some(ended), _) if ended.at <= self.expires => "revoked",
            (_, true) => "in force",
            _ => "expired",
        }
    }
}

impl Withdrawing {
    /// Whose.
    pub fn whose(&self) -> Whose {
        Whose::from(&self.withdrawal.holder)
    }

    /// To come, in force, due for review, expired or restored, at `at`.
    pub fn state(&self, at: Moment) -> &'static str {
        match (&self.restored, at < self.withdrawal.from, at < self.withdrawal.until) {
            (Some(_), ..) => "restored",
            (None, true, true) => "to come",
            (None, false, true) if at >= self.review => "review due",
            (None, false, true) => "in force",
            _ => "expired",
        }
    }
}
