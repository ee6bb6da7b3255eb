//! Rules of ad blockers.

use super::*;

/// What the sample asks for and this program documents as refused, with the reason it is counted under.
const REFUSED: [(&str, &str); 9] = [
    ("wild-abc.kilo.example", "pattern"),
    ("track7.kilo.example", "pattern"),
    ("top-banner.kilo.example", "pattern"),
    ("client-kilo.example", "client"),
    ("client2-kilo.example", "client"),
    ("rw-kilo.example", "dnsrewrite"),
    ("rwc-kilo.example", "dnsrewrite"),
    ("rwn-kilo.example", "dnsrewrite"),
    ("browser-kilo.example", "browser-modifier"),
];

#[test]
fn the_tricky_rules_do_what_is_expected() {
    let asked = Asked::new(&sample("adblock-tricky.txt"), None);
    assert_eq!(asked.reading.format, Format::Adblock);
    let rows = rows("adblock-tricky.queries.tsv");
    assert!(rows.len() > 40);
    for row in &rows {
        let [name, kind, _, expected, ..] = &row[..] else { panic!("{row:?}") };
        let refused = REFUSED.iter().find(|(refused, _)| refused == name);
        match refused {
            Some((_, word)) => {
                assert_eq!(asked.effect(name, qtype(kind)), "pass", "{row:?}");
                assert!(asked.flaws().iter().any(|(counted, _)| counted == word), "{row:?}");
            }
            None => assert_eq!(asked.effect(name, qtype(kind)), *expected, "{row:?}"),
        }
    }
    assert_eq!(
        asked.flaws(),
        [
            ("pattern", 4),
            ("client", 2),
            ("dnsrewrite", 3),
            ("browser-modifier", 2),
            ("everything", 3),
            ("unknown-modifier", 1)
        ]
    );
    // Three cosmetic rules and one with a path; a rule taken back and the one that takes it back.
    assert_eq!((asked.reading.not_for_dns, asked.reading.furniture), (4, 2));
}

#[test]
fn each_way_to_write_a_pattern_is_one_scope_or_a_refusal() {
    for (rule, at, below, beside) in [
        ("||bet.example^", true, true, false),
        ("||bet.example^|", true, true, false),
        ("||bet.example|", true, true, false),
        ("||bet.example", true, true, false),
        ("||*.bet.example^", false, true, false),
        ("|bet.example^", true, false, false),
        ("|bet.example|", true, false, false),
        ("bet.example", true, true, false),
        ("0.0.0.0 bet.example # why, for $5", true, true, false),
        ("0.0.0.0 bet.example# why", true, true, false),
        ("||BÉT.example^", false, false, false),
    ] {
        let asked = Asked::new(rule.as_bytes(), Some(Format::Adblock));
        let blocks = |name| asked.effect(name, rtype::A) == "block";
        let found = (blocks("bet.example"), blocks("x.bet.example"), blocks("alphabet.example"));
        assert_eq!(found, (at, below, beside), "{rule}");
    }
    for (rule, word) in [
        ("bet.example^", "pattern"),
        ("|bet.example", "pattern"),
        ("||bet.*^", "pattern"),
        ("||a*.bet.example^", "pattern"),
        ("-banner.", "pattern"),
        ("/^bet[0-9]/$important", "pattern"),
        ("||com^", "public-suffix"),
        ("||co.uk^", "public-suffix"),
        ("@@||co.uk^", "public-suffix"),
        ("||192.0.2.1^", "address"),
        ("||*^$denyallow=bet.example", "everything"),
        ("||bet.example^$important,denyallow=a.bet.example", "modifier-value"),
        ("@@||bet.example^$denyallow=a.bet.example", "modifier-value"),
        ("||bet.example:8080^", "port"),
        ("single", "single-label"),
        ("$csp=worker-src 'none',domain=bet.example", "browser-modifier"),
        ("two words", "no-address"),
        ("$important", "everything"),
    ] {
        let asked = Asked::new(rule.as_bytes(), Some(Format::Adblock));
        assert_eq!((asked.flaws(), asked.reading.names), (vec![(word, 1)], 0), "{rule}");
    }
}

#[test]
fn what_is_for_browsers_is_not_counted_as_refused() {
    let text = "bet.example##.ad\n##.banner\n###top\nbet.example#@#.ad\nbet.example#?#div:has(a)\nbet.example#%#window.x=1\n\
                bet.example$$script[tag-content=\"x\"]\n[$path=/x]bet.example##.ad\n||bet.example/ads.js\n\
                |https://bet.example^\n/banner/*/img^\n&ad_box_\n@@||bet.example/ok^$script\n";
    let asked = Asked::new(text.as_bytes(), Some(Format::Adblock));
    assert_eq!((asked.reading.not_for_dns, asked.flaws(), asked.reading.names), (13, vec![], 0));
    let comments = "! x ##y\n# x ##.y\n#### x ####\n[Adblock Plus 2.0]\n\n#\n";
    let asked = Asked::new(comments.as_bytes(), Some(Format::Adblock));
    assert_eq!((asked.reading.not_for_dns, asked.reading.names, asked.reading.refused()), (0, 0, 0));
}

#[test]
fn a_rule_is_taken_back_wherever_and_however_its_modifiers_are_ordered() {
    let text = "||a.example^$badfilter\n||A.example^\n||b.example^$dnstype=A,important\n||b.example^$important,badfilter,dnstype=A\n\
                ||c.example^\n@@||c.example^$badfilter\n";
    let asked = Asked::new(text.as_bytes(), Some(Format::Adblock));
    assert_eq!(["a", "b", "c"].map(|x| asked.effect(&format!("{x}.example"), rtype::A)), ["pass", "pass", "block"]);
    assert_eq!(asked.reading.furniture, 5);
}

#[test]
fn an_exception_scope_and_types_go_together() {
    let text = "||bet.example^\n@@|www.bet.example^\n||six.example^$dnstype=AAAA,denyallow=ok.six.example\n";
    let asked = Asked::new(text.as_bytes(), Some(Format::Adblock));
    assert_eq!(asked.effect("www.bet.example", rtype::A), "pass");
    assert_eq!(asked.effect("x.www.bet.example", rtype::A), "block");
    assert_eq!(asked.effect("x.six.example", rtype::AAAA), "block");
    assert_eq!(asked.effect("x.six.example", rtype::A), "pass");
    assert_eq!(asked.effect("ok.six.example", rtype::AAAA), "pass");
}

proptest! {
    #[test]
    fn the_short_way_of_the_usual_rule_leads_where_the_long_one_does(
        name in "[aZ9._-]{0,10}(\\.(example|com|co\\.uk|1))?\\.?",
        odd in "[a-zé*^|:/.-]{0,12}",
    ) {
        for name in [name, odd] {
            let read = |rule: String| {
                let mut rules = Vec::new();
                let reading = read(rule.as_bytes(), Some(Format::Adblock), |_, rule| rules.push(rule.clone()));
                (rules, reading.flaws, reading.not_for_dns)
            };
            prop_assert_eq!(read(format!("||{name}^")), read(format!("||{name}^$_")), "{}", name);
        }
    }
}
