//! The matcher against a naive one, and against octets it must not trust.

use proptest::prelude::*;

use super::*;
use crate::dns::types::rtype;
use crate::list::hits::Kind;
use crate::list::layout::START;
use crate::list::rule::{Answer, OwnRecord, Role, Rule as Said, Says, Scope, Types};
use crate::verdict::{Given, MAX_CATEGORIES};

#[derive(Clone, Debug)]
struct Rule {
    list: u16,
    category: u8,
    role: Role,
    said: Said,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn compiled(rules: &[Rule]) -> (Vec<u8>, crate::list::CompileReport) {
    let mut compiler = Compiler::new([9; 16]);
    for (rule, line) in rules.iter().zip(1..) {
        compiler.add(ListId(rule.list), CategoryId(rule.category), rule.role, line, &rule.said).unwrap();
    }
    let mut file = Vec::new();
    let report = compiler.finish([5; 32], &mut file).unwrap();
    assert_eq!(report.octets, file.len() as u64);
    (file, report)
}

fn matcher(rules: &[Rule]) -> Matcher {
    Matcher::open(compiled(rules).0).unwrap()
}

fn rule(list: u16, category: u8, except: bool, text: &str) -> Rule {
    let role = if except { Role::ExceptCategory } else { Role::Lists };
    Rule { list, category, role, said: Said::listing(name(text)) }
}

fn says(list: u16, says: Says, text: &str) -> Rule {
    Rule { list, category: 0, role: Role::Lists, said: Said { says, ..Said::listing(name(text)) } }
}

impl Rule {
    fn applies(&self, asked: &Name, qtype: u16) -> bool {
        let of_scope = match self.said.scope {
            Scope::Tree => asked.is_at_or_below(&self.said.name),
            Scope::Alone => *asked == self.said.name,
            Scope::Below => asked.is_at_or_below(&self.said.name) && *asked != self.said.name,
        };
        of_scope && self.said.types.has(qtype)
    }

    fn lists(&self) -> bool {
        self.role == Role::Lists && matches!(self.said.says, Says::Lists(_) | Says::ListsImportant)
    }

    /// Whether this rule takes out `listing`, told from the words of the documents rather than as the matcher does it.
    fn takes_out(&self, listing: &Rule) -> bool {
        let (mine, its) = (self.said.name.label_count(), listing.said.name.label_count());
        let important = listing.said.says == Says::ListsImportant;
        let same_list = self.list == listing.list;
        self.category == listing.category
            && match (self.role, &self.said.says) {
                (Role::ExceptCategory, _) => mine >= its,
                (Role::ExceptList(of), _) => of.0 == listing.list && mine >= its,
                (Role::Lists, Says::ExceptImportant) => same_list,
                (Role::Lists, Says::ExceptAlways) => same_list && !important,
                (Role::Lists, Says::Except) => same_list && !important && mine >= its,
                (Role::Lists, Says::Hole) => same_list && !important && mine > its,
                (Role::Lists, Says::Lists(_) | Says::ListsImportant) => false,
            }
    }
}

/// Looks at every rule, one after the other: category, list, labels, and every line that may be named.
fn naive(rules: &[Rule], asked: &Name, qtype: u16) -> Vec<(u8, u16, u8, Vec<u32>)> {
    let applying = || rules.iter().zip(1u32..).filter(|(rule, _)| rule.applies(asked, qtype));
    let mut hits = Vec::new();
    for category in 0..MAX_CATEGORIES as u8 {
        let left: Vec<(&Rule, u32)> = applying()
            .filter(|(rule, _)| rule.category == category && rule.lists())
            .filter(|(rule, _)| !applying().any(|(other, _)| other.takes_out(rule)))
            .collect();
        let Some(longest) = left.iter().map(|(rule, _)| rule.said.name.label_count()).max() else { continue };
        let of_length = || left.iter().filter(|(rule, _)| rule.said.name.label_count() == longest);
        let list = of_length().map(|(rule, _)| rule.list).min().unwrap();
        let lines = of_length().filter(|(rule, _)| rule.list == list).map(|(_, line)| *line).collect();
        hits.push((category, list, longest as u8, lines));
    }
    hits
}

fn asked(matcher: &Matcher, text: &str) -> Vec<(u8, u32, u8)> {
    let mut hits = Hits::new();
    matcher.look_up(&name(text), rtype::A, &mut hits);
    hits.iter().map(|hit| (hit.category.0, hit.line, hit.labels)).collect()
}

#[test]
fn a_listed_name_holds_for_itself_and_all_below_it_and_nothing_else() {
    let matcher = matcher(&[rule(0, 0, false, "bet.example")]);
    assert_eq!(asked(&matcher, "bet.example"), [(0, 1, 2)]);
    assert_eq!(asked(&matcher, "WWW.Bet.Example"), [(0, 1, 2)]);
    assert_eq!(asked(&matcher, "notbet.example"), []);
    assert_eq!(asked(&matcher, "example"), []);
    assert_eq!(asked(&matcher, "."), []);
}

#[test]
fn the_most_specific_rule_of_each_category_speaks() {
    let matcher = matcher(&[
        rule(0, 3, false, "example"),
        rule(1, 3, false, "bet.example"),
        rule(2, 7, false, "bet.example"),
        rule(1, 3, false, "a.bet.example"),
    ]);
    assert_eq!(asked(&matcher, "x.a.bet.example"), [(3, 4, 3), (7, 3, 2)]);
    assert_eq!(asked(&matcher, "b.bet.example"), [(3, 2, 2), (7, 3, 2)]);
    assert_eq!(asked(&matcher, "other.example"), [(3, 1, 1)]);
}

#[test]
fn an_exception_takes_out_its_own_category_down_to_the_next_longer_rule() {
    let matcher = matcher(&[
        rule(0, 0, false, "bet.example"),
        rule(1, 0, true, "help.bet.example"),
        rule(0, 0, false, "win.help.bet.example"),
        rule(2, 1, false, "bet.example"),
        rule(0, 0, false, "tie.example"),
        rule(1, 0, true, "tie.example"),
    ]);
    assert_eq!(asked(&matcher, "www.help.bet.example"), [(1, 4, 2)]);
    assert_eq!(asked(&matcher, "win.help.bet.example"), [(0, 3, 4), (1, 4, 2)]);
    assert_eq!(asked(&matcher, "tie.example"), []);
}

#[test]
fn every_rule_tells_of_lists_and_exceptions_that_do_not_count() {
    let matcher = matcher(&[
        rule(4, 0, false, "bet.example"),
        rule(2, 0, false, "bet.example"),
        rule(1, 0, true, "bet.example"),
        rule(3, 9, false, "www.bet.example"),
    ]);
    let all: Vec<(u16, u32, u8, bool)> = matcher
        .every_rule(&name("www.bet.example"), rtype::A)
        .iter()
        .map(|found| (found.list.0, found.line, found.labels, found.except))
        .collect();
    assert_eq!(all, [(3, 4, 3, false), (1, 3, 2, true), (2, 2, 2, false), (4, 1, 2, false)]);
}

#[test]
fn within_a_list_the_strongest_rule_speaks() {
    let matcher = matcher(&[
        says(0, Says::ListsImportant, "mixed.example"),
        says(0, Says::ExceptAlways, "mixed.example"),
        says(0, Says::ExceptAlways, "shop.example"),
        says(0, Says::Lists(Answer::Policy), "ads.shop.example"),
        says(0, Says::Except, "news.example"),
        says(0, Says::Lists(Answer::Policy), "ads.news.example"),
        says(0, Says::ExceptImportant, "king.example"),
        says(0, Says::ListsImportant, "king.example"),
        says(0, Says::Lists(Answer::Policy), "deny.example"),
        says(0, Says::Hole, "ok.deny.example"),
        says(0, Says::Lists(Answer::Policy), "bad.ok.deny.example"),
        says(1, Says::Lists(Answer::Policy), "shop.example"),
    ]);
    assert_eq!(asked(&matcher, "mixed.example"), [(0, 1, 2)]);
    assert_eq!(asked(&matcher, "ads.shop.example"), [(0, 12, 2)], "the exception is of list 0 alone");
    assert_eq!(asked(&matcher, "ads.news.example"), [(0, 6, 3)]);
    assert_eq!(asked(&matcher, "news.example"), []);
    assert_eq!(asked(&matcher, "king.example"), []);
    assert_eq!(asked(&matcher, "x.deny.example"), [(0, 9, 2)]);
    assert_eq!(asked(&matcher, "x.ok.deny.example"), []);
    assert_eq!(asked(&matcher, "bad.ok.deny.example"), [(0, 11, 4)]);
}

#[test]
fn an_exception_of_one_list_leaves_the_others() {
    let except = Rule { role: Role::ExceptList(ListId(0)), ..rule(2, 0, false, "bet.example") };
    let matcher = matcher(&[rule(0, 0, false, "bet.example"), rule(1, 0, false, "bet.example"), except.clone()]);
    assert_eq!(asked(&matcher, "bet.example"), [(0, 2, 2)]);
    let matcher = self::matcher(&[rule(0, 0, false, "bet.example"), except]);
    assert_eq!(asked(&matcher, "www.bet.example"), []);
    let every = matcher.every_rule(&name("bet.example"), rtype::A);
    assert_eq!(
        every.iter().map(|found| (found.kind, found.of.0)).collect::<Vec<_>>(),
        [(Kind::Lists, 0), (Kind::Except, 0)]
    );
}

#[test]
fn rules_hold_for_their_names_and_types_only() {
    let scoped = |scope, types, text| Rule {
        said: Said { scope, types, ..Said::listing(name(text)) },
        ..rule(0, 0, false, text)
    };
    let matcher = matcher(&[
        scoped(Scope::Alone, Types::All, "alone.example"),
        scoped(Scope::Below, Types::All, "below.example"),
        scoped(Scope::Tree, Types::Only([rtype::AAAA].into()), "six.example"),
    ]);
    assert_eq!(asked(&matcher, "alone.example"), [(0, 1, 2)]);
    assert_eq!(asked(&matcher, "x.alone.example"), []);
    assert_eq!(asked(&matcher, "below.example"), []);
    assert_eq!(asked(&matcher, "x.y.below.example"), [(0, 2, 2)]);
    assert_eq!(asked(&matcher, "six.example"), []);
    let mut hits = Hits::new();
    matcher.look_up(&name("www.six.example"), rtype::AAAA, &mut hits);
    assert_eq!(hits.iter().map(|hit| hit.line).collect::<Vec<_>>(), [3]);
}

#[test]
fn own_answers_are_found_by_list_and_line() {
    let address = OwnRecord::Other { rtype: rtype::A, ttl: 60, rdata: [192, 0, 2, 33].into() };
    let alias = OwnRecord::Alias { target: Box::new(name("walled.garden.example")), prefixed: true, ttl: 5 };
    let records = |record: &OwnRecord| Says::Lists(Answer::Records([record.clone()].into()));
    let matcher = matcher(&[
        says(7, records(&address), "local.example"),
        says(3, records(&alias), "garden.example"),
        says(7, Says::Lists(Answer::Drop), "drop.example"),
    ]);
    let mut hits = Hits::new();
    matcher.look_up(&name("local.example"), rtype::A, &mut hits);
    let hit = hits.iter().next().unwrap();
    assert_eq!(hit.given, Given::Records);
    assert_eq!(matcher.records(hit.list, hit.line), [address]);
    assert_eq!(matcher.records(ListId(3), 2), [alias]);
    assert_eq!(matcher.records(ListId(3), 1), []);
    matcher.look_up(&name("drop.example"), rtype::A, &mut hits);
    assert_eq!(hits.iter().next().unwrap().given, Given::Drop);
}

#[test]
fn repetitions_within_a_list_are_counted_and_the_first_line_stays() {
    let (file, report) = compiled(&[
        rule(0, 0, false, "bet.example"),
        rule(0, 0, false, "BET.example"),
        rule(1, 0, false, "bet.example"),
        rule(0, 0, false, "bet.example"),
        rule(0, 0, false, "win.example"),
    ]);
    assert_eq!((report.names, report.rules), (2, 3));
    let counts: Vec<_> = report.lists.iter().map(|c| (c.list.0, c.entries, c.duplicates)).collect();
    assert_eq!(counts, [(0, 2, 2), (1, 1, 0)]);
    let matcher = Matcher::open(file).unwrap();
    assert_eq!(asked(&matcher, "bet.example"), [(0, 1, 2)]);
    assert_eq!((matcher.names(), matcher.rules(), matcher.fingerprint()), (2, 3, &[5; 32]));
    assert!(matcher.fits(2, 1) && !matcher.fits(1, 1) && !matcher.fits(2, 0));
}

#[test]
fn a_name_can_be_in_every_category_at_once() {
    let rules: Vec<Rule> = (0..MAX_CATEGORIES as u8).map(|c| rule(c as u16, c, false, "all.example")).collect();
    assert_eq!(asked(&matcher(&rules), "www.all.example").len(), MAX_CATEGORIES);
}

#[test]
fn the_root_and_categories_beyond_the_bound_are_refused() {
    let mut compiler = Compiler::new([0; 16]);
    let listing = Said::listing;
    assert!(compiler.add(ListId(0), CategoryId(0), Role::Lists, 1, &listing(Name::ROOT)).is_err());
    assert!(compiler.add(ListId(0), CategoryId(128), Role::Lists, 1, &listing(name("a.example"))).is_err());
    assert_eq!(asked(&Matcher::default(), "www.bet.example"), []);
}

#[test]
fn names_at_the_limits_are_found() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let deepest = ["c"; 127].join(".");
    let matcher = matcher(&[rule(0, 0, false, &longest), rule(0, 1, false, &deepest), rule(0, 2, false, "c.c")]);
    assert_eq!(asked(&matcher, &longest), [(0, 1, 4)]);
    assert_eq!(asked(&matcher, &deepest), [(1, 2, 127), (2, 3, 2)]);
}

#[test]
fn no_random_name_is_taken_for_a_listed_one() {
    let listed: Vec<Rule> = (0..20_000).map(|n| rule(0, 0, false, &format!("n{n}.listed.example"))).collect();
    let matcher = matcher(&listed);
    let mut hits = Hits::new();
    // So many that some share bucket, filter and tag with a listed name.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..2_000_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let mut wire = *b"\x08........\x06listed\x07example\0";
        wire[1..9].copy_from_slice(&state.to_be_bytes().map(|octet| b'a' + octet % 26));
        matcher.look_up(&Name::from_wire(&wire).unwrap(), rtype::A, &mut hits);
        assert!(hits.is_empty());
    }
    for rule in &listed {
        matcher.look_up(&rule.said.name, rtype::A, &mut hits);
        assert!(!hits.is_empty());
    }
}

#[test]
fn a_bucket_with_more_names_than_usual_is_searched_to_its_end() {
    for (names, buckets) in [(17, 1), (40, 1), (127, 1), (300, 1), (1000, 3)] {
        for lists in [1, 12] {
            let mut compiler = Compiler::new([9; 16]);
            // Names of all lengths; of twelve lists, some have a set of several members and some one with a far place.
            let listed: Vec<Name> =
                (0..names).map(|n| name(&format!("n{n}{}.example", "long".repeat(n % 13)))).collect();
            for (n, listed) in listed.iter().enumerate() {
                for list in (0..lists).filter(|list| n % (list + 1) == 0) {
                    let (list, line) = (ListId(list as u16), (n + 1) as u32);
                    compiler.add(list, CategoryId(0), Role::Lists, line, &Said::listing(*listed)).unwrap();
                }
            }
            let mut file = Vec::new();
            compiler.finish_in(buckets, [0; 32], &mut file).unwrap();
            let matcher = Matcher::open(file).unwrap();
            for (n, listed) in listed.iter().enumerate() {
                let lists_of = (0..lists).filter(|list| n % (list + 1) == 0).map(|list| (list as u16, n as u32 + 1));
                let every = matcher.every_rule(listed, rtype::A);
                assert_eq!(
                    every.iter().map(|found| (found.list.0, found.line)).collect::<Vec<_>>(),
                    lists_of.collect::<Vec<_>>()
                );
                assert_eq!(asked(&matcher, &format!("www.{listed}")), [(0, n as u32 + 1, 2)]);
                assert_eq!(asked(&matcher, &format!("x{listed}")), []);
            }
        }
    }
}

#[test]
fn files_that_are_not_whole_are_told_apart() {
    let (file, _) = compiled(&[rule(0, 0, false, "bet.example")]);
    let error = |bytes: Vec<u8>| Matcher::open(bytes).unwrap_err();
    assert_eq!(error(Vec::new()), MatcherError::Magic);
    assert_eq!(error(b"not a compiled file at all".to_vec()), MatcherError::Magic);
    assert_eq!(error(file[..12].to_vec()), MatcherError::CutShort);
    assert_eq!(error(file[..file.len() - 1].to_vec()), MatcherError::CutShort);
    let mut other = file.clone();
    other[12] = 99;
    assert_eq!(error(other), MatcherError::Version(99));
    for at in START..file.len() - Trailer::UNCOVERED {
        let mut bent = file.clone();
        bent[at] ^= 0x10;
        assert_eq!(error(bent), MatcherError::Checksum, "octet {at}");
    }
}

/// Gives the file a checksum that fits whatever stands in it.
fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    if let Some(until) = file.len().checked_sub(Trailer::UNCOVERED) {
        let crc = crc32fast::hash(&file[..until]).to_le_bytes();
        file[until..until + 4].copy_from_slice(&crc);
    }
    file
}

fn any_name() -> impl Strategy<Value = Name> {
    prop::collection::vec("[abc]", 1..5).prop_map(|labels| name(&labels.join(".")))
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let says = prop_oneof![
        6 => Just(Says::Lists(Answer::Policy)),
        1 => Just(Says::Lists(Answer::Nodata)),
        1 => Just(Says::ListsImportant),
        1 => Just(Says::Except),
        1 => Just(Says::ExceptAlways),
        1 => Just(Says::ExceptImportant),
        1 => Just(Says::Hole),
    ];
    let role =
        prop_oneof![8 => Just(Role::Lists), 1 => Just(Role::ExceptCategory), 1 => Just(Role::ExceptList(ListId(2)))];
    let scope = prop_oneof![6 => Just(Scope::Tree), 1 => Just(Scope::Alone), 1 => Just(Scope::Below)];
    let types = prop_oneof![
        8 => Just(Types::All),
        1 => Just(Types::Only([rtype::A].into())),
        1 => Just(Types::AllBut([rtype::AAAA, rtype::TXT].into())),
    ];
    (0u16..4, prop_oneof![0u8..3, Just(127)], role, any_name(), says, scope, types).prop_map(
        |(list, category, role, name, says, scope, types)| {
            // A file of exceptions is another list than the one it is for.
            let list = if role == Role::Lists { list } else { 4 };
            Rule { list, category, role, said: Said { name, scope, says, types } }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn it_agrees_with_looking_at_every_rule(
        rules in prop::collection::vec(any_rule(), 0..60),
        names in prop::collection::vec(any_name(), 1..40),
        qtype in prop_oneof![Just(rtype::A), Just(rtype::AAAA)],
    ) {
        let matcher = matcher(&rules);
        let mut hits = Hits::new();
        for asked in names {
            matcher.look_up(&asked, qtype, &mut hits);
            // Step by step, as a worker does it.
            let (mut ahead, mut stepwise) = (Ahead::NOTHING, Hits::new());
            matcher.foresee(&asked, &mut ahead);
            matcher.filter_ahead(&mut ahead);
            matcher.place_ahead(&ahead);
            matcher.look_up_ahead(&asked, &ahead, qtype, &mut stepwise);
            prop_assert_eq!(hits.iter().collect::<Vec<_>>(), stepwise.iter().collect::<Vec<_>>());
            let expected = naive(&rules, &asked, qtype);
            let found: Vec<_> = hits.iter().map(|hit| (hit.category.0, hit.list.0, hit.labels)).collect();
            prop_assert_eq!(found, expected.iter().map(|(category, list, labels, _)| (*category, *list, *labels)).collect::<Vec<_>>());
            for (hit, (.., lines)) in hits.iter().zip(&expected) {
                prop_assert!(lines.contains(&hit.line), "line {} is none of {lines:?}", hit.line);
                let given = match &rules[hit.line as usize - 1].said.says {
                    Says::Lists(answer) => answer.given(),
                    _ => Given::Policy,
                };
                prop_assert_eq!(hit.given, given);
            }
            // What is found to be said, and whether it applies, is what the rules say; a line stands for those that repeat it.
            let every = matcher.every_rule(&asked, qtype);
            for found in &every {
                let rule = &rules[found.line as usize - 1];
                prop_assert_eq!((found.list.0, found.category.0, found.except), (rule.list, rule.category, !rule.lists()));
                prop_assert_eq!(found.applies, rule.applies(&asked, qtype));
            }
            let speaking = rules.iter().zip(1u32..).filter(|(rule, _)| asked.is_at_or_below(&rule.said.name));
            for (rule, line) in speaking {
                let told = every.iter().any(|found| {
                    let other = &rules[found.line as usize - 1];
                    found.line <= line && (other.list, other.category, other.role) == (rule.list, rule.category, rule.role)
                        && other.said.name == rule.said.name && other.said.scope == rule.said.scope && other.said.types == rule.said.types
                });
                prop_assert!(told, "nothing tells of line {line}");
            }
        }
    }

    #[test]
    fn a_file_bent_on_purpose_never_makes_it_panic(
        rules in prop::collection::vec(any_rule(), 0..30),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        at_end in any::<bool>(),
        asked in any_name(),
    ) {
        let (mut file, _) = compiled(&rules);
        for (at, octet) in bends {
            let from = if at_end { file.len() - Trailer::LENGTH } else { START };
            let place = from + at.index(file.len() - from);
            file[place] = octet;
        }
        if let Ok(matcher) = Matcher::open(with_checksum(file)) {
            let mut hits = Hits::new();
            matcher.look_up(&asked, rtype::A, &mut hits);
            let _ = hits.iter().count();
            matcher.every_rule(&asked, rtype::A);
            matcher.records(ListId(0), 1);
            matcher.fits(3, 3);
        }
    }
}
