//! Policies.

mod rewrites;

use std::collections::HashMap;
use std::ops::Range;

use super::{Check, names, values};
use crate::config::file::key::Key;
use crate::config::file::v1::{self, Text, Texts};
use crate::config::file::written::{Named, Written};
use crate::dns::Name;
use crate::policy::model::Act;
use crate::policy::names::NameAct;
use crate::policy::{Exception, Model, NameRules, Policy, Response, Timed};
use crate::verdict::{CategoryId, CategorySet, EntryId};

impl Check<'_> {
    /// Fills the model's policies; categories, schedules and groups are there already.
    pub(super) fn policies(&mut self, written: &Named<v1::Policy>, model: &mut Model) {
        for (text, policy) in written.iter() {
            let key = Key::new("policy").of(text);
            let name = self.take(text, &key, values::word).unwrap_or_else(|| text.as_str().into());
            if matches!(&*name, "refuse" | "drop") {
                let problem = format!("`{name}` is a word of `unmatched.action`");
                self.error(text.span(), &key, problem, "give the policy another name");
            }
            let policy = self.policy(name, policy, &key, model);
            model.policies.push(policy);
        }
    }

    fn policy(&mut self, name: Box<str>, written: &v1::Policy, key: &Key, model: &mut Model) -> Policy {
        let default_block = written.default.as_deref() == Some(&v1::Otherwise::Block);
        let mut policy = Policy {
            name,
            response: written.response.as_deref().map(response),
            names: NameRules::default(),
            rewrites: Vec::new(),
            actions: vec![None; model.categories.len()],
            timed: Vec::new(),
            exceptions: Vec::new(),
            default_block,
            default_entry: None,
        };
        self.actions(written, key, &mut policy, model);
        self.names(written, key, &mut policy, model);
        self.rewrites(written, key, &mut policy, model);
        if let Some(default) = written.default.as_deref() {
            let word = if *default == v1::Otherwise::Block { "block" } else { "allow" };
            policy.default_entry = Some(model.add_entry(format!("{key}.default {word}")));
        }
        for (n, timed) in written.timed.iter().enumerate() {
            let timed = self.timed(timed, &key.of("timed").nth(n), model);
            policy.timed.extend(timed);
        }
        for (n, exception) in written.exception.iter().enumerate() {
            let exception = self.exception(exception, &key.of("exception").nth(n), model);
            policy.exceptions.extend(exception);
        }
        policy
    }

    /// `block`, `monitor` and `permit`: each category has one action.
    fn actions(&mut self, written: &v1::Policy, key: &Key, policy: &mut Policy, model: &mut Model) {
        if let Some(permit) = written.permit.as_ref().filter(|permit| !permit.is_empty() && !policy.default_block) {
            let lost = self.lost.iter().any(|lost| *lost == key.of("default"));
            if !lost {
                let advice = "remove it, or set `default = \"block\"`";
                self.error(permit.span(), &key.of("permit"), "has no effect where the default is to allow", advice);
            }
        }
        let mut first: HashMap<CategoryId, (&str, Range<usize>)> = HashMap::new();
        for (word, texts, act) in [
            ("block", &written.block, Act::Block),
            ("monitor", &written.monitor, Act::Monitor),
            ("permit", &written.permit, Act::Allow),
        ] {
            for (n, span, id) in self.category_ids(texts.as_ref(), &key.of(word), model) {
                if let Some((other, at)) = first.get(&id) {
                    let line = self.source.line_of(at.start);
                    let name = &model.category(id).name;
                    let problem = if *other == word {
                        format!("`{name}` stands in `{word}` twice")
                    } else {
                        format!("`{name}` stands in `{other}` as well (line {line})")
                    };
                    self.error(span, &key.of(word).nth(n), problem, "a category has one action; remove one of the two");
                    continue;
                }
                first.insert(id, (word, span));
                let entry = model.add_entry(format!("{key}.{word} {}", model.category(id).name));
                if let Some(action) = policy.actions.get_mut(usize::from(id.0)) {
                    *action = Some((act, entry));
                }
            }
        }
    }

    /// `allow` and `deny`.
    fn names(&mut self, written: &v1::Policy, key: &Key, policy: &mut Policy, model: &mut Model) {
        let mut first: HashMap<(Name, bool), (&str, Range<usize>)> = HashMap::new();
        for (word, texts, act) in [("allow", &written.allow, NameAct::Allow), ("deny", &written.deny, NameAct::Block)] {
            let key = key.of(word);
            for (n, span, (name, exact)) in self.each(texts.as_ref(), &key, names::name_or_exact) {
                if act == NameAct::Block && !exact {
                    self.judge_suffix(&name, span.clone(), &key.nth(n));
                }
                if let Some((other, at)) = first.get(&(name, exact)) {
                    let line = self.source.line_of(at.start);
                    let problem = format!("`{name}` stands in `{other}` already (line {line})");
                    self.error(span, &key.nth(n), problem, "remove one of the two");
                    continue;
                }
                first.insert((name, exact), (word, span));
                let alone = if exact { "=" } else { "" };
                let entry = model.add_entry(format!("{} {alone}{name}", key.nth(n)));
                policy.names.add(&name, exact, act, entry);
            }
        }
    }

    fn judge_suffix(&mut self, name: &Name, span: Range<usize>, key: &Key) {
        if let Err(fault) = names::not_a_public_suffix(name) {
            self.error(span, key, fault.problem, fault.advice.unwrap_or_default());
        }
    }

    fn timed(&mut self, written: &Written<v1::Timed>, key: &Key, model: &mut Model) -> Option<Timed> {
        if let Some(texts) = written.categories.as_ref().filter(|texts| texts.is_empty()) {
            self.error(
                texts.span(),
                &key.of("categories"),
                "is empty: the entry would do nothing",
                "name a category, or remove the entry",
            );
        }
        let categories = self.category_set(written.categories.as_ref(), &key.of("categories"), model);
        let known: Vec<&str> = model.schedules.iter().map(|schedule| &*schedule.name).collect();
        let during = written.during.as_ref()?;
        let schedule = self.refer(during, &key.of("during"), "schedule", "schedule", &known)?;
        let action = act(**written.action.as_ref()?);
        Some(Timed { categories, schedule, action, entry: model.add_entry(format!("{key} {}", during.as_str())) })
    }

    fn exception(&mut self, written: &Written<v1::Exception>, key: &Key, model: &mut Model) -> Option<Exception> {
        let nothing = |texts: &Option<Texts>| texts.as_ref().is_none_or(|texts| texts.is_empty());
        let lost = self.lost.iter().any(|lost| *lost == key.of("categories") || *lost == key.of("names"));
        if nothing(&written.categories) && nothing(&written.names) && !lost {
            let advice = "give it `categories` or `names`, or remove it";
            self.error(written.span(), key, "has neither categories nor names: it would do nothing", advice);
        }
        let categories = self.category_set(written.categories.as_ref(), &key.of("categories"), model);
        let known: Vec<&str> = model.groups.iter().map(|group| &*group.name).collect();
        let group =
            written.group.as_ref().and_then(|text| self.refer(text, &key.of("group"), "group", "group", &known));
        let action = written.action.as_deref().copied();
        let entry = model.add_entry(format!("{key} {}", written.group.as_ref().map_or("", |text| text.as_str())));
        let names = self.exception_names(written.names.as_ref(), &key.of("names"), action, entry);
        Some(Exception { group: group?, categories, names, action: act(action?), entry })
    }

    fn exception_names(
        &mut self,
        texts: Option<&Texts>,
        key: &Key,
        action: Option<v1::Action>,
        entry: EntryId,
    ) -> NameRules {
        let mut rules = NameRules::default();
        for (n, span, (name, exact)) in self.each(texts, key, names::name_or_exact) {
            if action == Some(v1::Action::Block) && !exact {
                self.judge_suffix(&name, span, &key.nth(n));
            }
            let act = match action {
                Some(v1::Action::Block) => NameAct::Block,
                Some(v1::Action::Monitor) => NameAct::Monitor,
                Some(v1::Action::Allow) | None => NameAct::Allow,
            };
            rules.add(&name, exact, act, entry);
        }
        rules
    }

    fn category_set(&mut self, texts: Option<&Texts>, key: &Key, model: &Model) -> CategorySet {
        self.category_ids(texts, key, model).into_iter().map(|(_, _, id)| id).collect()
    }

    fn category_ids(
        &mut self,
        texts: Option<&Texts>,
        key: &Key,
        model: &Model,
    ) -> Vec<(usize, Range<usize>, CategoryId)> {
        let known: Vec<&str> = model.categories.iter().map(|category| &*category.name).collect();
        let mut ids = Vec::new();
        for (n, text) in texts.into_iter().flat_map(|texts| texts.iter().enumerate()) {
            let id = self.category_id(text, &key.nth(n), &known);
            ids.extend(id.map(|id| (n, text.span(), id)));
        }
        ids
    }

    fn category_id(&mut self, text: &Text, key: &Key, known: &[&str]) -> Option<CategoryId> {
        let place = self.refer(text, key, "category", "category", known)?;
        u8::try_from(place).ok().filter(|id| usize::from(*id) < crate::verdict::MAX_CATEGORIES).map(CategoryId)
    }
}

fn act(written: v1::Action) -> Act {
    match written {
        v1::Action::Allow => Act::Allow,
        v1::Action::Monitor => Act::Monitor,
        v1::Action::Block => Act::Block,
    }
}

fn response(written: &v1::Response) -> Response {
    match written {
        v1::Response::Sinkhole => Response::Sinkhole,
        v1::Response::Nxdomain => Response::Nxdomain,
        v1::Response::Nodata => Response::Nodata,
        v1::Response::Refused => Response::Refused,
        v1::Response::Drop => Response::Drop,
    }
}
