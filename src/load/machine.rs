//! The machine a measurement was made on, and what speaks against believing it.

use std::fs;

use serde::Serialize;

use super::calls;

/// What kind of machine it is.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub processor: String,
    /// Cores this process may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// Octets of memory.
    pub memory: u64,
    /// Whether it is a virtual machine; none where it does not tell.
    pub virtual_machine: Option<bool>,
    /// Programs that ran or wanted to in the last minute, on average.
    pub load: f64,
    /// The most a program may ask for as a socket's receive buffer, in octets.
    pub receive_buffer: Option<u64>,
}

impl Machine {
    /// The machine this runs on.
    pub fn here() -> Machine {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |key: &str| {
            let line = processor.lines().find(|line| line.starts_with(key))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        Machine {
            processor: field("model name").unwrap_or_else(|| format!("unnamed, {}", std::env::consts::ARCH)),
            cores: calls::allowed_cores().map_or(1, |cores| cores.len()),
            kernel: word("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
            memory: memory().unwrap_or(0),
            virtual_machine: field("flags").map(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            load: word("/proc/loadavg").and_then(|load| load.split(' ').next()?.parse().ok()).unwrap_or(0.0),
            receive_buffer: word("/proc/sys/net/core/rmem_max").and_then(|octets| octets.parse().ok()),
        }
    }
}

fn word(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kilo| kilo << 10)
}

/// Which cores the server under test runs on, and which all the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cores {
    /// The server's; empty: nothing is kept apart.
    pub server: Vec<usize>,
    /// For generators, one each, and the upstream; empty: nothing is kept apart.
    pub others: Vec<usize>,
    /// How many threads of load there are.
    pub generators: usize,
}

impl Cores {
    /// The first cores for as many workers, the others for load: one thread of load a worker, where there are as many cores. A machine of
    /// one core has nothing to keep apart.
    pub fn share(cores: &[usize], workers: usize) -> Cores {
        let workers = workers.max(1);
        if cores.len() < 2 {
            return Cores { server: Vec::new(), others: Vec::new(), generators: 1 };
        }
        // A core is left for the load, whatever was asked for.
        let (server, others) = cores.split_at(workers.min(cores.len() - 1));
        Cores { server: server.to_vec(), others: others.to_vec(), generators: workers.min(others.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_left_for_the_load_whatever_was_asked_for() {
        let share = |cores: &[usize], workers| {
            let cores = Cores::share(cores, workers);
            (cores.server, cores.others, cores.generators)
        };
        assert_eq!(share(&[3], 4), (vec![], vec![], 1));
        assert_eq!(share(&[0, 1], 1), (vec![0], vec![1], 1));
        assert_eq!(share(&[0, 1], 2), (vec![0], vec![1], 1));
        assert_eq!(share(&[2, 3, 6, 7, 8], 2), (vec![2, 3], vec![6, 7, 8], 2));
    }

    #[test]
    fn this_machine_tells_what_it_is() {
        let here = Machine::here();
        assert!(here.cores > 0 && here.memory > 1 << 20 && !here.kernel.is_empty(), "{here:?}");
    }
}
