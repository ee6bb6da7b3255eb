//! The matcher against a naive one, and against octets it must not trust.

use proptest::prelude::*;

use super::*;
use crate::dns::types::rtype;
use crate::list::Role;

#[derive(Clone, Debug)]
struct Rule {
    list: u16,
    category: u8,
    except: bool,
    name: Name,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn compiled(rules: &[Rule]) -> (Vec<u8>, crate::list::CompileReport) {
    let mut compiler = Compiler::new([9; 16]);
    for (rule, line) in rules.iter().zip(1..) {
        let role = if rule.except { Role::ExceptCategory } else { Role::Lists };
        let says = crate::list::Rule::listing(rule.name);
        compiler.add(ListId(rule.list), CategoryId(rule.category), role, line, &says).unwrap();
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
    Rule { list, category, except, name: name(text) }
}

/// Looks at every rule, one after the other.
fn naive(rules: &[Rule], asked: &Name) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for category in 0..MAX_CATEGORIES as u8 {
        let labels = |except| {
            let of_category = |r: &&Rule| r.category == category && r.except == except && asked.is_at_or_below(&r.name);
            rules.iter().filter(of_category).map(|r| r.name.label_count()).max()
        };
        let Some(longest) = labels(false) else { continue };
        if labels(true).is_some_and(|exception| exception >= longest) {
            continue;
        }
        let first = rules
            .iter()
            .zip(1u32..)
            .filter(|(r, _)| {
                r.category == category && !r.except && asked.is_at_or_below(&r.name) && r.name.label_count() == longest
            })
            .min_by_key(|(r, line)| (r.list, *line));
        let (r, line) = first.unwrap();
        hits.push(Hit {
            category: CategoryId(category),
            list: ListId(r.list),
            line,
            labels: longest as u8,
            given: Given::Policy,
        });
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
        .every_rule(&name("www.bet.example"))
        .iter()
        .map(|found| (found.list.0, found.line, found.labels, found.except))
        .collect();
    assert_eq!(all, [(3, 4, 3, false), (1, 3, 2, true), (2, 2, 2, false), (4, 1, 2, false)]);
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
    let listing = crate::list::Rule::listing;
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
    // So many that some share the half of the hash that a slot keeps with a listed name: about ten, by 20,000 x 2,000,000 / 2^32.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..2_000_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let mut wire = *b"\x08........\x06listed\x07example\0";
        wire[1..9].copy_from_slice(&state.to_be_bytes().map(|octet| b'a' + octet % 26));
        matcher.look_up(&Name::from_wire(&wire).unwrap(), rtype::A, &mut hits);
        assert!(hits.is_empty());
    }
    for rule in &listed {
        matcher.look_up(&rule.name, rtype::A, &mut hits);
        assert!(!hits.is_empty());
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
    for at in HEAD..file.len() - Trailer::UNCOVERED {
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
    (0u16..4, prop_oneof![0u8..3, Just(127)], prop::bool::weighted(0.25), any_name())
        .prop_map(|(list, category, except, name)| Rule { list, category, except, name })
}

proptest! {
    #[test]
    fn it_agrees_with_looking_at_every_rule(
        rules in prop::collection::vec(any_rule(), 0..60),
        names in prop::collection::vec(any_name(), 1..40),
    ) {
        let matcher = matcher(&rules);
        let mut hits = Hits::new();
        for asked in names {
            matcher.look_up(&asked, rtype::A, &mut hits);
            prop_assert_eq!(hits.iter().collect::<Vec<_>>(), naive(&rules, &asked));
            let held = rules.iter().filter(|rule| asked.is_at_or_below(&rule.name));
            let mut distinct: Vec<_> =
                held.map(|r| (r.list, r.category, r.except, r.name.label_count() as u8)).collect();
            distinct.sort();
            distinct.dedup();
            let mut found: Vec<_> =
                matcher.every_rule(&asked).iter().map(|f| (f.list.0, f.category.0, f.except, f.labels)).collect();
            found.sort();
            prop_assert_eq!(found, distinct);
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
            let from = if at_end { file.len() - Trailer::LENGTH } else { HEAD };
            let place = from + at.index(file.len() - from);
            file[place] = octet;
        }
        if let Ok(matcher) = Matcher::open(with_checksum(file)) {
            let mut hits = Hits::new();
            matcher.look_up(&asked, rtype::A, &mut hits);
            let _ = hits.iter().count();
            matcher.every_rule(&asked);
            matcher.fits(3, 3);
        }
    }
}
