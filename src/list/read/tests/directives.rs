//! dnsmasq, Unbound, wildcards and the Toulouse lists.

use super::*;

#[test]
fn directives_of_dnsmasq_list_except_or_are_refused() {
    let text = "# head\naddress=/a.example/b.example/0.0.0.0 # why\naddress=/c.example/#\naddress=/d.example/::\naddress=/e.example/\n\
                server=/f.example/\nlocal=/G.example/\nserver=/ok.a.example/#\n  address = /h.example/127.0.0.1\r\n\
                address=/real.example/192.0.2.1\nserver=/fwd.example/192.0.2.1#5353\naddress=/#/0.0.0.0\nserver=192.0.2.1\n\
                ipset=/x.example/set\nbet.example\naddress=/co.uk/i.example/#\n";
    let asked = Asked::new(text.as_bytes(), None);
    assert_eq!(asked.reading.format, Format::Dnsmasq);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "x.a"] {
        assert_eq!(asked.effect(&format!("{name}.example"), rtype::A), "block", "{name}");
    }
    for name in ["ok.a", "real", "fwd", "x", "bet"] {
        assert_eq!(asked.effect(&format!("{name}.example"), rtype::A), "pass", "{name}");
    }
    assert_eq!(
        asked.flaws(),
        [("real-address", 1), ("forwarding", 1), ("everything", 1), ("directive", 3), ("public-suffix", 1)]
    );
}

#[test]
fn zones_of_unbound_are_answered_as_their_type_says() {
    let text = "server:\n local-zone: \"a.example.\" always_nxdomain\nlocal-zone: b.example refuse\nlocal-zone: 'c.example' inform_deny # x\n\
                local-zone: \"d.example\" redirect\nlocal-data: \"d.example A 0.0.0.0\"\nlocal-zone: \"e.example\" always_nodata\n\
                local-zone: \"ok.a.example\" transparent\nlocal-data: \"f.example 60 IN A 127.0.0.1\"\n\
                local-data: \"real.example A 192.0.2.1\"\nlocal-zone: \".\" refuse\nlocal-zone: \"g.example\" inform\n\
                forward-zone:\nlocal-zone: \"co.uk\" static\n";
    let asked = Asked::new(text.as_bytes(), None);
    assert_eq!(asked.reading.format, Format::Unbound);
    for (name, effect) in [
        ("x.a", "nxdomain"),
        ("b", "block"),
        ("c", "drop"),
        ("x.d", "block"),
        ("e", "nodata"),
        ("ok.a", "pass"),
        ("f", "block"),
        ("x.f", "pass"),
        ("real", "pass"),
        ("g", "pass"),
    ] {
        assert_eq!(asked.effect(&format!("{name}.example"), rtype::A), effect, "{name}");
    }
    assert_eq!(
        asked.flaws(),
        [("local-data", 1), ("everything", 1), ("zone-type", 1), ("directive", 1), ("public-suffix", 1)]
    );
    assert_eq!(asked.reading.furniture, 2);
}

#[test]
fn a_wildcard_means_the_name_and_all_below_it() {
    let asked = Asked::new(
        b"*.bet.example\nwin.example\n=alone.example\nads.*\n*.a*.example\n*.co.uk\n",
        Some(Format::Wildcard),
    );
    let effects = ["bet.example", "x.bet.example", "win.example", "alone.example", "x.alone.example"];
    let effects = effects.map(|name| asked.effect(name, rtype::A));
    assert_eq!(effects, ["block", "block", "block", "block", "pass"]);
    assert_eq!(asked.flaws(), [("pattern", 2), ("public-suffix", 1)]);
}

#[test]
fn of_the_toulouse_lists_only_whole_hosts_count() {
    let text = "bet.example\nhttp://www.win.example/\nport.example:443\nsite.example/path\nsite.example/#top\nsite.example?x=1\n\
                178.0.2.1/watch\n178.0.2.1\nother.example:8080\n# comment\nco.uk\n";
    let asked = Asked::new(text.as_bytes(), Some(Format::Ut1));
    for (name, effect) in [
        ("bet.example", "block"),
        ("www.win.example", "block"),
        ("win.example", "pass"),
        ("port.example", "block"),
        ("site.example", "pass"),
        ("other.example", "pass"),
    ] {
        assert_eq!(asked.effect(name, rtype::A), effect, "{name}");
    }
    assert_eq!(asked.reading.not_for_dns, 4);
    assert_eq!(asked.flaws(), [("address", 1), ("port", 1), ("public-suffix", 1)]);
}
