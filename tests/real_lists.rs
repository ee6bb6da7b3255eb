//! A million listed names, ten network zones' worth of clients, and a reader of its own that says what must be blocked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use crate::support::cordon::Cordon;
use crate::support::exported::{Row, all, assert_verified, assert_without_holes};
use crate::support::figures::tell;
use crate::support::nsd::Nsd;
use crate::support::shared::{self, Listed};
use crate::support::wave::{Question, ask};

/// Listed names asked of each list, at most.
const OF_EACH_LIST: usize = 700;
/// Names asked that are on no list.
const POPULAR: usize = 1_000;

const CATEGORIES: [&str; 4] = ["adult", "gambling", "proxy", "risk"];

/// Network zones with their clients and the categories they block.
const ZONES: [(&str, &[&str], &[usize]); 7] = [
    ("blocks-all", &["127.0.1.1", "127.0.1.77"], &[0, 1, 2, 3]),
    ("blocks-none", &["127.0.2.1"], &[]),
    ("blocks-adult", &["127.0.3.1"], &[0]),
    ("blocks-gambling", &["127.0.4.1"], &[1]),
    ("blocks-proxy", &["127.0.5.1"], &[2]),
    ("blocks-risk", &["127.0.6.1"], &[3]),
    ("over-ipv6", &["::1"], &[1, 3]),
];

/// Listed names whose address is a signal to browsers and phones: they are blocked with NXDOMAIN.
const SIGNALS: [&str; 3] = ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"];
const NXDOMAIN: u8 = 3;

const ROOT: &str = "$TTL 300\n@ IN SOA ns.proof. hostmaster.proof. 1 7200 3600 1209600 300\n@ IN NS ns.proof.\nns.proof. IN A 192.0.2.53\n* IN A 192.0.2.1\n";

/// A list as this test's own reader understands it.
struct OwnList {
    /// Its path below `lists/`, which is the name of its file here too.
    name: String,
    category: usize,
    /// Names that stand in it and the lines they stand on.
    names: HashMap<String, Vec<u64>>,
    /// The same in the order of the file.
    order: Vec<String>,
}

/// Names below which nothing of the public exists, and what nobody delegates.
fn is_special(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or("");
    ["onion", "local", "localhost", "test", "invalid", "alt", "arpa"].contains(&last)
}

/// Whether `word` is surely a host name of at least two labels and no address.
fn is_plain(word: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
    };
    let last_is_number = word.rsplit('.').next().is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit()));
    word.contains('.') && word.len() < 250 && word.split('.').all(label) && !last_is_number
}

/// Whether a name is a public suffix of a registry, which a list must not be able to block.
fn is_public_suffix(suffixes: &HashSet<String>, name: &str) -> bool {
    let above = name.split_once('.').map_or("", |(_, above)| above);
    let excepted = suffixes.contains(&format!("!{name}"));
    !excepted && (suffixes.contains(name) || suffixes.contains(&format!("*.{above}")))
}

/// The ICANN section of the Public Suffix List.
fn public_suffixes() -> HashSet<String> {
    let folder = shared::folder().join("psl");
    let file =
        std::fs::read_dir(folder).unwrap().filter_map(Result::ok).map(|entry| entry.file_name().into_string().unwrap());
    let file = file.filter(|name| name.contains("suffix")).min().expect("the Public Suffix List is in psl/");
    let text = String::from_utf8(shared::read(&format!("psl/{file}"))).unwrap();
    let icann = text.split("===END ICANN DOMAINS===").next().unwrap();
    icann.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).map(String::from).collect()
}

fn read_list(listed: &Listed, bytes: &[u8], suffixes: &HashSet<String>) -> OwnList {
    let category = match listed.category.as_str() {
        "adult" => 0,
        "gambling" => 1,
        "proxy" | "vpn" | "doh" | "bypass" => 2,
        _ => 3,
    };
    let name = listed.file.trim_start_matches("lists/").trim_end_matches(".gz").to_owned();
    let mut list = OwnList { name, category, names: HashMap::new(), order: Vec::new() };
    for (line, number) in bytes.split(|octet| *octet == b'\n').zip(1..) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
        let words = match listed.format.as_str() {
            "hosts" if words.first().is_some_and(|word| word.parse::<IpAddr>().is_ok()) => &words[1..],
            "domains" if words.len() == 1 => &words[..],
            _ => continue,
        };
        for word in words {
            let word = word.trim_start_matches('\u{feff}').to_ascii_lowercase();
            let word = word.strip_prefix("*.").or(word.strip_prefix('.')).unwrap_or(&word);
            let word = word.strip_suffix('.').unwrap_or(word);
            if !is_plain(word) || is_public_suffix(suffixes, word) {
                continue;
            }
            let lines = list.names.entry(word.to_owned()).or_default();
            if lines.is_empty() {
                list.order.push(word.to_owned());
            }
            lines.push(number);
        }
    }
    list
}

/// Which categories a name is in: it or a parent of it stands in one of their lists.
fn categories_of(listed: &HashMap<String, u8>, name: &str) -> u8 {
    let mut found = 0;
    let mut rest = name;
    loop {
        found |= listed.get(rest).copied().unwrap_or(0);
        match rest.split_once('.') {
            Some((_, above)) => rest = above,
            None => return found,
        }
    }
}

fn config(lists: &[OwnList], formats: &[Listed], nsd: &Nsd) -> String {
    use std::fmt::Write;
    let mut text = format!("[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"20s\"\n", nsd.addr);
    for (category, name) in CATEGORIES.iter().enumerate() {
        let _ = write!(text, "[[category]]\nname = \"{name}\"\nlists = [");
        for (list, listed) in lists.iter().zip(formats).filter(|(list, _)| list.category == category) {
            let _ = write!(
                text,
                "{{ path = \"lists/{0}\", name = \"{0}\", format = \"{1}\" }}, ",
                list.name, listed.format
            );
        }
        text.push_str("]\n");
    }
    for (zone, clients, blocked) in ZONES {
        let blocked: Vec<&str> = blocked.iter().map(|category| CATEGORIES[*category]).collect();
        let _ = write!(
            text,
            "[policy.{zone}]\nblock = {blocked:?}\n[[network_zone]]\nname = \"{zone}\"\nclients = {clients:?}\npolicy = \"{zone}\"\n"
        );
    }
    text
}

/// What is asked: names of every list in turn, each from another client than the one before; then popular names that are on no list.
fn questions(lists: &[OwnList], listed: &HashMap<String, u8>) -> Vec<Question> {
    let clients: Vec<IpAddr> =
        ZONES.iter().flat_map(|(_, clients, _)| clients.iter()).map(|client| client.parse().unwrap()).collect();
    let mut names = Vec::new();
    for list in lists {
        let step = (list.order.len() / OF_EACH_LIST).max(1);
        names.extend(list.order.iter().step_by(step).take(OF_EACH_LIST).filter(|name| !is_special(name)).cloned());
    }
    for (number, name) in names.iter_mut().enumerate() {
        if number % 5 == 0 {
            *name = format!("host-{number}.{name}");
        }
        if number % 7 == 0 {
            let mixed = |(at, c): (usize, char)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c };
            *name = name.chars().enumerate().map(mixed).collect();
        }
    }
    let popular = String::from_utf8(shared::read("popular/umbrella-100k.csv.gz")).unwrap();
    let unlisted = popular.lines().filter_map(|line| line.rsplit(',').next()).map(str::trim);
    let unlisted = unlisted.filter(|name| is_plain(name) && !is_special(name) && categories_of(listed, name) == 0);
    names.extend(unlisted.take(POPULAR).map(String::from));
    let mut seen = HashSet::new();
    let put = |(number, name): (usize, String)| {
        let from = clients[number % clients.len()];
        Question { name, qtype: 1, from, tcp: (number / clients.len()).is_multiple_of(3) }
    };
    let all = names.into_iter().enumerate().map(put);
    all.filter(|question| seen.insert((question.name.to_ascii_lowercase(), question.from))).collect()
}

fn zone_of(client: IpAddr) -> (&'static str, u8) {
    let holds = |clients: &[&str]| clients.iter().any(|one| one.parse() == Ok(client));
    let (zone, _, blocked) = ZONES.iter().find(|(_, clients, _)| holds(clients)).unwrap();
    (zone, blocked.iter().fold(0, |all, category| all | 1 << category))
}

#[test]
fn a_million_names_are_judged_as_a_reader_of_its_own_does_and_every_row_names_its_line() {
    let suffixes = public_suffixes();
    let formats = shared::lists();
    let contents: Vec<Vec<u8>> = formats.iter().map(|listed| shared::read(&listed.file)).collect();
    let lists: Vec<OwnList> =
        formats.iter().zip(&contents).map(|(listed, bytes)| read_list(listed, bytes, &suffixes)).collect();
    let mut listed: HashMap<String, u8> = HashMap::new();
    for list in &lists {
        for name in &list.order {
            *listed.entry(name.clone()).or_default() |= 1 << list.category;
        }
    }
    assert!(listed.len() > 1_000_000, "only {} distinct names", listed.len());

    let nsd = Nsd::start(&[(".", ROOT)]);
    let kept = tempfile::tempdir().unwrap();
    for (list, bytes) in lists.iter().zip(&contents) {
        let path = kept.path().join("lists").join(&list.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let mut cordon = Cordon::prepare(kept.path(), &config(&lists, &formats, &nsd), &[]).unwrap();
    cordon.spawn().unwrap();
    check_status(&cordon, &lists);

    let questions = questions(&lists, &listed);
    assert!(questions.len() > 20_000, "only {} questions", questions.len());
    let answers = ask(cordon.addr, cordon.addr6, &questions);
    let mut wrong = Vec::new();
    let mut blocked = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        let must = categories_of(&listed, &question.name.to_ascii_lowercase()) & zone_of(question.from).1 != 0;
        blocked += u32::from(must);
        let right = match must {
            true if SIGNALS.contains(&&*question.name.to_ascii_lowercase()) => (NXDOMAIN, None),
            true => (0, Some([0, 0, 0, 0].into())),
            false => (0, Some([192, 0, 2, 1].into())),
        };
        if (answer.rcode, answer.address) != right {
            wrong.push(format!("{} from {}: must be blocked: {must}; {answer:?}", question.name, question.from));
        }
    }
    tell(format!(
        "{} distinct names, {} questions, {blocked} blocked, {} wrong",
        listed.len(),
        questions.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{} wrong, for example\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    check_rows(&cordon, &lists, &listed, &questions);
    assert_verified(&cordon);
}

/// `cordon lists status` counts at least what this reader finds, in each list.
fn check_status(cordon: &Cordon, lists: &[OwnList]) {
    let status = cordon.json(&["lists", "status"]);
    assert_eq!(status.len(), lists.len());
    let mut entries = 0;
    for object in &status {
        let path = object["path"].as_str().unwrap();
        let list = lists.iter().find(|list| path.ends_with(&format!("/{}", list.name))).unwrap();
        let found = object["entries"].as_u64().unwrap();
        assert!(found >= list.names.len() as u64, "{path}: {found} entries, {} names", list.names.len());
        // What only Cordon reads are internationalised names.
        assert!(found <= list.names.len() as u64 + 200, "{path}: {found} entries, {} names", list.names.len());
        entries += found;
    }
    assert!(entries > 1_000_000);
}

/// Every question has its row, with the right client, network zone, action and category, and the line that the rule names holds the name.
fn check_rows(cordon: &Cordon, lists: &[OwnList], listed: &HashMap<String, u8>, questions: &[Question]) {
    let paths: BTreeMap<String, &OwnList> = cordon
        .json(&["lists", "status"])
        .iter()
        .map(|object| {
            let name = object["list"].as_str().unwrap();
            (name.to_owned(), lists.iter().find(|list| list.name == name).unwrap())
        })
        .collect();
    let rows = all(cordon);
    assert_eq!(rows.len(), questions.len(), "rows are queries");
    assert_without_holes(&rows);
    let mut by_query: HashMap<(String, IpAddr), &Row> = HashMap::new();
    for row in &rows {
        let key = (row.qname.clone().unwrap(), row.client);
        assert!(by_query.insert(key, row).is_none(), "two rows for one query: {row:?}");
    }
    for question in questions {
        let name = question.name.to_ascii_lowercase();
        let row = by_query.get(&(name.clone(), question.from)).unwrap_or_else(|| panic!("no row for {question:?}"));
        let (zone, blocks) = zone_of(question.from);
        assert_eq!((row.network_zone.as_str(), row.transport == "tcp"), (zone, question.tcp), "{row:?}");
        let must = categories_of(listed, &name) & blocks;
        if must == 0 {
            assert_eq!((row.action.as_str(), &row.category, &row.rule), ("allowed", &None, &None), "{row:?}");
            continue;
        }
        assert_eq!(row.action, "blocked", "{row:?}");
        let category = CATEGORIES.iter().position(|one| row.category.as_deref() == Some(*one)).unwrap();
        assert!(must & 1 << category != 0, "{row:?}");
        let list = paths[row.list.as_deref().unwrap()];
        assert_eq!(list.category, category, "{row:?}");
        let (line, entry) = row.rule.as_deref().unwrap().split_once(':').unwrap();
        assert!(name == entry || name.ends_with(&format!(".{entry}")), "{row:?}");
        let lines = list.names.get(entry).unwrap_or_else(|| panic!("{entry} is not in {}: {row:?}", list.name));
        assert!(lines.contains(&line.parse().unwrap()), "{entry} stands on {lines:?}: {row:?}");
    }
}
