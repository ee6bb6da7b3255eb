//! Policies as a test writes them: made at random, merged by hand, and put into the words of the configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

/// The names that policies and lists speak of; they are asked about, and so is a name below each.
pub const NAMES: [&str; 6] =
    ["example", "a.example", "b.a.example", "other.example", "c.other.example", "lone.test-names.net"];
/// The categories, each with the names on its list.
pub const CATEGORIES: [(&str, &str); 3] =
    [("gambling", "a.example\nc.other.example\n"), ("social", "other.example\n"), ("press", "b.a.example\nexample\n")];
pub const SCHEDULES: [&str; 2] = ["nights", "weekends"];
pub const GROUPS: [&str; 2] = ["one", "two"];
const ACTIONS: [&str; 3] = ["allow", "monitor", "block"];

/// What a policy says of one name.
#[derive(Clone, Debug)]
pub struct Said {
    /// `allow`, `monitor`, `deny` or an address that stands in.
    pub word: String,
    /// For the name alone.
    pub alone: bool,
}

/// One policy.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub inherits: Option<String>,
    pub response: Option<&'static str>,
    pub default: Option<&'static str>,
    /// Category to `block`, `monitor` or `permit`.
    pub actions: BTreeMap<&'static str, &'static str>,
    pub names: BTreeMap<&'static str, Said>,
    /// Schedule and category to action.
    pub timed: BTreeMap<(&'static str, &'static str), &'static str>,
    /// Group and category to action.
    pub exceptions: BTreeMap<(&'static str, &'static str), &'static str>,
    /// Group and name to action.
    pub exception_names: BTreeMap<(&'static str, &'static str), Said>,
}

impl Written {
    /// This policy over another, by hand: what is here stands in the place of what is there.
    pub fn over(&self, parent: &Written) -> Written {
        let mut all = parent.clone();
        all.inherits = None;
        all.response = self.response.or(parent.response);
        all.default = self.default.or(parent.default);
        all.actions.extend(self.actions.clone());
        all.names.extend(self.names.clone());
        all.timed.extend(self.timed.clone());
        all.exceptions.extend(self.exceptions.clone());
        all.exception_names.extend(self.exception_names.clone());
        all
    }

    /// Without what a policy that starts from none may not say.
    pub fn plain(mut self) -> Written {
        if self.default != Some("block") {
            self.actions.retain(|_, act| *act != "permit");
        }
        self
    }

    /// Without what a policy written out cannot say: a name with all below it but not for itself. Where a parent speaks of a name with all
    /// below it, this one does so too.
    pub fn plain_over(mut self, parent: &Written) -> Written {
        let widen = |said: &mut Said, theirs: Option<&Said>| {
            said.alone &= theirs.is_none_or(|theirs| theirs.alone);
            if !said.alone && said.word.contains('.') {
                said.word = "deny".to_owned();
            }
        };
        self.names.iter_mut().for_each(|(name, said)| widen(said, parent.names.get(name)));
        self.exception_names.iter_mut().for_each(|(key, said)| widen(said, parent.exception_names.get(key)));
        self
    }

    /// In the words of the configuration.
    pub fn text(&self, name: &str) -> String {
        let mut text = format!("[policy.{name}]\n");
        for (key, value) in
            [("inherits", self.inherits.as_deref()), ("response", self.response), ("default", self.default)]
        {
            if let Some(value) = value {
                writeln!(text, "{key} = \"{value}\"").unwrap();
            }
        }
        for word in ["block", "monitor", "permit"] {
            // A policy that starts from none and allows by default has no use for `permit`, and says so.
            if word == "permit" && self.inherits.is_none() && self.default != Some("block") {
                continue;
            }
            let named =
                self.actions.iter().filter(|(_, act)| **act == word).map(|(category, _)| format!("{category:?}"));
            writeln!(text, "{word} = [{}]", named.collect::<Vec<_>>().join(", ")).unwrap();
        }
        let written = |name: &str, said: &Said| format!("\"{}{name}\"", if said.alone { "=" } else { "" });
        for word in ["allow", "deny"] {
            let named = self.names.iter().filter(|(_, said)| said.word == word).map(|(name, said)| written(name, said));
            writeln!(text, "{word} = [{}]", named.collect::<Vec<_>>().join(", ")).unwrap();
        }
        let rewritten = self.names.iter().filter(|(_, said)| said.word.contains('.'));
        let rewritten: Vec<String> = rewritten.map(|(name, said)| format!("{name:?} = {:?}", said.word)).collect();
        writeln!(text, "rewrite = {{ {} }}", rewritten.join(", ")).unwrap();
        for ((schedule, category), action) in &self.timed {
            writeln!(
                text,
                "[[policy.{name}.timed]]\ncategories = [{category:?}]\nduring = {schedule:?}\naction = {action:?}"
            )
            .unwrap();
        }
        for ((group, category), action) in &self.exceptions {
            writeln!(
                text,
                "[[policy.{name}.exception]]\ngroup = {group:?}\ncategories = [{category:?}]\naction = {action:?}"
            )
            .unwrap();
        }
        for ((group, of), said) in &self.exception_names {
            let action = if said.word == "deny" { "block" } else { &said.word };
            writeln!(
                text,
                "[[policy.{name}.exception]]\ngroup = {group:?}\nnames = [{}]\naction = {action:?}",
                written(of, said)
            )
            .unwrap();
        }
        text
    }
}

/// Any policy that starts from none; what it puts in place of names carries `mark`.
pub fn any_policy(mark: u8) -> impl Strategy<Value = Written> {
    let response = prop::option::of(prop::sample::select(&["sinkhole", "nxdomain", "nodata", "refused", "drop"][..]));
    let default = prop::option::of(prop::sample::select(&["allow", "block"][..]));
    let category = || prop::sample::select(CATEGORIES.map(|(name, _)| name).to_vec());
    let action = || prop::sample::select(&ACTIONS[..]);
    let actions =
        prop::collection::btree_map(category(), prop::sample::select(&["block", "monitor", "permit"][..]), 0..3);
    let stand_in = format!("192.0.2.{mark}");
    let said = prop_oneof![
        (prop::sample::select(&["allow", "deny"][..]), any::<bool>())
            .prop_map(|(word, alone)| Said { word: word.to_owned(), alone }),
        Just(Said { word: stand_in, alone: true }),
    ];
    let names = prop::collection::btree_map(prop::sample::select(&NAMES[..]), said, 0..4);
    let timed = prop::collection::btree_map((prop::sample::select(&SCHEDULES[..]), category()), action(), 0..4);
    let group = || prop::sample::select(&GROUPS[..]);
    let exceptions = prop::collection::btree_map((group(), category()), action(), 0..3);
    let excepted = (prop::sample::select(&["allow", "monitor", "deny"][..]), any::<bool>())
        .prop_map(|(word, alone)| Said { word: word.to_owned(), alone });
    let exception_names = prop::collection::btree_map((group(), prop::sample::select(&NAMES[..])), excepted, 0..3);
    (response, default, actions, names, timed, exceptions, exception_names).prop_map(
        |(response, default, actions, names, timed, exceptions, exception_names)| Written {
            inherits: None,
            response,
            default,
            actions,
            names,
            timed,
            exceptions,
            exception_names,
        },
    )
}
