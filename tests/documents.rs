//! The documents are run: configurations in them load, and what they name (keys, commands, metrics, tests, files, headings) is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use cordon::cli::Cli;
use cordon::config::Config;
use cordon::config::errors::SourceText;
use cordon::metrics::table;

/// The first line of a block that is a whole configuration.
const WHOLE: &str = "# cordon.toml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One document, with its path from the root.
struct Document {
    path: String,
    text: String,
}

/// A part of a document in a fence or between backticks, with its line.
struct Code {
    line: usize,
    /// What stands behind the fence; nothing for code in a line.
    language: String,
    text: String,
}

/// Every document of the project.
fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    let mut folders = vec![root().join("docs"), root().join("grafana")];
    let mut paths: Vec<PathBuf> = Vec::new();
    let at_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(at_root.filter(|path| path.is_file()));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "md"));
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        documents.push(Document { path: path.strip_prefix(root()).unwrap().display().to_string(), text });
    }
    assert!(documents.len() > 8, "only {} documents were found", documents.len());
    documents
}

/// Every piece of code of a document, fenced and in lines.
fn code(text: &str) -> Vec<Code> {
    let mut code: Vec<Code> = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fenced = !fenced;
            if fenced {
                code.push(Code { line: number + 2, language: language.trim().to_owned(), text: String::new() });
            }
        } else if fenced {
            if let Some(block) = code.last_mut() {
                block.text.push_str(line);
                block.text.push('\n');
            }
        } else {
            assert!(line.matches('`').count() % 2 == 0, "code that begins and does not end on its line: {line}");
            let spans = line.split('`').skip(1).step_by(2);
            code.extend(spans.map(|span| Code { line: number + 1, language: String::new(), text: span.to_owned() }));
        }
    }
    assert!(!fenced, "a fence is not closed");
    code
}

fn none_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

#[test]
fn every_whole_configuration_in_a_document_loads() {
    // Laid out as the project is: the configuration in a folder beside the lists.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("blocklists"), folder.path().join("blocklists")).unwrap();
    let path = folder.path().join("config/cordon.toml");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let mut loaded = 0;
    for document in documents() {
        for block in
            code(&document.text).iter().filter(|block| block.language == "toml" && block.text.starts_with(WHOLE))
        {
            std::fs::write(&path, &block.text).unwrap();
            Config::load(&path).unwrap_or_else(|errors| panic!("{}:{}: {errors}", document.path, block.line));
            loaded += 1;
        }
    }
    assert!(loaded > 0, "no document shows a whole configuration");
}

#[test]
fn every_piece_of_configuration_in_a_document_has_known_keys() {
    let mut wrong = Vec::new();
    for document in documents() {
        for block in code(&document.text).iter().filter(|block| block.language == "toml") {
            let reading = cordon::config::file::read(SourceText { file: &document.path, text: &block.text });
            // A piece has not all that a whole configuration must have; what it has must be right.
            let errors = reading.errors.iter().map(|error| format!("{} (line 1 is line {})", error, block.line));
            wrong.extend(errors);
        }
    }
    none_wrong(&wrong);
}

#[test]
fn every_command_and_option_in_a_document_is_there() {
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    let mut of_units = 0;
    for unit in ["packaging/cordon.service", "packaging/cordon-lists.service"] {
        let text = std::fs::read_to_string(root().join(unit)).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("Exec"));
        for line in lines.filter_map(|line| line.split_once("=/usr/bin/").map(|(_, line)| line)) {
            of_units += 1;
            wrong.extend(command_wrong(line, &mut named).map(|why| format!("{unit}: {why}")));
        }
    }
    assert!(of_units > 2, "the units run {of_units} commands only");
    for document in documents() {
        for code in code(&document.text).iter().filter(|code| code.language != "text") {
            for (line, text) in code.text.lines().enumerate() {
                let why = command_wrong(text, &mut named);
                wrong.extend(why.map(|why| format!("{}:{}: {why}", document.path, code.line + line)));
            }
        }
    }
    for file in ["grafana/alerts.yml", "grafana/overview.json"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let (found, faults) = commands_in_prose(&text);
        assert!(found > 0, "{file} names no command");
        wrong.extend(faults.into_iter().map(|(line, why)| format!("{file}:{line}: {why}")));
    }
    none_wrong(&wrong);
    let commands: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let missing: Vec<&String> = commands.difference(&named).collect();
    assert!(missing.is_empty(), "no document tells of {missing:?}");
}

/// Commands in what an alert or a panel says to a person: how many there are, and what is wrong with which line. There, too, a command
/// stands between backticks, so that its end can be seen.
fn commands_in_prose(text: &str) -> (usize, Vec<(usize, String)>) {
    let (mut found, mut wrong) = (0, Vec::new());
    for (number, line) in text.lines().enumerate() {
        for (place, part) in line.split('`').enumerate() {
            let why = if place % 2 == 1 {
                found += usize::from(part.starts_with("cordon "));
                command_wrong(part, &mut BTreeSet::new())
            } else {
                let mut words = part.split_whitespace().skip_while(|word| word.trim_start_matches('(') != "cordon");
                words.nth(1).map(|word| format!("`cordon {word}` is not between backticks"))
            };
            wrong.extend(why.map(|why| (number + 1, why)));
        }
    }
    (found, wrong)
}

/// What is wrong with a line that runs `cordon`; nothing: it is right, or does not run it.
fn command_wrong(line: &str, named: &mut BTreeSet<String>) -> Option<String> {
    let line = line.split(" #").next().unwrap_or(line);
    // What `cargo run` passes on is the program's own.
    let passed_on = line
        .strip_prefix("cargo run ")
        .and_then(|rest| rest.split_once("-- "))
        .map(|(_, rest)| format!("cordon {rest}"));
    let line = passed_on.as_deref().unwrap_or(line);
    let before = |word: &&str| *word == "sudo" || *word == "$" || word.contains('=');
    let mut words = line.split_whitespace().skip_while(before).peekable();
    words.next().filter(|first| *first == "cordon" || first.ends_with("/cordon"))?;
    let whole = Cli::command();
    let mut command = &whole;
    while let Some(word) =
        words.next_if(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && command.has_subcommands())
    {
        let Some(found) = command.find_subcommand(word) else {
            return Some(format!("`{line}`: there is no command `{word}`"));
        };
        if std::ptr::eq(command, &whole) {
            named.insert(word.to_owned());
        }
        command = found;
    }
    let options =
        words.filter_map(|word| word.trim_start_matches('[').strip_prefix("--")).filter(|option| !option.is_empty());
    for option in options {
        let option = option.split(['=', ']']).next().unwrap_or(option);
        let known = whole.get_arguments().filter(|argument| argument.is_global_set()).chain(command.get_arguments());
        let known: Vec<&str> = known.filter_map(|argument| argument.get_long()).chain(["help", "version"]).collect();
        if !known.contains(&option) {
            return Some(format!("`{line}`: there is no option `--{option}`; there are {known:?}"));
        }
    }
    None
}

#[test]
fn every_metric_in_a_document_is_declared() {
    let mut wrong = Vec::new();
    let mut found = 0;
    for document in documents() {
        for (number, line) in document.text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for word in words.filter(|word| word.starts_with("cordon_") && word.len() > "cordon_".len()) {
                found += 1;
                if table::find(word).is_none() {
                    wrong.push(format!("{}:{}: no metric `{word}` is declared", document.path, number + 1));
                }
            }
        }
    }
    none_wrong(&wrong);
    assert!(found > 5, "only {found} metrics are named");
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut found = 0;
    for document in documents() {
        let here = root().join(&document.path);
        for (number, line) in document.text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                found += 1;
                if ["http://", "https://", "mailto:"].iter().any(|far| target.starts_with(far)) {
                    continue;
                }
                let (file, heading) =
                    target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
                let path = if file.is_empty() { here.clone() } else { here.parent().unwrap().join(file) };
                let text = if path.is_dir() { Ok(String::new()) } else { std::fs::read_to_string(&path) };
                let leads =
                    text.is_ok_and(|text| heading.is_none_or(|heading| headings(&text).any(|is| is == heading)));
                if !leads {
                    wrong.push(format!("{}:{}: `{target}` leads nowhere", document.path, number + 1));
                }
            }
        }
    }
    none_wrong(&wrong);
    assert!(found > 5, "only {found} links were found");
}

/// The anchors of a document's headings, as forges make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

#[test]
fn every_test_that_holds_an_invariant_is_there() {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let mut sources = String::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                sources.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let invariants: Vec<&str> = text.lines().filter(|line| line.starts_with("| **")).collect();
    for number in (1..=8).map(|n| format!("| **Q{n}**")).chain((1..=6).map(|n| format!("| **L{n}**"))) {
        assert!(invariants.iter().any(|line| line.starts_with(&number)), "{number} is not in the table");
    }
    let (mut wrong, mut found) = (Vec::new(), 0);
    for line in invariants {
        let held_by = line.rsplit('|').nth(1).unwrap_or_default();
        // What is no sentence is a type or a file.
        for name in held_by.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2) {
            found += 1;
            if !sources.contains(&format!("fn {name}(")) {
                wrong.push(format!("no test is called `{name}`: {line}"));
            }
        }
    }
    none_wrong(&wrong);
    assert!(found > 10, "only {found} tests are named");
}

#[test]
fn what_reads_the_documents_can_find_fault() {
    let mut named = BTreeSet::new();
    for right in [
        "cordon check --json",
        "dig example",
        "useradd --shell x cordon",
        "RUST_LOG=debug cordon serve",
        "./target/release/cordon lists find NAME",
        "cordon explain X --client IP --type=AAAA",
    ] {
        assert_eq!(command_wrong(right, &mut named), None, "{right}");
    }
    for wrong in [
        "cordon chekc",
        "sudo cordon lists fnid NAME",
        "cordon explain X --clinet IP",
        "cordon --confg x check",
        "cargo run --release -- srve",
    ] {
        assert!(command_wrong(wrong, &mut named).is_some(), "{wrong}");
    }
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["check", "explain", "lists", "serve"]);
    let prose = "read (journalctl -u cordon), then `cordon log tail`\nrun `cordon log prune`\nsee (cordon log tail)\n";
    let (found, faults) = commands_in_prose(prose);
    assert_eq!((found, faults.iter().map(|(line, _)| *line).collect::<Vec<_>>()), (2, vec![2, 3]), "{faults:?}");
    let found = code("a `b` c\n```toml\n# cordon.toml\nx = 1\n```\nd `e`\n");
    assert_eq!(
        found.iter().map(|code| (code.line, code.text.as_str())).collect::<Vec<_>>(),
        [(1, "b"), (3, "# cordon.toml\nx = 1\n"), (6, "e"),]
    );
    assert_eq!(headings("# A b: `c`\ntext\n## D-e").collect::<Vec<_>>(), ["a-b-c", "d-e"]);
}
