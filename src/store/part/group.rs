//! A row group under way: every column of the table. What rows say in most of them is told once for all rows that say the same.

use std::io::Write;
use std::net::IpAddr;

use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::record::Rule;
use crate::record::codes;
use crate::record::columns::{COLUMNS, Kind};
use crate::record::rtype::Rtype;
use crate::store::frame::pieces::{Manner, Own, Subject};
use crate::store::gather::Recurring;
use crate::store::part::chunk::{Finished, Numbers, Order, Press, Written};
use crate::store::part::column::Column;
use crate::store::part::named::{NAMED, Named, Spoke};
use crate::store::part::table::Table;
use crate::store::part::words::{NOTHING, Words};
use crate::store::part::{BLOOMED, GROUP_ROWS, PAGE_ROWS};

/// Columns of who asked.
const SUBJECT: [&str; 8] = ["node", "lane", "client", "device", "host", "user", "via", "as_of"];
/// Columns of the manner of an answer.
const MANNER: [&str; 11] = [
    "transport",
    "network_zone",
    "policy_generation",
    "qtype",
    "action",
    "category",
    "list",
    "rcode",
    "ede",
    "source",
    "upstream",
];
/// Columns that differ from row to row.
const OWN: [&str; 4] = ["time", "seq", "client_port", "duration_us"];
/// The column of what was answered.
const ANSWER: &str = "answer";
const _: () = assert!(SUBJECT.len() + MANNER.len() + NAMED.len() + OWN.len() + 1 == COLUMNS.len());

/// Columns of one row group.
pub(crate) struct Group {
    press: Press,
    own: [Numbers; OWN.len()],
    subjects: Table<{ SUBJECT.len() }>,
    manners: Table<{ MANNER.len() }>,
    /// For each manner the rule that spoke, as far as it is of the manner.
    spoke: Vec<Spoke>,
    named: Named,
    answer: Column,
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
            subjects: Table::new(SUBJECT),
            manners: Table::new(MANNER),
            spoke: Vec::new(),
            named: Named::new(),
            answer: Column::new(ANSWER),
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
        self.rows >= GROUP_ROWS || self.page_rows == 0 && self.is_heavy()
    }

    fn is_heavy(&self) -> bool {
        self.subjects.is_heavy() || self.manners.is_heavy() || self.named.is_heavy() || self.answer.is_heavy()
    }

    /// Adds a row whose subject and manner are kept.
    #[inline]
    pub(crate) fn push(
        &mut self,
        recurring: &Recurring,
        own: &Own<'_>,
        subject: u32,
        manner: u32,
    ) -> Result<(), ParquetError> {
        let subject = match self.subjects.entry(subject) {
            Some(entry) => entry,
            None => self.new_subject(recurring, subject)?,
        };
        let manner = match self.manners.entry(manner) {
            Some(entry) => entry,
            None => self.new_manner(recurring, manner)?,
        };
        self.put(own, subject, manner)
    }

    /// Adds a row of which nothing is kept.
    pub(crate) fn push_whole(
        &mut self,
        (node, lane): (&str, u16),
        own: &Own<'_>,
        subject: &Subject<'_>,
        manner: &Manner<'_>,
    ) -> Result<(), ParquetError> {
        let (subject, manner) = (self.subject(node, lane, subject), self.manner(manner));
        self.put(own, subject, manner)
    }

    #[inline]
    fn put(&mut self, own: &Own<'_>, subject: u32, manner: u32) -> Result<(), ParquetError> {
        let numbers = [own.time.micros(), own.seq as i64, i64::from(own.client_port), i64::from(own.duration_us)];
        self.own.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        self.subjects.push(subject);
        self.manners.push(manner);
        self.named.push(own, self.spoke.get(manner as usize).unwrap_or(&Spoke::Nothing));
        match own.answer {
            [] => self.answer.push_nothing(),
            text => self.answer.push_text(text),
        }
        self.rows += 1;
        self.page_rows += 1;
        if self.page_rows == PAGE_ROWS { self.end_page() } else { Ok(()) }
    }

    #[cold]
    fn new_subject(&mut self, recurring: &Recurring, number: u32) -> Result<u32, ParquetError> {
        let (node, lane, subject) = recurring.subject(number).ok_or_else(unreadable)?;
        let entry = self.subject(node, lane, &subject);
        self.subjects.keep(number, entry);
        Ok(entry)
    }

    #[cold]
    fn new_manner(&mut self, recurring: &Recurring, number: u32) -> Result<u32, ParquetError> {
        let entry = self.manner(&recurring.manner(number).ok_or_else(unreadable)?);
        self.manners.keep(number, entry);
        Ok(entry)
    }

    /// A new entry: who asked.
    fn subject(&mut self, of_node: &str, of_lane: u16, of: &Subject<'_>) -> u32 {
        let [node, lane, client, device, host, user, via, as_of] = &mut self.subjects.columns;
        let words = [
            node.text(of_node),
            narrow(lane, Some(of_lane)),
            match of.client {
                IpAddr::V4(address) => client.number(&address.octets(), |word| show(word, address)),
                IpAddr::V6(address) => client.number(&address.octets(), |word| show(word, address)),
            },
            of.device.map_or(NOTHING, |mac| device.number(&mac.0, |word| show(word, mac))),
            host.option(of.host),
            user.option(of.user),
            of.via.map_or(NOTHING, |known| coded(via, codes::of_via(known), known.word())),
            of.as_of.map_or(NOTHING, |since| wide(as_of, since.micros().to_le_bytes())),
        ];
        self.subjects.add(words)
    }

    /// A new entry: in what manner it was answered.
    fn manner(&mut self, of: &Manner<'_>) -> u32 {
        let [transport, network_zone, policy_generation, qtype, action, category, list, rcode, ede, source, upstream] =
            &mut self.manners.columns;
        let words = [
            coded(transport, codes::of_transport(of.transport), of.transport.word()),
            network_zone.text(of.network_zone),
            wide(policy_generation, of.generation.to_le_bytes()),
            // There is no type without a readable question.
            match of.named {
                true => numbered(qtype, of.qtype, |word| show(word, Rtype(of.qtype))),
                false => NOTHING,
            },
            coded(action, codes::of_action(of.action), of.action.word()),
            category.option(of.category),
            list.option(of.list),
            narrow(rcode, of.rcode),
            narrow(ede, of.ede),
            of.source.map_or(NOTHING, |from| coded(source, codes::of_source(from), from.word())),
            upstream.option(of.upstream),
        ];
        self.spoke.push(match of.rule {
            Rule::None => Spoke::Nothing,
            Rule::Text(text) => Spoke::Text(text.into()),
            Rule::Line { .. } => Spoke::Line,
        });
        self.manners.add(words)
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        if self.page_rows == 0 {
            return Ok(());
        }
        self.page_rows = 0;
        self.own.iter_mut().try_for_each(|column| column.end_page(&mut self.press))?;
        self.subjects.end_page(&mut self.press)?;
        self.manners.end_page(&mut self.press)?;
        self.named.end_page(&mut self.press)?;
        self.answer.end_page(&mut self.press)
    }

    /// Writes it as the next row group of a file; it is empty again.
    pub(crate) fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        self.end_page()?;
        self.rows = 0;
        let schema = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for (descriptor, of) in schema.into_iter().zip(COLUMNS) {
            let place = |names: &[&str]| names.iter().position(|name| *name == of.name);
            let column = match (place(&OWN), place(&SUBJECT), place(&MANNER), place(&NAMED)) {
                (Some(at), ..) => self.own.get_mut(at).map(|column| column as &mut dyn Written),
                (_, Some(at), ..) => self.subjects.columns.get_mut(at).map(|column| column as &mut dyn Written),
                (_, _, Some(at), _) => self.manners.columns.get_mut(at).map(|column| column as &mut dyn Written),
                (.., Some(at)) => self.named.columns.get_mut(at).map(|column| column as &mut dyn Written),
                _ => (of.name == ANSWER).then_some(&mut self.answer as &mut dyn Written),
            };
            let column = column.ok_or_else(|| ParquetError::General(format!("there is no column {}", of.name)))?;
            let finished = Finished { column: descriptor, bloom: BLOOMED.contains(&of.name) };
            let (octets, close) = column.finish(&mut self.press, finished)?;
            group.append_column(&octets, close)?;
        }
        self.subjects.clear();
        self.manners.clear();
        self.spoke.clear();
        self.named.clear();
        group.close().map(drop)
    }
}

fn unreadable() -> ParquetError {
    ParquetError::General("what was kept of a row cannot be read".to_owned())
}
