//! The one table of the log's columns: name, meaning, type, how it is filtered. Schema, filters, help and manual are made from it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Version of the table; a part carries it. Columns are only ever added.
pub const SCHEMA_VERSION: u32 = 1;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Microseconds since the epoch, UTC.
    Time,
    /// UTF-8 text.
    Text,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
}

/// How a column can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// By a span of time.
    Span,
    /// By equality.
    Equal,
    /// By an address or a prefix.
    Prefix,
    /// By a name, or by a name and all below it.
    Name,
    /// Shown, not asked for.
    Shown,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in files, JSON and filters.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null.
    pub null: bool,
    /// How it is asked for.
    pub ask: Ask,
}

const fn column(name: &'static str, kind: Kind, null: bool, ask: Ask, meaning: &'static str) -> Column {
    Column { name, meaning, kind, null, ask }
}

/// Every column, in the order of the file.
pub const COLUMNS: &[Column] = &[
    column("time", Kind::Time, false, Ask::Span, "when the query arrived"),
    column("node", Kind::Text, false, Ask::Equal, "which resolver"),
    column("lane", Kind::U16, false, Ask::Shown, "which worker of it"),
    column("seq", Kind::U64, false, Ask::Shown, "which record of the lane: without holes within (node, lane)"),
    column("client", Kind::Text, false, Ask::Prefix, "source address"),
    column("client_port", Kind::U16, false, Ask::Shown, "source port"),
    column("transport", Kind::Text, false, Ask::Equal, "udp, tcp, dot, doh, doq"),
    column("network_zone", Kind::Text, false, Ask::Equal, "network zone it was decided by; unmatched: in none"),
    column("policy_generation", Kind::U64, false, Ask::Equal, "generation of the snapshot it was decided by"),
    column("device", Kind::Text, true, Ask::Equal, "link-layer address of the device, as known at the time"),
    column("host", Kind::Text, true, Ask::Equal, "host name of the device, as known at the time"),
    column("user", Kind::Text, true, Ask::Equal, "user, as known at the time"),
    column("via", Kind::Text, true, Ask::Equal, "how the subject was known: lease, radius, signon, static"),
    column("as_of", Kind::Time, true, Ask::Shown, "since when the subject was known to be so"),
    column(
        "qname",
        Kind::Text,
        true,
        Ask::Name,
        "name asked for, lower-case, presentation form; null: no readable question",
    ),
    column("qtype", Kind::Text, true, Ask::Equal, "type asked for (A, AAAA, TYPE65280); null: no readable question"),
    column("site", Kind::Text, true, Ask::Equal, "registrable domain of the name"),
    column("action", Kind::Text, false, Ask::Equal, "allowed, monitored, blocked, granted, refused, dropped, failed"),
    column("category", Kind::Text, true, Ask::Equal, "category that spoke; null: none"),
    column("list", Kind::Text, true, Ask::Equal, "list that spoke; null: none"),
    column(
        "rule",
        Kind::Text,
        true,
        Ask::Shown,
        "rule that spoke: LINE:NAME of the list, or the entry of the configuration",
    ),
    column("rcode", Kind::U16, true, Ask::Equal, "response code sent; null: nothing was sent"),
    column("ede", Kind::U16, true, Ask::Equal, "extended error sent (RFC 8914)"),
    column("answer", Kind::Text, true, Ask::Equal, "first addresses or target answered"),
    column("source", Kind::Text, true, Ask::Equal, "policy, local, cache, stale, upstream"),
    column("upstream", Kind::Text, true, Ask::Equal, "upstream that answered or failed"),
    column("duration_us", Kind::U32, false, Ask::Shown, "from arrival to closing, in microseconds"),
];

impl Kind {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Text => DataType::Utf8,
            Kind::U16 => DataType::UInt16,
            Kind::U32 => DataType::UInt32,
            Kind::U64 => DataType::UInt64,
        }
    }
}

/// The Arrow schema of a batch and of a part.
pub fn schema() -> SchemaRef {
    let fields: Vec<Field> = COLUMNS.iter().map(|c| Field::new(c.name, c.kind.arrow(), c.null)).collect();
    Arc::new(Schema::new(fields))
}

/// Place of a column in the table; none for a name that is not in it.
pub fn index_of(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}
