//! Every metric: its name, kind, labels and help text. Nothing is exposed that is not declared here, and dashboards and alert
//! rules may name only what is.

/// What a metric's number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from zero at start.
    Counter,
    /// Stands where it stands.
    Gauge,
    /// Durations by size, with a sum.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// One declared metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Declared {
    /// The whole name, prefix included.
    pub name: &'static str,
    /// What its number means.
    pub kind: Kind,
    /// The names of its labels, in the order their values are given. None of them ever holds a client, a user or an asked name.
    pub labels: &'static [&'static str],
    /// One sentence for people; goes into the exposition.
    pub help: &'static str,
}

macro_rules! table {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: &Declared =
                &Declared { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };
        )*

        /// Every metric, in the order it is exposed.
        pub const TABLE: &[&Declared] = &[$($constant),*];
    };
}

table! {
    QUERIES = Counter "cordon_queries_total" ["network_zone", "transport", "action"]
        "Queries closed, by what happened to them.";
    BLOCKED = Counter "cordon_blocked_total" ["network_zone", "category"]
        "Queries blocked, by the category that spoke; category none: a name written in a policy, or the policy's default.";
    QUERY_DURATION = Histogram "cordon_query_duration_seconds" ["source"]
        "From a query's arrival to its answer, by where the answer came from; stale answers count as cache.";
    QUERIES_UNATTRIBUTED = Counter "cordon_queries_unattributed_total" []
        "Queries from a client of which neither device nor user was known.";
    ADMISSION = Counter "cordon_admission_total" ["result"]
        "What the gate said to a query, before any policy.";
    MALFORMED = Counter "cordon_malformed_total" ["result"]
        "Messages that were no query that can be judged, and how they were met.";

    CACHE_ENTRIES = Gauge "cordon_cache_entries" []
        "Answers in the cache.";
    CACHE_BYTES = Gauge "cordon_cache_bytes" []
        "Octets the cache holds.";
    CACHE_LIMIT_BYTES = Gauge "cordon_cache_limit_bytes" []
        "Octets the cache may hold.";
    CACHE_HITS = Counter "cordon_cache_hits_total" []
        "Look-ups the cache could answer.";
    CACHE_MISSES = Counter "cordon_cache_misses_total" []
        "Look-ups the cache could not answer.";
    STALE_ANSWERS = Counter "cordon_stale_answers_total" []
        "Answers given past their TTL because no upstream answered.";

    UPSTREAM_QUERIES = Counter "cordon_upstream_queries_total" ["upstream", "result"]
        "Questions put to an upstream, by how they ended.";
    UPSTREAM_IGNORED = Counter "cordon_upstream_ignored_total" ["upstream"]
        "Datagrams from an upstream's address that answered nothing that was asked: forged, too late or twice.";
    UPSTREAM_DURATION = Histogram "cordon_upstream_duration_seconds" ["upstream"]
        "How long an upstream took for the questions it answered.";
    UPSTREAM_UP = Gauge "cordon_upstream_up" ["upstream"]
        "Whether the upstream is held to be in working order: 1 or 0.";

    LOG_RECORDS = Counter "cordon_log_records_total" []
        "Records written to the log.";
    LOG_LOST = Counter "cordon_log_lost_total" []
        "Records that should have been written and could not be.";
    LOG_LAG = Gauge "cordon_log_lag_seconds" []
        "How long the oldest record that cannot be searched yet has waited.";
    LOG_LIVE_ROWS = Gauge "cordon_log_live_rows" []
        "Searchable rows that are not in a sealed part yet.";
    LOG_PARTS = Gauge "cordon_log_parts" []
        "Sealed parts.";
    LOG_BYTES = Gauge "cordon_log_bytes" []
        "Octets the log takes on disk, parts and segments.";
    LOG_OLDEST = Gauge "cordon_log_oldest_seconds" []
        "Age of the oldest row held; 0 when the log is empty.";
    LOG_RETAIN = Gauge "cordon_log_retain_seconds" []
        "How long rows are to be kept.";
    LOG_DISK_FREE = Gauge "cordon_log_disk_free_bytes" []
        "Octets free on the log's file system.";
    LOG_DISK_SIZE = Gauge "cordon_log_disk_size_bytes" []
        "Size of the log's file system in octets.";

    READY = Gauge "cordon_ready" []
        "Whether queries are answered by a loaded snapshot and logged: 1 or 0.";
    SNAPSHOT_GENERATION = Gauge "cordon_snapshot_generation" []
        "Generation of the snapshot in force.";
    SNAPSHOT_AGE = Gauge "cordon_snapshot_age_seconds" []
        "How long the snapshot has been in force.";
    RELOAD = Counter "cordon_reload_total" ["result"]
        "Reloads, by how they ended.";
    RELOAD_LAST_SUCCESSFUL = Gauge "cordon_reload_last_successful" []
        "Whether what is in the files was put in force when it was last read: 1, or 0 until a failed reload is put right.";
    RELOAD_LAST_SUCCESS = Gauge "cordon_reload_last_success_timestamp_seconds" []
        "When a snapshot was last put in force, in seconds since 1970-01-01T00:00:00Z.";

    ACCESS_CHANGES = Counter "cordon_access_changes_total" ["result"]
        "Changes of the journal of grants and withdrawals, by whether they were put in force.";

    LIST_ENTRIES = Gauge "cordon_list_entries" ["list"]
        "Rules a list yielded.";
    LIST_AGE = Gauge "cordon_list_age_seconds" ["list"]
        "Age of a list's content; of one that is fetched, since its server said that it is the present one.";
    LIST_REFUSED_LINES = Gauge "cordon_list_refused_lines" ["list"]
        "Lines of a list that are no rule.";
    LIST_UPDATE = Counter "cordon_list_update_total" ["list", "result"]
        "Attempts to renew a list, by how they ended: updated, unchanged, or why nothing changed.";

    ATTRIBUTION_ENTRIES = Gauge "cordon_attribution_entries" ["source"]
        "Addresses of which it is known who has them, by how it is known.";
    ATTRIBUTION_EVENTS = Counter "cordon_attribution_events_total" ["source", "result"]
        "Events about who has which address, by what came of them.";

    UDP_RECEIVE_DROPS = Counter "cordon_udp_receive_drops_total" []
        "Datagrams the kernel dropped because a socket's receive buffer was full.";
    TCP_CONNECTIONS = Gauge "cordon_tcp_connections" []
        "DNS connections open now.";
    TCP_REFUSED = Counter "cordon_tcp_refused_total" []
        "DNS connections closed at once because too many were open.";
    PANICS = Counter "cordon_panics_total" []
        "Faults of ours that cost a packet, a batch or a connection its answer; the program's own log has each.";

    BUILD = Gauge "cordon_build_info" ["version"]
        "Always 1; the version that runs is in the label.";
    PROCESS_CPU = Counter "process_cpu_seconds_total" []
        "User and system CPU time spent in seconds.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" []
        "Number of open file descriptors.";
    PROCESS_MAX_FDS = Gauge "process_max_fds" []
        "Maximum number of open file descriptors.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" []
        "Resident memory size in bytes.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" []
        "Virtual memory size in bytes.";
    PROCESS_THREADS = Gauge "process_threads" []
        "Number of OS threads in the process.";
    PROCESS_START = Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds.";
}

/// The declaration of `name`. For a histogram the names of its series (`_bucket`, `_sum`, `_count`) are known too.
pub fn find(name: &str) -> Option<&'static Declared> {
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    TABLE.iter().copied().find(|declared| {
        declared.name == name || (declared.kind == Kind::Histogram && histogram == Some(declared.name))
    })
}

/// The table as text, a metric a line: name, kind, labels, help.
pub fn text() -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for Declared { name, kind, labels, help } in TABLE {
        let _ = writeln!(text, "{name} {} {{{}}} {help}", kind.word(), labels.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_metric_is_declared_twice_and_every_name_follows_the_rules_of_the_format() {
        let mut seen = HashSet::new();
        for declared in TABLE {
            assert!(seen.insert(declared.name), "{} is declared twice", declared.name);
            assert!(
                declared.name.starts_with("cordon_") || declared.name.starts_with("process_"),
                "{} has no known prefix",
                declared.name
            );
            let words = std::iter::once(declared.name).chain(declared.labels.iter().copied());
            for word in words {
                assert!(
                    word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'),
                    "{word} is no plain word"
                );
            }
            assert_eq!(declared.kind == Kind::Counter, declared.name.ends_with("_total"), "{}", declared.name);
            assert!(declared.help.ends_with('.'), "the help of {} is no sentence", declared.name);
        }
    }

    #[test]
    fn no_label_can_hold_a_client_a_user_or_a_name() {
        let allowed =
            ["network_zone", "transport", "action", "category", "source", "result", "upstream", "list", "version"];
        for declared in TABLE {
            for label in declared.labels {
                assert!(allowed.contains(label), "{}: label {label} is not among {allowed:?}", declared.name);
            }
        }
    }

    #[test]
    fn the_table_is_the_one_that_operators_rely_on() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metrics.txt");
        if std::env::var_os("CORDON_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(path, text()).unwrap();
        }
        let golden = std::fs::read_to_string(path).unwrap();
        assert!(
            golden == text(),
            "the metrics are not those of tests/golden/metrics.txt; if that is meant, write the file anew with \
             CORDON_GOLDEN=write and show the difference in review"
        );
    }

    /// The names, kinds and labels that dashboards outside this repository may rely on.
    const PROMISED: &[(&str, &[&str])] = &[
        ("queries_total", &["network_zone", "transport", "action"]),
        ("blocked_total", &["network_zone", "category"]),
        ("query_duration_seconds", &["source"]),
        ("cache_entries", &[]),
        ("cache_bytes", &[]),
        ("cache_hits_total", &[]),
        ("cache_misses_total", &[]),
        ("stale_answers_total", &[]),
        ("upstream_queries_total", &["upstream", "result"]),
        ("upstream_duration_seconds", &["upstream"]),
        ("upstream_up", &["upstream"]),
        ("log_records_total", &[]),
        ("log_lost_total", &[]),
        ("log_lag_seconds", &[]),
        ("log_live_rows", &[]),
        ("log_parts", &[]),
        ("log_bytes", &[]),
        ("log_oldest_seconds", &[]),
        ("snapshot_generation", &[]),
        ("snapshot_age_seconds", &[]),
        ("reload_total", &["result"]),
        ("list_entries", &["list"]),
        ("list_age_seconds", &["list"]),
        ("list_refused_lines", &["list"]),
        ("list_update_total", &["list", "result"]),
        ("attribution_entries", &["source"]),
        ("attribution_events_total", &["source", "result"]),
        ("queries_unattributed_total", &[]),
        ("admission_total", &["result"]),
        ("build_info", &["version"]),
    ];

    #[test]
    fn every_promised_metric_is_declared_with_its_labels() {
        for (name, labels) in PROMISED {
            let name = format!("cordon_{name}");
            let declared = find(&name).unwrap_or_else(|| panic!("{name} is not declared"));
            assert_eq!(declared.labels, *labels, "{name}");
        }
    }

    #[test]
    fn the_series_of_a_histogram_are_found_by_their_own_names() {
        assert_eq!(find("cordon_query_duration_seconds_bucket"), Some(QUERY_DURATION));
        assert_eq!(find("cordon_cache_entries_sum"), None);
    }
}
