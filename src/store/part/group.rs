//! A row group under way: every column of the table, filled row by row straight from the frames.

use std::io::Write;
use std::net::IpAddr;

use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::dns::Name;
use crate::record::Rule;
use crate::record::codes::{self, RuleKind};
use crate::record::columns::COLUMNS;
use crate::record::rtype::Rtype;
use crate::store::batch::site;
use crate::store::frame::Row;
use crate::store::part::chunk::{Finished, Numbers, Order, Press, Written};
use crate::store::part::words::Words;
use crate::store::part::{BLOOMED, GROUP_ROWS, PAGE_ROWS};
use crate::subject::Via;
use crate::verdict::{Action, Source, Transport};

/// Columns of one row group.
pub(crate) struct Group {
    press: Press,
    time: Numbers,
    node: Words,
    lane: Words,
    seq: Numbers,
    client: Words,
    client_port: Numbers,
    transport: Words,
    network_zone: Words,
    policy_generation: Words,
    device: Words,
    host: Words,
    user: Words,
    via: Words,
    as_of: Words,
    qname: Words,
    qtype: Words,
    site: Words,
    action: Words,
    category: Words,
    list: Words,
    rule: Words,
    rcode: Words,
    ede: Words,
    answer: Words,
    source: Words,
    upstream: Words,
    duration_us: Numbers,
    /// What came of the row before.
    kind: Option<Kind>,
    /// For each word of `qname` that of its site.
    sites: Vec<Option<u32>>,
    /// Where a key of more than one field is put together.
    key: Vec<u8>,
    rows: usize,
    page_rows: usize,
}

/// What came of a query, but for names and texts.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    transport: Transport,
    via: Option<Via>,
    action: Action,
    rcode: Option<u16>,
    ede: Option<u16>,
    source: Option<Source>,
}

/// Appends what a value shows as.
fn show(word: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Memory takes any octets: this cannot fail.
    let _ = write!(word, "{value}");
}

fn narrow(column: &mut Words, number: Option<u16>) {
    match number {
        Some(number) => {
            let octets = u32::from(number).to_le_bytes();
            numbered(column, number, |word| word.extend_from_slice(&octets));
        }
        None => column.push_null(),
    }
}

/// A word that has a number: nearly always a small one.
fn numbered(column: &mut Words, number: u16, word: impl FnOnce(&mut Vec<u8>)) {
    match u8::try_from(number) {
        Ok(code) => column.push_code(code, word),
        Err(_) => drop(column.push(&number.to_le_bytes(), word)),
    }
}

fn coded(column: &mut Words, code: u8, text: &str) {
    column.push_code(code, |word| word.extend_from_slice(text.as_bytes()));
}

impl Group {
    /// An empty one.
    pub(crate) fn new() -> Result<Group, ParquetError> {
        let text = |null| Words::new(Order::Text, null);
        Ok(Group {
            press: Press::new()?,
            time: Numbers::new(Order::Signed64),
            node: text(false),
            lane: Words::new(Order::Unsigned32, false),
            seq: Numbers::new(Order::Unsigned64),
            client: text(false),
            client_port: Numbers::new(Order::Unsigned32),
            transport: text(false),
            network_zone: text(false),
            policy_generation: Words::new(Order::Unsigned64, false),
            device: text(true),
            host: text(true),
            user: text(true),
            via: text(true),
            as_of: Words::new(Order::Signed64, true),
            qname: text(true),
            qtype: text(true),
            site: text(true),
            action: text(false),
            category: text(true),
            list: text(true),
            rule: text(true),
            rcode: Words::new(Order::Unsigned32, true),
            ede: Words::new(Order::Unsigned32, true),
            answer: text(true),
            source: text(true),
            upstream: text(true),
            duration_us: Numbers::new(Order::Unsigned32),
            kind: None,
            sites: Vec::new(),
            key: Vec::new(),
            rows: 0,
            page_rows: 0,
        })
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it should be written before it takes another row.
    pub(crate) fn is_full(&self) -> bool {
        let large = [&self.qname, &self.site, &self.rule, &self.answer, &self.host, &self.user, &self.client];
        self.rows >= GROUP_ROWS || self.page_rows == 0 && large.iter().any(|column| column.is_heavy())
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, node: &str, lane: u16, seq: u64, row: &Row<'_>) -> Result<(), ParquetError> {
        self.time.push(row.time.micros());
        self.node.push(node.as_bytes(), |word| word.extend_from_slice(node.as_bytes()));
        narrow(&mut self.lane, Some(lane));
        self.seq.push(seq as i64);
        match row.client {
            IpAddr::V4(client) => self.client.push(&client.octets(), |word| show(word, client)),
            IpAddr::V6(client) => self.client.push(&client.octets(), |word| show(word, client)),
        };
        self.client_port.push(i64::from(row.client_port));
        self.network_zone.push(row.network_zone.as_bytes(), |word| word.extend_from_slice(row.network_zone.as_bytes()));
        let generation = row.generation.to_le_bytes();
        self.policy_generation.push(&generation, |word| word.extend_from_slice(&generation));
        match row.device {
            Some(device) => drop(self.device.push(&device.0, |word| show(word, device))),
            None => self.device.push_null(),
        }
        self.host.push_option(row.host);
        self.user.push_option(row.user);
        match row.as_of.map(|as_of| as_of.micros().to_le_bytes()) {
            Some(as_of) => drop(self.as_of.push(&as_of, |word| word.extend_from_slice(&as_of))),
            None => self.as_of.push_null(),
        }
        self.push_question(row);
        self.push_kind(row);
        self.category.push_option(row.category);
        self.list.push_option(row.list);
        self.push_rule(row);
        self.answer.push_option((!row.answer.is_empty()).then_some(row.answer));
        self.upstream.push_option(row.upstream);
        self.duration_us.push(i64::from(row.duration_us));
        self.rows += 1;
        self.page_rows += 1;
        if self.page_rows == PAGE_ROWS { self.end_page() } else { Ok(()) }
    }

    fn push_question(&mut self, row: &Row<'_>) {
        let Some(wire) = row.qname else {
            self.qname.push_null();
            self.qtype.push_null();
            self.site.push_null();
            return;
        };
        let number = self.qname.push(wire, |word| show(word, Name::from_wire(wire).unwrap_or(Name::ROOT)));
        numbered(&mut self.qtype, row.qtype, |word| show(word, Rtype(row.qtype)));
        match self.sites.get(number as usize) {
            Some(Some(site)) => self.site.push_number(*site),
            Some(None) => self.site.push_null(),
            None => {
                let site = Name::from_wire(wire).ok().as_ref().and_then(site);
                self.sites.push(match site {
                    Some(site) => Some(self.site.push(site.as_wire(), |word| show(word, site))),
                    None => {
                        self.site.push_null();
                        None
                    }
                });
            }
        }
    }

    /// What comes of a query has few kinds: as a rule that of the row before.
    #[inline]
    fn push_kind(&mut self, row: &Row<'_>) {
        let kind = Kind {
            transport: row.transport,
            via: row.via,
            action: row.action,
            rcode: row.rcode,
            ede: row.ede,
            source: row.source,
        };
        if self.kind != Some(kind) || self.page_rows == 0 {
            self.kind = Some(kind);
            return self.push_another_kind(kind);
        }
        let columns =
            [&mut self.transport, &mut self.via, &mut self.action, &mut self.rcode, &mut self.ede, &mut self.source];
        columns.into_iter().for_each(|column| column.push_again());
    }

    fn push_another_kind(&mut self, kind: Kind) {
        coded(&mut self.transport, codes::of_transport(kind.transport), kind.transport.word());
        match kind.via {
            Some(via) => coded(&mut self.via, codes::of_via(via), via.word()),
            None => self.via.push_null(),
        }
        coded(&mut self.action, codes::of_action(kind.action), kind.action.word());
        narrow(&mut self.rcode, kind.rcode);
        narrow(&mut self.ede, kind.ede);
        match kind.source {
            Some(source) => coded(&mut self.source, codes::of_source(source), source.word()),
            None => self.source.push_null(),
        }
    }

    fn push_rule(&mut self, row: &Row<'_>) {
        match row.rule {
            Rule::None => self.rule.push_null(),
            Rule::Text(text) => {
                self.key.clear();
                self.key.push(codes::of_rule_kind(RuleKind::Text));
                self.key.extend_from_slice(text.as_bytes());
                self.rule.push(&self.key, |word| word.extend_from_slice(text.as_bytes()));
            }
            Rule::Line { line, labels } => {
                let covered = row.qname.map(|wire| last_labels(wire, labels as usize));
                self.key.clear();
                self.key.push(codes::of_rule_kind(RuleKind::Line));
                self.key.extend_from_slice(&line.to_le_bytes());
                self.key.extend_from_slice(covered.unwrap_or_default());
                self.rule.push(&self.key, |word| match covered {
                    Some(wire) => {
                        show(word, format_args!("{line}:{}", Name::from_wire(wire).unwrap_or(Name::ROOT)));
                    }
                    None => show(word, format_args!("{line}:")),
                });
            }
        }
    }

    fn columns(&mut self) -> ([&mut dyn Written; COLUMNS.len()], &mut Press) {
        let columns: [&mut dyn Written; COLUMNS.len()] = [
            &mut self.time,
            &mut self.node,
            &mut self.lane,
            &mut self.seq,
            &mut self.client,
            &mut self.client_port,
            &mut self.transport,
            &mut self.network_zone,
            &mut self.policy_generation,
            &mut self.device,
            &mut self.host,
            &mut self.user,
            &mut self.via,
            &mut self.as_of,
            &mut self.qname,
            &mut self.qtype,
            &mut self.site,
            &mut self.action,
            &mut self.category,
            &mut self.list,
            &mut self.rule,
            &mut self.rcode,
            &mut self.ede,
            &mut self.answer,
            &mut self.source,
            &mut self.upstream,
            &mut self.duration_us,
        ];
        (columns, &mut self.press)
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        self.page_rows = 0;
        let (columns, press) = self.columns();
        columns.into_iter().try_for_each(|column| column.end_page(press))
    }

    /// Writes it as the next row group of a file; it is empty again.
    pub(crate) fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        self.end_page()?;
        self.rows = 0;
        self.sites.clear();
        let schema = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        let (columns, press) = self.columns();
        for ((column, descriptor), of) in columns.into_iter().zip(schema).zip(COLUMNS) {
            let finished = Finished { column: descriptor, bloom: BLOOMED.contains(&of.name) };
            let (octets, close) = column.finish(press, finished)?;
            group.append_column(&octets, close)?;
        }
        group.close().map(drop)
    }
}

/// The last labels of a name in wire form: as [`Name::last_labels`].
fn last_labels(wire: &[u8], labels: usize) -> &[u8] {
    let suffixes = || {
        std::iter::successors(Some(wire), |rest| match rest.split_first() {
            Some((&length, rest)) if length > 0 => rest.get(length as usize..),
            _ => None,
        })
    };
    // The root is the last of them.
    let skip = suffixes().count().saturating_sub(labels + 1);
    suffixes().nth(skip).unwrap_or_default()
}
