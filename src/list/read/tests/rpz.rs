//! Response policy zones.

use super::*;

fn rules(text: &str) -> (Vec<(u32, String, Scope, Says)>, Reading) {
    let mut rules = Vec::new();
    let reading = read(text.as_bytes(), Some(Format::Rpz), |line, rule| {
        rules.push((line, rule.name.to_string(), rule.scope, rule.says.clone()));
    });
    (rules, reading)
}

#[test]
fn the_tricky_zone_does_what_is_expected() {
    let asked = Asked::new(&sample("rpz-tricky.zone"), None);
    assert_eq!(asked.reading.format, Format::Rpz);
    let rows = rows("rpz-tricky.queries.tsv");
    assert!(rows.len() > 15);
    let mut by_name = 0;
    for row in &rows {
        let [name, kind, _, expected, note] = &row[..] else { panic!("{row:?}") };
        // Triggers by addresses of clients and answers and by name servers are refused, each with its reason.
        if name.starts_with('(') || note.contains("client") {
            continue;
        }
        by_name += 1;
        assert_eq!(asked.effect(name, qtype(kind)), *expected, "{row:?}");
    }
    assert_eq!(by_name, 14);
    assert_eq!(asked.effect(r"esc\046dot.kilo.test", rtype::A), "nxdomain");
    assert_eq!(asked.flaws(), [("rpz-ip", 5), ("rpz-client-ip", 2), ("rpz-nsdname", 2), ("rpz-nsip", 1)]);
    assert_eq!((asked.reading.furniture, asked.reading.refused_lines), (2, 10));
}

#[test]
fn owners_are_triggers_below_the_zone_however_the_file_names_it() {
    for text in [
        "bet.example CNAME .\n",
        "bet.example. CNAME .\n",
        "@ IN SOA a b 1 2 3 4 5\nbet.example CNAME .\n",
        "rpz. IN SOA a. b. 1 2 3 4 5\nbet.example CNAME .\n",
        "rpz. IN SOA a. b. 1 2 3 4 5\nbet.example.rpz. CNAME .\n",
        "$ORIGIN rpz.test.\n@ SOA a b 1 2 3 4 5\nbet.example CNAME .\n",
        "$ORIGIN rpz.test.\nbet.example CNAME .\n$ORIGIN example.rpz.test.\nbet CNAME .\n",
        "$ORIGIN test.\nrpz SOA a b 1 2 3 4 5\n$ORIGIN rpz.test.\nBet.Example CNAME .\n",
        "$ORIGIN example\nbet 60 IN CNAME .\n",
    ] {
        let (rules, reading) = rules(text);
        assert!(!rules.is_empty() && reading.flaws.is_empty(), "{text}: {:?}", reading.examples);
        for rule in rules {
            let expected = ("bet.example", Scope::Alone, Says::Lists(Answer::Nxdomain));
            if text.starts_with("$ORIGIN test.") {
                // The first origin is taken for the zone until SOA names another.
                assert_eq!(rule.1, "bet.example", "{text}");
            }
            assert_eq!((rule.1.as_str(), rule.2, rule.3), expected, "{text}");
        }
    }
    let (rules, reading) =
        rules("rpz.test. SOA a. b. 1 2 3 4 5\nbet.example. CNAME .\n* CNAME .\n*.com CNAME .\na.*.b CNAME .\n");
    assert!(rules.is_empty());
    let words: Vec<&str> = reading.flaws.iter().map(|(word, _)| *word).collect();
    assert_eq!(words, ["out-of-zone", "everything", "public-suffix", "pattern"]);
}

#[test]
fn local_data_of_a_name_is_one_rule_with_all_its_records() {
    let text = "$TTL 1h\na.example A 192.0.2.1\nb.example 60 MX 10 mail.example.\na.example 5 AAAA 2001:db8::1\n*.a.example TXT \"x;y\"\n";
    let (rules, reading) = rules(text);
    assert_eq!((rules.len(), reading.refused()), (3, 0));
    let (line, name, scope, Says::Lists(Answer::Records(records))) = &rules[0] else { panic!() };
    assert_eq!((*line, name.as_str(), *scope, records.len()), (2, "a.example", Scope::Alone, 2));
    assert_eq!(records[0], OwnRecord::Other { rtype: 1, ttl: 3600, rdata: [192, 0, 2, 1].into() });
    let (.., Says::Lists(Answer::Records(records))) = &rules[1] else { panic!() };
    assert_eq!(records[0], OwnRecord::Other { rtype: 15, ttl: 60, rdata: (*b"\0\x0a\x04mail\x07example\0").into() });
    assert_eq!((rules[2].1.as_str(), rules[2].2), ("a.example", Scope::Below));
}

#[test]
fn one_bad_record_costs_itself_and_no_other() {
    let open = format!("open.example TXT ( \"x\"\n{}", "inside.example CNAME .\n".repeat(200));
    let text = format!(
        "a.example CNAME .\nbad..example CNAME .\n IN CNAME .\nc.example A 192.0.2.300\nd.example TXT \"open\n\
         e.example CNAME rpz-nonsense.\nf.example CH A 192.0.2.1\n$GENERATE 1-9 a CNAME .\ng.example NS ns.example.\n\
         h.example CNAME (\n . ) ; over two lines\n{open}last.example CNAME .\n"
    );
    let (rules, reading) = rules(&text);
    let names: BTreeSet<&str> = rules.iter().map(|(_, name, ..)| name.as_str()).collect();
    assert_eq!(names, ["a.example", "h.example", "inside.example", "last.example"].into());
    assert_eq!(rules[1].0, 10, "an entry is known by the line it begins on");
    assert_eq!(rules.len(), 203);
    assert_eq!((reading.flaws.clone(), reading.refused_lines), (vec![("record", 9)], 9));
    assert_eq!(reading.lines, 213);
    let first = &reading.examples[0];
    assert_eq!(
        (first.line, first.why.to_string()),
        (2, "is no record of a policy zone: `bad..example` is no name".into())
    );
}

#[test]
fn a_signed_zone_and_the_first_form_of_a_passthrough_are_understood() {
    let text = "a.example CNAME .\na.example RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 rpz. AA==\n\
                b.example CNAME b.example.\n*.c.example CNAME RPZ-PASSTHRU.\nd.example CNAME *.\n";
    let (rules, reading) = rules(text);
    assert_eq!(reading.furniture, 1);
    let says: Vec<&Says> = rules.iter().map(|(.., says)| says).collect();
    assert_eq!(says, [&Says::Lists(Answer::Nxdomain), &Says::Except, &Says::Except, &Says::Lists(Answer::Nodata)]);
}
