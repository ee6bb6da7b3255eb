//! What `cordon bench` prints.

use serde_json::{Value, json};

use super::{Found, Workload};
use crate::cli::{Failure, Out};
use crate::load::{Measured, Pace, generator};

/// The share of the server's cores that other programs may use before it is told.
const MUCH_FOREIGN: f64 = 0.03;
/// The share of them that the host may give to others before it is told.
const MUCH_STOLEN: f64 = 0.02;

/// Prints what was found.
pub(super) fn tell(found: &Found, out: &mut Out) -> Result<(), Failure> {
    if out.is_json() {
        return Ok(out.object(&object(found))?);
    }
    let machine = &found.machine;
    let kind = if machine.virtual_machine == Some(true) { ", a virtual machine" } else { "" };
    out.line(format_args!(
        "machine   {}, {} cores{kind}, {}, Linux {}, load {:.2} before",
        machine.processor,
        machine.cores,
        octets(machine.memory),
        machine.kernel,
        machine.load
    ))?;
    let cores = &found.cores;
    let where_ = if cores.server.is_empty() {
        "nothing kept apart".to_owned()
    } else {
        format!("server on {}, load from {}", numbers(&cores.server), numbers(&cores.others))
    };
    out.line(format_args!(
        "server    Cordon {}, {} UDP worker{}, log on; {where_}",
        env!("CARGO_PKG_VERSION"),
        found.workers,
        if found.workers == 1 { "" } else { "s" }
    ))?;
    out.line(format_args!(
        "list      {} names; ready {:.2} s after its start, the list compiled; {} resident then, {} after the load",
        count(found.listed as u64),
        found.started_in.as_secs_f64(),
        octets(found.resident[0]),
        octets(found.resident[1])
    ))?;
    out.line(format_args!("folder    {}", found.folder.display()))?;
    out.line("")?;
    speed(found, out)?;
    out.line("")?;
    costs(found, out)?;
    for (number, warning) in warnings(found).iter().enumerate() {
        out.line(format_args!("{}note: {warning}", if number == 0 { "\n" } else { "" }))?;
    }
    Ok(())
}

/// How quick, how dear, and how late.
fn speed(found: &Found, out: &mut Out) -> Result<(), Failure> {
    let heading = [
        "WORKLOAD",
        "QUERIES/S",
        "CPU/QUERY",
        "ECHO/S",
        "ECHO CPU",
        "RATIO",
        "P50",
        "P99",
        "P99.9",
        "LONGEST",
        "LOST",
        "WRONG",
    ];
    let rows = found.workloads.iter().map(|workload| {
        let Workload { title, cordon, echo, .. } = workload;
        let quantile = |share| micros(cordon.tally.took.quantile(share));
        vec![
            title.clone(),
            count(cordon.rate() as u64),
            format!("{:.2} us", cordon.cpu()),
            count(echo.rate() as u64),
            format!("{:.2} us", echo.cpu()),
            format!("{:.2}", ratio(workload)),
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            micros(cordon.tally.took.longest()),
            count(cordon.tally.lost),
            count(cordon.tally.wrong),
        ]
    });
    out.table(&heading, &rows.collect::<Vec<_>>())?;
    let rate = found.workloads.iter().find(|workload| matches!(workload.pace, Pace::Rate(_)));
    if let Some(Workload { echo, .. }) = rate {
        let took = &echo.tally.took;
        out.line(format_args!(
            "At the fixed rate the echo has p50 {}, p99 {}, p99.9 {}, longest {}. At the others {} queries are awaited at any time: their times say \
             how long the queue is, not how quick an answer.",
            micros(took.quantile(0.5)),
            micros(took.quantile(0.99)),
            micros(took.quantile(0.999)),
            micros(took.longest()),
            count(super::OUTSTANDING as u64)
        ))?;
    }
    Ok(())
}

/// Where the time goes, by threads.
fn costs(found: &Found, out: &mut Out) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    for spent in found.workloads.iter().flat_map(|workload| &workload.cordon.spent) {
        if !names.contains(&spent.name.as_str()) {
            names.push(&spent.name);
        }
    }
    let mut heading = vec!["MICROSECONDS A QUERY"];
    heading.extend(found.workloads.iter().map(|workload| workload.key));
    let row = |title: String, of: &dyn Fn(&Measured) -> String| -> Vec<String> {
        std::iter::once(title).chain(found.workloads.iter().map(|workload| of(&workload.cordon))).collect()
    };
    let mut rows = Vec::new();
    for name in names {
        let of = |measured: &Measured| measured.cpu_of(|one| one == name);
        // What is not seen in the second digit anywhere is left out.
        if found.workloads.iter().any(|workload| of(&workload.cordon) >= 0.005) {
            rows.push(row(group(name).to_owned(), &|measured| format!("{:.2}", of(measured))));
        }
    }
    rows.push(row("all threads".to_owned(), &|measured| format!("{:.2}", measured.cpu())));
    rows.push(row("of it in the kernel".to_owned(), &|measured| format!("{:.0} %", measured.system() * 100.0)));
    if let Some(sealing) = found.sealing {
        rows.push(row("with every record sealed".to_owned(), &|measured| {
            format!("{:.2}", with_sealing(measured, sealing.cpu))
        }));
    }
    out.table(&heading, &rows)?;
    if let Some(sealing) = found.sealing {
        out.line(format_args!(
            "Records are sealed later, by the hour or by 256 MiB: {} were sealed at the end, for {:.2} us each.",
            count(sealing.rows),
            sealing.cpu
        ))?;
    }
    Ok(())
}

/// Microseconds a query in the long run: what was sealed meanwhile was for other queries, so each pays for its own record instead.
fn with_sealing(measured: &Measured, sealing: f64) -> f64 {
    measured.cpu_of(|name| name != "log-keeper") + sealing
}

/// What a thread does, for people.
fn group(name: &str) -> &str {
    match name {
        "udp" => "workers",
        "log-keeper" => "log sealing",
        "log-supply" => "log supply: space, sync",
        "runtime" => "runtime: misses, TCP, admin",
        "cordon" => "main",
        other => other,
    }
}

/// What speaks against believing the figures, and what to do.
fn warnings(found: &Found) -> Vec<String> {
    let mut warnings = Vec::new();
    if found.cores.server.is_empty() {
        warnings.push(
            "this process may use one core only: server and load share it, so queries a second are far too few"
                .to_owned(),
        );
    } else if found.cores.server.len() < found.workers {
        warnings.push(format!(
            "{} workers share {} cores, since one is left for the load; use fewer --workers or a larger machine",
            found.workers,
            found.cores.server.len()
        ));
    }
    let all = || found.workloads.iter().flat_map(|workload| [&workload.cordon, &workload.echo]);
    let most = |of: fn(&Measured) -> f64| all().map(of).fold(0.0, f64::max);
    let foreign = most(|measured| measured.foreign.unwrap_or(0.0));
    if foreign > MUCH_FOREIGN {
        let (percent, load) = (foreign * 100.0, found.machine.load);
        warnings.push(format!(
            "other programs used up to {percent:.0} % of the server's cores meanwhile (load {load:.2} before): stop them and run it again"
        ));
    }
    let stolen = most(|measured| measured.stolen);
    if stolen > MUCH_STOLEN {
        let percent = stolen * 100.0;
        warnings.push(format!(
            "the host of this virtual machine gave up to {percent:.0} % of the cores to others; compare by the ratio"
        ));
    }
    if found.buffer < generator::BUFFER {
        warnings.push(format!(
            "sockets got buffers of {} instead of {}: raise net.core.rmem_max and net.core.wmem_max, or run it as root; Cordon itself wants as \
             much",
            octets(found.buffer as u64),
            octets(generator::BUFFER as u64)
        ));
    }
    for Workload { title, pace, cordon, echo, .. } in &found.workloads {
        let used = cordon.cpu() * cordon.answered as f64 / 1e6 / cordon.seconds / found.workers as f64;
        // Where others used the cores, that is why, and it is told above.
        let quiet = cordon.foreign.is_some_and(|foreign| foreign < MUCH_FOREIGN);
        if matches!(pace, Pace::Outstanding(_)) && used < 0.9 && quiet {
            let percent = used * 100.0;
            warnings.push(format!(
                "{title}: the workers were busy for {percent:.0} % of the time only: the load was the limit, and they can do more"
            ));
        }
        let late = cordon.tally.late.max(echo.tally.late);
        if matches!(pace, Pace::Rate(_)) && late > 1_000_000 {
            warnings.push(format!(
                "{title}: queries were sent up to {} late, since something else had the core of the load; the longest times have it in them",
                micros(late)
            ));
        }
        if cordon.tally.lost > 0 {
            warnings.push(format!("{title}: {} queries were not answered within a second", count(cordon.tally.lost)));
        }
        if let Some(first) = &cordon.tally.first_wrong {
            warnings.push(format!("{title}: an answer was wrong: {first}"));
        }
    }
    if found.unrecorded > 0.0 {
        warnings.push(format!("the log could not take {} records: its disk is full or too slow", found.unrecorded));
    }
    warnings
}

fn object(found: &Found) -> Value {
    let measured = |measured: &Measured| {
        let took = |nanos: u64| nanos as f64 / 1e3;
        let quantile = |share| took(measured.tally.took.quantile(share));
        json!({
            "queries_a_second": measured.rate(), "answered": measured.answered, "seconds": measured.seconds,
            "cpu_us": measured.cpu(), "kernel_share": measured.system(),
            "p50_us": quantile(0.5), "p99_us": quantile(0.99), "p999_us": quantile(0.999),
            "longest_us": took(measured.tally.took.longest()),
            "lost": measured.tally.lost, "wrong": measured.tally.wrong, "stray": measured.tally.stray,
            "sent_late_us": took(measured.tally.late), "foreign_share": measured.foreign, "stolen_share": measured.stolen,
        })
    };
    let workloads = found.workloads.iter().map(|workload| {
        let threads = workload.cordon.spent.iter().map(|spent| {
            let cpu = workload.cordon.cpu_of(|name| name == spent.name);
            json!({ "threads": spent.name, "does": group(&spent.name), "cpu_us": cpu, "kernel_share": spent.system })
        });
        json!({
            "workload": workload.key, "title": workload.title, "cordon": measured(&workload.cordon),
            "echo": measured(&workload.echo), "ratio": ratio(workload), "threads": threads.collect::<Vec<_>>(),
            "cpu_us_sealed": found.sealing.map(|sealing| with_sealing(&workload.cordon, sealing.cpu)),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"), "machine": found.machine, "cores": found.cores, "workers": found.workers,
        "listed": found.listed, "ready_seconds": found.started_in.as_secs_f64(),
        "resident_bytes": { "ready": found.resident[0], "after": found.resident[1] },
        "receive_buffer": found.buffer,
        "sealing": found.sealing.map(|sealing| json!({ "rows": sealing.rows, "cpu_us": sealing.cpu })),
        "records_lost": found.unrecorded,
        "workloads": workloads.collect::<Vec<_>>(), "notes": warnings(found),
    })
}

/// How often the echo's cost the server's is.
fn ratio(workload: &Workload) -> f64 {
    workload.cordon.cpu() / workload.echo.cpu().max(1e-9)
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in the unit that suits it.
fn micros(nanos: u64) -> String {
    match nanos as f64 / 1e3 {
        micros if micros < 100.0 => format!("{micros:.1} us"),
        micros if micros < 10_000.0 => format!("{micros:.0} us"),
        micros => format!("{:.1} ms", micros / 1e3),
    }
}

fn octets(octets: u64) -> String {
    match octets >> 20 {
        0 => format!("{} KiB", octets >> 10),
        mebi if mebi < 10_240 => format!("{mebi} MiB"),
        mebi => format!("{} GiB", mebi >> 10),
    }
}

fn numbers(cores: &[usize]) -> String {
    let numbers = cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("core{} {numbers}", if cores.len() == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([12_345, 123_456, 12_345_678].map(micros), ["12.3 us", "123 us", "12.3 ms"]);
        assert_eq!([4 << 10, 4 << 20, 24 << 30].map(octets), ["4 KiB", "4 MiB", "24 GiB"]);
    }
}
