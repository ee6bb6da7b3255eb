//! A row group under way: every column of the table. What rows say in most of them is told once for all rows that say the same.

use std::io::Write;
use std::net::IpAddr;

use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::dns::Name;
use crate::record::Rule;
use crate::record::codes::{self, RuleKind};
use crate::record::columns::{COLUMNS, Kind};
use crate::record::rtype::Rtype;
use crate::store::batch::site;
use crate::store::frame::Row;
use crate::store::gather::{Live, Recurring};
use crate::store::part::chunk::{Finished, Numbers, Order, Press, Written};
use crate::store::part::table::Table;
use crate::store::part::words::{NOTHING, Words};
use crate::store::part::{BLOOMED, GROUP_ROWS, PAGE_ROWS};

/// Columns of who asked.
const ASKER: [&str; 8] = ["node", "lane", "client", "device", "host", "user", "via", "as_of"];
/// Columns of what was asked and what came of it.
const OUTCOME: [&str; 15] = [
    "transport",
    "network_zone",
    "policy_generation",
    "qname",
    "qtype",
    "site",
    "action",
    "category",
    "list",
    "rule",
    "rcode",
    "ede",
    "answer",
    "source",
    "upstream",
];
/// Columns that differ from row to row.
const OWN: [&str; 4] = ["time", "seq", "client_port", "duration_us"];
const _: () = assert!(ASKER.len() + OUTCOME.len() + OWN.len() == COLUMNS.len());

/// Columns of one row group.
pub(crate) struct Group {
    press: Press,
    own: [Numbers; OWN.len()],
    askers: Table<{ ASKER.len() }>,
    outcomes: Table<{ OUTCOME.len() }>,
    /// For each word of `qname` that of its site.
    sites: Vec<u32>,
    /// Where a key of more than one field is put together.
    key: Vec<u8>,
    rows: usize,
    page_rows: usize,
}

/// Appends what a value shows as.
fn show(word: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Memory takes any octets: this cannot fail.
    let _ = write!(word, "{value}");
}

fn narrow(column: &mut Words, number: Option<u16>) -> u32 {
    let Some(number) = number else { return NOTHING };
    let octets = u32::from(number).to_le_bytes();
    numbered(column, number, |word| word.extend_from_slice(&octets))
}

fn wide(column: &mut Words, octets: [u8; 8]) -> u32 {
    column.number(&octets, |word| word.extend_from_slice(&octets))
}

/// A word that has a number: nearly always a small one.
fn numbered(column: &mut Words, number: u16, word: impl FnOnce(&mut Vec<u8>)) -> u32 {
    match u8::try_from(number) {
        Ok(code) => column.coded(code, word),
        Err(_) => column.number(&number.to_le_bytes(), word),
    }
}

fn coded(column: &mut Words, code: u8, text: &str) -> u32 {
    column.coded(code, |word| word.extend_from_slice(text.as_bytes()))
}

impl Group {
    /// An empty one.
    pub(crate) fn new() -> Result<Group, ParquetError> {
        Ok(Group {
            press: Press::new()?,
            own: OWN.map(|name| {
                let column = COLUMNS.iter().find(|column| column.name == name);
                Numbers::new(Order::of(column.map_or(Kind::U64, |column| column.kind)))
            }),
            askers: Table::new(ASKER),
            outcomes: Table::new(OUTCOME),
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
        self.rows >= GROUP_ROWS || self.page_rows == 0 && (self.askers.is_heavy() || self.outcomes.is_heavy())
    }

    /// Adds a row of which the halves are kept.
    #[inline]
    pub(crate) fn push(
        &mut self,
        recurring: &Recurring,
        row: &Live,
        asker: u32,
        outcome: u32,
    ) -> Result<(), ParquetError> {
        let asker = match self.askers.entry(asker) {
            Some(entry) => entry,
            None => self.new_asker(recurring, asker)?,
        };
        let outcome = match self.outcomes.entry(outcome) {
            Some(entry) => entry,
            None => self.new_outcome(recurring, outcome)?,
        };
        let Live { time, seq, duration_us, client_port, .. } = *row;
        self.put([time.micros(), seq as i64, i64::from(client_port), i64::from(duration_us)], asker, outcome)
    }

    /// Adds a row of which nothing is kept.
    pub(crate) fn push_row(&mut self, node: &str, lane: u16, seq: u64, row: &Row<'_>) -> Result<(), ParquetError> {
        let asker = self.asker(node, lane, row);
        let outcome = self.outcome(row);
        let own = [row.time.micros(), seq as i64, i64::from(row.client_port), i64::from(row.duration_us)];
        self.put(own, asker, outcome)
    }

    #[inline]
    fn put(&mut self, own: [i64; OWN.len()], asker: u32, outcome: u32) -> Result<(), ParquetError> {
        self.own.iter_mut().zip(own).for_each(|(column, number)| column.push(number));
        self.askers.push(asker);
        self.outcomes.push(outcome);
        self.rows += 1;
        self.page_rows += 1;
        if self.page_rows == PAGE_ROWS { self.end_page() } else { Ok(()) }
    }

    #[cold]
    fn new_asker(&mut self, recurring: &Recurring, number: u32) -> Result<u32, ParquetError> {
        let entry = recurring.asker(number, |node, lane, row| self.asker(node, lane, row)).ok_or_else(unreadable)?;
        self.askers.keep(number, entry);
        Ok(entry)
    }

    #[cold]
    fn new_outcome(&mut self, recurring: &Recurring, number: u32) -> Result<u32, ParquetError> {
        let entry = recurring.outcome(number, |row| self.outcome(row)).ok_or_else(unreadable)?;
        self.outcomes.keep(number, entry);
        Ok(entry)
    }

    /// A new entry: who asked.
    fn asker(&mut self, of_node: &str, of_lane: u16, row: &Row<'_>) -> u32 {
        let [node, lane, client, device, host, user, via, as_of] = &mut self.askers.columns;
        let words = [
            node.text(of_node),
            narrow(lane, Some(of_lane)),
            match row.client {
                IpAddr::V4(address) => client.number(&address.octets(), |word| show(word, address)),
                IpAddr::V6(address) => client.number(&address.octets(), |word| show(word, address)),
            },
            row.device.map_or(NOTHING, |mac| device.number(&mac.0, |word| show(word, mac))),
            host.option(row.host),
            user.option(row.user),
            row.via.map_or(NOTHING, |known| coded(via, codes::of_via(known), known.word())),
            row.as_of.map_or(NOTHING, |since| wide(as_of, since.micros().to_le_bytes())),
        ];
        self.askers.add(words)
    }

    /// A new entry: what was asked, and what came of it.
    fn outcome(&mut self, row: &Row<'_>) -> u32 {
        let [
            transport,
            network_zone,
            policy_generation,
            qname,
            qtype,
            site_of,
            action,
            category,
            list,
            rule,
            rcode,
            ede,
            answer,
            source,
            upstream,
        ] = &mut self.outcomes.columns;
        let (mut name, mut kind, mut site_word) = (NOTHING, NOTHING, NOTHING);
        if let Some(wire) = row.qname {
            name = qname.number(wire, |word| show(word, Name::from_wire(wire).unwrap_or(Name::ROOT)));
            kind = numbered(qtype, row.qtype, |word| show(word, Rtype(row.qtype)));
            if self.sites.len() <= name as usize {
                let found = Name::from_wire(wire).ok().as_ref().and_then(site);
                self.sites.push(found.map_or(NOTHING, |found| site_of.number(found.as_wire(), |w| show(w, found))));
            }
            site_word = self.sites.get(name as usize).copied().unwrap_or(NOTHING);
        }
        let words = [
            coded(transport, codes::of_transport(row.transport), row.transport.word()),
            network_zone.text(row.network_zone),
            wide(policy_generation, row.generation.to_le_bytes()),
            name,
            kind,
            site_word,
            coded(action, codes::of_action(row.action), row.action.word()),
            category.option(row.category),
            list.option(row.list),
            spoken(rule, row, &mut self.key),
            narrow(rcode, row.rcode),
            narrow(ede, row.ede),
            answer.option((!row.answer.is_empty()).then_some(row.answer)),
            row.source.map_or(NOTHING, |from| coded(source, codes::of_source(from), from.word())),
            upstream.option(row.upstream),
        ];
        self.outcomes.add(words)
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        if self.page_rows == 0 {
            return Ok(());
        }
        self.page_rows = 0;
        self.own.iter_mut().try_for_each(|column| column.end_page(&mut self.press))?;
        self.askers.end_page(&mut self.press)?;
        self.outcomes.end_page(&mut self.press)
    }

    /// Writes it as the next row group of a file; it is empty again.
    pub(crate) fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        self.end_page()?;
        self.rows = 0;
        self.sites.clear();
        let schema = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for (descriptor, of) in schema.into_iter().zip(COLUMNS) {
            let place = |names: &[&str]| names.iter().position(|name| *name == of.name);
            let column: Option<&mut dyn Written> = match (place(&OWN), place(&ASKER), place(&OUTCOME)) {
                (Some(at), ..) => self.own.get_mut(at).map(|column| column as &mut dyn Written),
                (_, Some(at), _) => self.askers.columns.get_mut(at).map(|column| column as &mut dyn Written),
                (.., at) => at.and_then(|at| self.outcomes.columns.get_mut(at)).map(|column| column as &mut dyn Written),
            };
            let column = column.ok_or_else(|| ParquetError::General(format!("there is no column {}", of.name)))?;
            let finished = Finished { column: descriptor, bloom: BLOOMED.contains(&of.name) };
            let (octets, close) = column.finish(&mut self.press, finished)?;
            group.append_column(&octets, close)?;
        }
        self.askers.clear();
        self.outcomes.clear();
        group.close().map(drop)
    }
}

fn unreadable() -> ParquetError {
    ParquetError::General("what was kept of a row cannot be read".to_owned())
}

/// The rule that spoke.
fn spoken(rule: &mut Words, row: &Row<'_>, key: &mut Vec<u8>) -> u32 {
    key.clear();
    match row.rule {
        Rule::None => NOTHING,
        Rule::Text(text) => {
            key.push(codes::of_rule_kind(RuleKind::Text));
            key.extend_from_slice(text.as_bytes());
            rule.number(key, |word| word.extend_from_slice(text.as_bytes()))
        }
        Rule::Line { line, labels } => {
            let covered = row.qname.map(|wire| last_labels(wire, labels as usize));
            key.push(codes::of_rule_kind(RuleKind::Line));
            key.extend_from_slice(&line.to_le_bytes());
            key.extend_from_slice(covered.unwrap_or_default());
            rule.number(key, |word| match covered {
                Some(wire) => show(word, format_args!("{line}:{}", Name::from_wire(wire).unwrap_or(Name::ROOT))),
                None => show(word, format_args!("{line}:")),
            })
        }
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
