//! What a comparison found: tables, a plot, and the figures they are made of.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cordon::load::{Machine, Measured};
use serde_json::json;

use crate::{Turn, WORKLOADS, plot};

/// A receipt.
pub struct Receipt<'a> {
    pub date: &'a str,
    pub command: &'a str,
    pub machine: &'a Machine,
    pub seconds: f64,
    pub listed: usize,
    /// Key, what it is, version.
    pub peers: &'a [(&'static str, &'static str, String)],
    pub left_out: &'a [String],
    pub turns: &'a [Turn],
}

/// One turn, on a line.
pub fn line(turn: &Turn) -> String {
    let mut line = format!("round {} {:<8}", turn.round, turn.peer);
    for ((key, _), (measured, echo)) in WORKLOADS.iter().zip(&turn.measured) {
        let (cpu, ratio) = (measured.cpu(), measured.cpu() / echo);
        let _ = write!(line, "  {key} {cpu:.2} us ({ratio:.2})");
    }
    let lost: u64 = turn.measured.iter().map(|(measured, _)| measured.tally.lost).sum();
    let wrong: u64 = turn.measured.iter().map(|(measured, _)| measured.tally.wrong).sum();
    let _ = write!(line, "  lost {lost}, wrong {wrong}");
    if let Some(first) = turn.measured.iter().find_map(|(measured, _)| measured.tally.first_wrong.as_ref()) {
        let _ = write!(line, ": {first}");
    }
    line
}

/// Microseconds a query: where records are sealed later, each query pays for its own instead of for those sealed meanwhile.
pub fn whole(turn: &Turn, measured: &Measured) -> f64 {
    match turn.sealing {
        Some(sealing) => measured.cpu_of(|name| name != "log-keeper") + sealing,
        None => measured.cpu(),
    }
}

impl Receipt<'_> {
    fn values(&self, peer: &str, of: impl Fn(&Turn) -> Option<f64>) -> Vec<f64> {
        self.turns.iter().filter(|turn| turn.peer == peer).filter_map(of).collect()
    }

    fn cell(&self, peer: &str, digits: usize, of: impl Fn(&Turn) -> Option<f64>) -> String {
        spread(&self.values(peer, of)).map_or_else(
            || "-".into(),
            |[least, middle, most]| format!("{middle:.digits$} ({least:.digits$}-{most:.digits$})"),
        )
    }

    /// The tables, as Markdown.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let mut table = |title: &str, heading: &[&str], row: &dyn Fn(&str) -> Vec<String>| {
            let _ = write!(
                text,
                "\n## {title}\n\n| server | {} |\n|---|{}\n",
                heading.join(" | "),
                "--:|".repeat(heading.len())
            );
            for (key, ..) in self.peers {
                let _ = writeln!(text, "| {key} | {} |", row(key).join(" | "));
            }
        };
        let titles: Vec<&str> = WORKLOADS.iter().map(|(_, title)| *title).collect();
        let each = |peer: &str, digits, of: &dyn Fn(&Turn, &Measured, f64) -> f64| -> Vec<String> {
            let cell = |at: usize| {
                self.cell(peer, digits, |turn| turn.measured.get(at).map(|(measured, echo)| of(turn, measured, *echo)))
            };
            (0..WORKLOADS.len()).map(cell).collect()
        };
        table("CPU, microseconds a query, everything counted: median (least-most)", &titles, &|peer| {
            each(peer, 2, &|turn, measured, _| whole(turn, measured))
        });
        table("The same, as a multiple of the bare echo measured beside it", &titles, &|peer| {
            each(peer, 2, &|turn, measured, echo| whole(turn, measured) / echo)
        });
        table("Thousand answers a second, of one core, 1,000 awaited", &titles[..titles.len() - 1], &|peer| {
            let mut cells = each(peer, 0, &|_, measured, _| measured.rate() / 1e3);
            cells.truncate(titles.len() - 1);
            cells
        });
        let took = |turn: &Turn, nanos: &dyn Fn(&Measured) -> u64| Some(nanos(&turn.measured.last()?.0) as f64 / 1e3);
        table(
            "Microseconds an answer takes at 20,000 a second, Poisson",
            &["p50", "p99", "p99.9", "longest"],
            &|peer| {
                let quantile =
                    |share: f64| self.cell(peer, 0, |turn| took(turn, &|measured| measured.tally.took.quantile(share)));
                let longest = self.cell(peer, 0, |turn| took(turn, &|measured| measured.tally.took.longest()));
                vec![quantile(0.5), quantile(0.99), quantile(0.999), longest]
            },
        );
        let heading = ["ready after, s", "resident then, MB", "after the load, MB", "lost", "wrong"];
        table("Memory, start, and what went wrong", &heading, &|peer| {
            let megabytes = |at: usize| self.cell(peer, 0, |turn| Some(turn.resident[at] as f64 / 1e6));
            let sum = |of: &dyn Fn(&Measured) -> u64| {
                let turns = self.turns.iter().filter(|turn| turn.peer == peer);
                turns.flat_map(|turn| &turn.measured).map(|(measured, _)| of(measured)).sum::<u64>().to_string()
            };
            vec![
                self.cell(peer, 2, |turn| Some(turn.ready)),
                megabytes(0),
                megabytes(1),
                sum(&|measured| measured.tally.lost),
                sum(&|measured| measured.tally.wrong),
            ]
        });
        let sealing = self.values("cordon", |turn| turn.sealing);
        if let Some([least, middle, most]) = spread(&sealing) {
            let without = WORKLOADS.iter().enumerate().map(|(at, (_, title))| {
                let cpu = |turn: &Turn| Some(turn.measured.get(at)?.0.cpu_of(|name| name != "log-keeper"));
                format!("{title} {}", self.cell("cordon", 2, cpu))
            });
            let _ = write!(
                text,
                "\nOf Cordon's CPU, sealing a record later is {middle:.2} us ({least:.2}-{most:.2}); it is in the figures above. Without it: {}.\n",
                without.collect::<Vec<_>>().join(", ")
            );
        }
        text
    }

    /// Writes the folder: `README.md`, `cpu.svg` and `raw.jsonl`.
    pub fn write(&self, to: &Path) -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        let Machine { processor, cores, kernel, memory, load, virtual_machine, .. } = self.machine;
        let kind = if *virtual_machine == Some(true) { "virtual machine, " } else { "" };
        let mut text = format!(
            "# Cordon beside others, {}\n\n    {}\n\nMachine: {kind}{processor}, {cores} cores, {} GiB, Linux {kernel}; load {load:.2} before. \
             The server on one core, the load on another.\n\n{} names on the list, each of which blocks all below it; 10,000 ordinary names, \
             kept in the caches; {} s a measurement. Each answer was checked, its address and its question too. A query is charged with \
             everything that ran in the server's process, as the kernel's scheduler counts it.\n\n| server | version | as |\n|---|---|---|\n",
            self.date,
            self.command,
            memory >> 30,
            self.listed,
            self.seconds
        );
        for (key, about, version) in self.peers {
            let _ = writeln!(text, "| {key} | {version} | {about} |");
        }
        for line in self.left_out {
            let _ = write!(text, "\n{line}\n");
        }
        text += &self.tables();
        let foreign = self.turns.iter().flat_map(|turn| &turn.measured).filter_map(|(measured, _)| measured.foreign);
        let _ = write!(
            text,
            "\nOther programs used at most {:.0} % of the server's core during a measurement that counts.\n\n![CPU a query](cpu.svg)\n\n\
             `raw.jsonl` has every measurement; `dnsdist.conf` and `unbound.conf` are what the others ran with.\n",
            foreign.fold(0.0, f64::max) * 100.0
        );
        fs::write(to.join("README.md"), text)?;
        fs::write(to.join("cpu.svg"), plot::bars(&self.bars()))?;
        let mut raw = String::new();
        for turn in self.turns {
            for ((key, _), (measured, echo)) in WORKLOADS.iter().zip(&turn.measured) {
                let took = &measured.tally.took;
                let object = json!({
                    "round": turn.round, "server": turn.peer, "workload": key, "queries_a_second": measured.rate(),
                    "cpu_us": measured.cpu(), "cpu_us_sealed": whole(turn, measured), "echo_cpu_us": echo,
                    "kernel_share": measured.system(), "p50_us": took.quantile(0.5) as f64 / 1e3,
                    "p99_us": took.quantile(0.99) as f64 / 1e3, "p999_us": took.quantile(0.999) as f64 / 1e3,
                    "longest_us": took.longest() as f64 / 1e3, "lost": measured.tally.lost, "wrong": measured.tally.wrong,
                    "foreign_share": measured.foreign, "sent_late_us": measured.tally.late as f64 / 1e3,
                    "ready_s": turn.ready, "resident": turn.resident,
                });
                let _ = writeln!(raw, "{object}");
            }
        }
        fs::write(to.join("raw.jsonl"), raw)
    }

    fn bars(&self) -> Vec<plot::Group> {
        let group = |at: usize, title: &str| {
            let bars = self.peers.iter().filter_map(|(key, ..)| {
                let values = self.values(key, |turn| turn.measured.get(at).map(|(measured, _)| whole(turn, measured)));
                Some(((*key).to_owned(), spread(&values)?))
            });
            (title.to_owned(), bars.collect())
        };
        WORKLOADS.iter().enumerate().map(|(at, (_, title))| group(at, title)).collect()
    }
}

/// Least, median and most.
fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (sorted.first()?, sorted.last()?);
    let middle = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
    Some([*first, middle, *last])
}
