//! Rows into columns.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder, UInt16Builder, UInt32Builder, UInt64Builder,
};

use crate::dns::Name;
use crate::record::Rule;
use crate::record::columns;
use crate::record::rtype::Rtype;
use crate::store::error::StoreError;
use crate::store::frame::Row;

/// Most rows of a batch.
pub const MAX_ROWS: usize = 8192;

/// Builds one batch, a builder for each column of [`columns::COLUMNS`].
pub(crate) struct Batch {
    time: TimestampMicrosecondBuilder,
    node: StringBuilder,
    lane: UInt16Builder,
    seq: UInt64Builder,
    client: StringBuilder,
    client_port: UInt16Builder,
    transport: StringBuilder,
    network_zone: StringBuilder,
    policy_generation: UInt64Builder,
    device: StringBuilder,
    host: StringBuilder,
    user: StringBuilder,
    via: StringBuilder,
    as_of: TimestampMicrosecondBuilder,
    qname: StringBuilder,
    qtype: StringBuilder,
    site: StringBuilder,
    action: StringBuilder,
    category: StringBuilder,
    list: StringBuilder,
    rule: StringBuilder,
    rcode: UInt16Builder,
    ede: UInt16Builder,
    answer: StringBuilder,
    source: StringBuilder,
    upstream: StringBuilder,
    duration_us: UInt32Builder,
    rows: usize,
}

fn text() -> StringBuilder {
    StringBuilder::with_capacity(MAX_ROWS, MAX_ROWS * 16)
}

/// Appends what a value shows as.
fn show(builder: &mut StringBuilder, value: impl std::fmt::Display) {
    // A builder takes any text: this cannot fail.
    let _ = write!(builder, "{value}");
    builder.append_value("");
}

fn show_or_null(builder: &mut StringBuilder, value: Option<impl std::fmt::Display>) {
    match value {
        Some(value) => show(builder, value),
        None => builder.append_null(),
    }
}

/// The registrable domain of a name by the Public Suffix List; none for a public suffix itself and for the root.
pub fn site(name: &Name) -> Option<Name> {
    site_within(name.as_wire()).and_then(|site| Name::from_wire(site).ok())
}

/// As [`site`], of a name in wire form: the end of it.
pub(crate) fn site_within(wire: &[u8]) -> Option<&[u8]> {
    use psl::Psl;
    let mut starts = [0u8; 128];
    let mut count = 0;
    let mut at = 0;
    while let Some(&length) = wire.get(at).filter(|length| **length > 0) {
        *starts.get_mut(count)? = at as u8;
        count += 1;
        at += usize::from(length) + 1;
    }
    let label = |start: u8| {
        let start = usize::from(start);
        wire.get(start + 1..start + 1 + usize::from(wire[start])).unwrap_or_default()
    };
    let suffix = psl::List.find(starts[..count].iter().rev().map(|&start| label(start))).len;
    // The suffix is as long as its labels and the dots between them.
    let mut length = 0;
    let mut suffix_labels = 0;
    for &start in starts[..count].iter().rev() {
        if length >= suffix {
            break;
        }
        length += label(start).len() + usize::from(suffix_labels > 0);
        suffix_labels += 1;
    }
    if suffix_labels == 0 || count <= suffix_labels {
        return None;
    }
    wire.get(usize::from(starts[count - suffix_labels - 1])..)
}

impl Batch {
    /// An empty one.
    pub(crate) fn new() -> Batch {
        Batch {
            time: TimestampMicrosecondBuilder::with_capacity(MAX_ROWS).with_timezone("UTC"),
            node: text(),
            lane: UInt16Builder::with_capacity(MAX_ROWS),
            seq: UInt64Builder::with_capacity(MAX_ROWS),
            client: text(),
            client_port: UInt16Builder::with_capacity(MAX_ROWS),
            transport: text(),
            network_zone: text(),
            policy_generation: UInt64Builder::with_capacity(MAX_ROWS),
            device: text(),
            host: text(),
            user: text(),
            via: text(),
            as_of: TimestampMicrosecondBuilder::with_capacity(MAX_ROWS).with_timezone("UTC"),
            qname: text(),
            qtype: text(),
            site: text(),
            action: text(),
            category: text(),
            list: text(),
            rule: text(),
            rcode: UInt16Builder::with_capacity(MAX_ROWS),
            ede: UInt16Builder::with_capacity(MAX_ROWS),
            answer: text(),
            source: text(),
            upstream: text(),
            duration_us: UInt32Builder::with_capacity(MAX_ROWS),
            rows: 0,
        }
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, node: &str, lane: u16, seq: u64, row: &Row<'_>) {
        self.rows += 1;
        self.time.append_value(row.time.micros());
        self.node.append_value(node);
        self.lane.append_value(lane);
        self.seq.append_value(seq);
        show(&mut self.client, row.client);
        self.client_port.append_value(row.client_port);
        self.transport.append_value(row.transport.word());
        self.network_zone.append_value(row.network_zone);
        self.policy_generation.append_value(row.generation);
        show_or_null(&mut self.device, row.device);
        self.host.append_option(row.host);
        self.user.append_option(row.user);
        self.via.append_option(row.via.map(|via| via.word()));
        self.as_of.append_option(row.as_of.map(|as_of| as_of.micros()));
        let name = row.name();
        match &name {
            Some(name) => {
                show(&mut self.qname, name);
                show(&mut self.qtype, Rtype(row.qtype));
                show_or_null(&mut self.site, site(name));
            }
            None => {
                self.qname.append_null();
                self.qtype.append_null();
                self.site.append_null();
            }
        }
        self.action.append_value(row.action.word());
        self.category.append_option(row.category);
        self.list.append_option(row.list);
        match (row.rule, &name) {
            (Rule::None, _) => self.rule.append_null(),
            (Rule::Text(text), _) => self.rule.append_value(text),
            (Rule::Line { line, labels }, Some(name)) => {
                show(&mut self.rule, format_args!("{line}:{}", name.last_labels(labels as usize)));
            }
            (Rule::Line { line, .. }, None) => show(&mut self.rule, format_args!("{line}:")),
        }
        self.rcode.append_option(row.rcode);
        self.ede.append_option(row.ede);
        self.answer.append_option((!row.answer.is_empty()).then_some(row.answer));
        self.source.append_option(row.source.map(|source| source.word()));
        self.upstream.append_option(row.upstream);
        self.duration_us.append_value(row.duration_us);
    }

    /// The batch; the builder is empty again.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, StoreError> {
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish()),
            Arc::new(self.node.finish()),
            Arc::new(self.lane.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.client.finish()),
            Arc::new(self.client_port.finish()),
            Arc::new(self.transport.finish()),
            Arc::new(self.network_zone.finish()),
            Arc::new(self.policy_generation.finish()),
            Arc::new(self.device.finish()),
            Arc::new(self.host.finish()),
            Arc::new(self.user.finish()),
            Arc::new(self.via.finish()),
            Arc::new(self.as_of.finish()),
            Arc::new(self.qname.finish()),
            Arc::new(self.qtype.finish()),
            Arc::new(self.site.finish()),
            Arc::new(self.action.finish()),
            Arc::new(self.category.finish()),
            Arc::new(self.list.finish()),
            Arc::new(self.rule.finish()),
            Arc::new(self.rcode.finish()),
            Arc::new(self.ede.finish()),
            Arc::new(self.answer.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.upstream.finish()),
            Arc::new(self.duration_us.finish()),
        ];
        Ok(RecordBatch::try_new(columns::schema(), columns)?)
    }
}

#[cfg(test)]
mod tests;
