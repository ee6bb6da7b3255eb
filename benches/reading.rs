//! How fast lists are read: lines in a second on one core, for made-up content of each format.
//!
//! `cargo bench --bench reading`; `cargo bench --bench reading -- 5000000` for another number of lines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use cordon::list::{Format, read};

/// Top-level domains as often as lists have them, roughly.
const TOPS: [&str; 12] = ["com", "com", "com", "net", "org", "co.uk", "de", "ru", "top", "xyz", "info", "com.br"];

fn main() {
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let names: Vec<String> = (0..count).map(name).collect();
    let mut out = std::io::stdout();
    for format in Format::ALL {
        let mut text = String::new();
        for name in &names {
            let _ = match format {
                Format::Domains | Format::Ut1 => writeln!(text, "{name}"),
                Format::Hosts => writeln!(text, "0.0.0.0 {name}"),
                Format::Adblock => writeln!(text, "||{name}^"),
                Format::Dnsmasq => writeln!(text, "address=/{name}/#"),
                Format::Wildcard => writeln!(text, "*.{name}"),
                Format::Rpz => writeln!(text, "{name} CNAME ."),
                Format::Unbound => writeln!(text, "local-zone: \"{name}\" always_nxdomain"),
            };
        }
        let (mut octets, begun) = (0, Instant::now());
        let reading = read(text.as_bytes(), Some(format), |_, rule| octets += rule.name.wire_len());
        let seconds = begun.elapsed().as_secs_f64();
        let rate = reading.lines as f64 / seconds / 1e6;
        let _ = writeln!(
            out,
            "{:9} {:>9} lines {seconds:6.3} s {rate:6.2} million lines/s, {} rules of {octets} octets",
            format.word(),
            reading.lines,
            reading.names
        );
    }
}

/// A name of one to three labels below a public suffix, from its number alone.
fn name(number: usize) -> String {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: u64| {
        state ^= state >> 29;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 32;
        state % below
    };
    let mut text = String::new();
    for _ in 0..1 + next(5) / 2 {
        for _ in 0..3 + next(12) {
            text.push(char::from(b'a' + next(26) as u8));
        }
        text.push('.');
    }
    text + TOPS[next(TOPS.len() as u64) as usize]
}
