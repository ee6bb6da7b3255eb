//! The pages of one column in one row group: compressed, counted, and closed with what readers find them by.

use std::cmp::Ordering;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, Type, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch};

use crate::record::columns::Kind;
use crate::store::part::{FALSELY, LEVEL, bits};

/// How many octets further something is looked for where nothing was found, in words that are spelt out.
const STRIDE: u32 = 64;

/// The least and the greatest value of some rows, as they lie in a page; none when no row has one.
pub(crate) type Ends = Option<(Vec<u8>, Vec<u8>)>;

/// Which of two values is less, and how they lie in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Octets with their length before them; by octets.
    Text,
    /// 32 bits, unsigned.
    Unsigned32,
    /// 64 bits, unsigned.
    Unsigned64,
    /// 64 bits, signed.
    Signed64,
}

impl Order {
    /// The order of a kind of column.
    pub(crate) fn of(kind: Kind) -> Order {
        match kind {
            Kind::Time => Order::Signed64,
            Kind::Text => Order::Text,
            Kind::U16 | Kind::U32 => Order::Unsigned32,
            Kind::U64 => Order::Unsigned64,
        }
    }

    /// Whether `a` comes before `b`, both as they lie in a page.
    #[inline]
    pub(crate) fn less(self, a: &[u8], b: &[u8]) -> bool {
        self.compare(a, b) == Ordering::Less
    }

    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Order::Text => a.cmp(b),
            Order::Unsigned32 | Order::Unsigned64 => (word(a) as u64).cmp(&(word(b) as u64)),
            Order::Signed64 => word(a).cmp(&word(b)),
        }
    }

    /// A number that orders values as far as it tells them apart.
    pub(crate) fn front(self, value: &[u8]) -> u64 {
        match self {
            Order::Text => {
                let mut front = [0; 8];
                let length = value.len().min(8);
                front[..length].copy_from_slice(&value[..length]);
                u64::from_be_bytes(front)
            }
            Order::Unsigned32 | Order::Unsigned64 => word(value) as u64,
            Order::Signed64 => word(value) as u64 ^ 1 << 63,
        }
    }

    fn kind(self) -> Type {
        match self {
            Order::Text => Type::BYTE_ARRAY,
            Order::Unsigned32 => Type::INT32,
            Order::Unsigned64 | Order::Signed64 => Type::INT64,
        }
    }
}

/// A number from its octets.
fn word(octets: &[u8]) -> i64 {
    let mut word = [0; 8];
    let length = octets.len().min(8);
    word[..length].copy_from_slice(&octets[..length]);
    i64::from_le_bytes(word)
}

/// Where pages are made and compressed: one for all columns.
pub(crate) struct Press {
    usual: Compressor<'static>,
    /// For words that are spelt out, which are unlike: hardly anything in them was there before, so it is looked for in great strides, and
    /// what makes them shorter is that some letters are more frequent than others.
    spelt: Compressor<'static>,
    page: Vec<u8>,
    loose: Vec<u32>,
}

impl Press {
    /// One that compresses as all parts are.
    pub(crate) fn new() -> Result<Press, ParquetError> {
        let mut spelt = Compressor::new(LEVEL)?;
        spelt.set_parameter(CParameter::TargetLength(STRIDE))?;
        // With strides zstd would leave the letters as they are.
        spelt.set_parameter(CParameter::LiteralCompressionMode(ParamSwitch::Enable))?;
        Ok(Press { usual: Compressor::new(LEVEL)?, spelt, page: Vec::new(), loose: Vec::new() })
    }

    /// An empty page to be filled, and room to work in.
    pub(crate) fn page(&mut self) -> (&mut Vec<u8>, &mut Vec<u32>) {
        self.page.clear();
        (&mut self.page, &mut self.loose)
    }

    fn squeezed(&mut self, encoding: Encoding) -> Result<Bytes, ParquetError> {
        let zstd = if encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY { &mut self.spelt } else { &mut self.usual };
        Ok(zstd.compress(&self.page)?.into())
    }
}

/// A column that pages were written of.
pub(crate) trait Written {
    /// Gives all pages since the last call; the column is empty again.
    fn finish(&mut self, press: &mut Press, column: Finished) -> Result<(Bytes, ColumnCloseResult), ParquetError>;
}

/// What a column is finished as.
pub(crate) struct Finished {
    /// The column in the file's schema.
    pub(crate) column: ColumnDescPtr,
    /// Whether it has a filter to ask for single values by.
    pub(crate) bloom: bool,
}

/// Pages of one column.
pub(crate) struct Chunk {
    order: Order,
    out: TrackedWrite<Vec<u8>>,
    rows: usize,
    nulls: u64,
    /// How many pages there are of each way to lie in them.
    pages: Vec<(Encoding, i32)>,
    uncompressed: i64,
    /// Least and greatest value so far, and of the last page.
    ends: Ends,
    last: Option<(Vec<u8>, Vec<u8>)>,
    rising: bool,
    falling: bool,
    index: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
}

impl Chunk {
    /// One without a page.
    pub(crate) fn new(order: Order) -> Chunk {
        Chunk {
            order,
            out: TrackedWrite::new(Vec::new()),
            rows: 0,
            nulls: 0,
            pages: Vec::new(),
            uncompressed: 0,
            ends: None,
            last: None,
            rising: true,
            falling: true,
            index: ColumnIndexBuilder::new(order.kind()),
            offsets: OffsetIndexBuilder::new(),
        }
    }

    /// Takes the page that is in the press: so many rows, so many of them null, the least and the greatest of the others.
    pub(crate) fn end_page(
        &mut self,
        press: &mut Press,
        encoding: Encoding,
        rows: usize,
        nulls: u64,
        ends: Ends,
    ) -> Result<(), ParquetError> {
        let page = Page::DataPage {
            buf: press.squeezed(encoding)?,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let page = CompressedPage::new(page, press.page.len());
        let spec = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
        let (least, greatest) = ends.clone().unwrap_or_default();
        self.index.append(ends.is_none(), least, greatest, nulls as i64, None);
        self.uncompressed += spec.uncompressed_size as i64;
        self.rows += rows;
        self.nulls += nulls;
        match self.pages.iter_mut().find(|(of, _)| *of == encoding) {
            Some((_, pages)) => *pages += 1,
            None => self.pages.push((encoding, 1)),
        }
        if let Some(ends) = ends {
            self.take_ends(ends);
        }
        Ok(())
    }

    fn take_ends(&mut self, page: (Vec<u8>, Vec<u8>)) {
        let order = self.order;
        if let Some(last) = &self.last {
            self.rising &= !order.less(&page.0, &last.0) && !order.less(&page.1, &last.1);
            self.falling &= !order.less(&last.0, &page.0) && !order.less(&last.1, &page.1);
        }
        match &mut self.ends {
            None => self.ends = Some(page.clone()),
            Some((least, greatest)) => {
                if order.less(&page.0, least) {
                    least.clone_from(&page.0);
                }
                if order.less(greatest, &page.1) {
                    greatest.clone_from(&page.1);
                }
            }
        }
        self.last = Some(page);
    }

    fn statistics(&self) -> Statistics {
        let (nulls, ends) = (Some(self.nulls), self.ends.as_ref());
        let word = |octets: &Vec<u8>| word(octets);
        let (least, greatest) = (ends.map(|ends| &ends.0), ends.map(|ends| &ends.1));
        match self.order {
            Order::Text => {
                let text = |octets: &Vec<u8>| ByteArray::from(octets.clone());
                Statistics::byte_array(least.map(text), greatest.map(text), None, nulls, false)
            }
            Order::Unsigned32 => {
                let narrow = |octets: &Vec<u8>| word(octets) as i32;
                Statistics::int32(least.map(narrow), greatest.map(narrow), None, nulls, false)
            }
            Order::Unsigned64 | Order::Signed64 => {
                Statistics::int64(least.map(word), greatest.map(word), None, nulls, false)
            }
        }
    }

    /// The chunk as it goes into the file: the dictionary page before all others, if there is one, given by its octets and its words.
    /// `spelt` is a filter of the words that are not in it.
    pub(crate) fn finish<'w>(
        mut self,
        press: &mut Press,
        Finished { column, bloom }: Finished,
        dictionary: Option<(&[u8], impl ExactSizeIterator<Item = &'w [u8]>)>,
        spelt: Option<Sbbf>,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let mut whole = TrackedWrite::new(Vec::new());
        let mut encodings = vec![Encoding::RLE];
        encodings.extend(self.pages.iter().map(|(encoding, _)| *encoding));
        let of_pages = |(encoding, count): &(Encoding, i32)| PageEncodingStats {
            page_type: PageType::DATA_PAGE,
            encoding: *encoding,
            count: *count,
        };
        let mut page_encodings: Vec<_> = self.pages.iter().map(of_pages).collect();
        let mut filter = None;
        if let Some((page, words)) = dictionary {
            press.page().0.extend_from_slice(page);
            let num_values = words.len() as u32;
            let page = Page::DictionaryPage {
                buf: press.squeezed(Encoding::PLAIN)?,
                num_values,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let page = CompressedPage::new(page, press.page.len());
            let spec = SerializedPageWriter::new(&mut whole).write_page(page)?;
            self.uncompressed += spec.uncompressed_size as i64;
            if !encodings.contains(&Encoding::PLAIN) {
                encodings.push(Encoding::PLAIN);
            }
            let of = (PageType::DICTIONARY_PAGE, Encoding::PLAIN);
            page_encodings.push(PageEncodingStats { page_type: of.0, encoding: of.1, count: 1 });
            if bloom {
                let mut made = match spelt {
                    Some(spelt) => spelt,
                    None => Sbbf::new_with_ndv_fpp(words.len().max(1) as u64, FALSELY)?,
                };
                words.for_each(|word| made.insert(word));
                made.fold_to_target_fpp(FALSELY);
                filter = Some(made);
            }
        }
        let statistics = self.statistics();
        let mut whole = whole.into_inner()?;
        let dictionary_length = whole.len();
        whole.extend_from_slice(&self.out.into_inner()?);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings(encodings)
            .set_page_encoding_stats(page_encodings)
            .set_total_compressed_size(whole.len() as i64)
            .set_total_uncompressed_size(self.uncompressed)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(0)
            .set_statistics(statistics)
            .build()?;
        self.index.set_boundary_order(match (self.rising, self.falling) {
            (true, _) => parquet::basic::BoundaryOrder::ASCENDING,
            (false, true) => parquet::basic::BoundaryOrder::DESCENDING,
            (false, false) => parquet::basic::BoundaryOrder::UNORDERED,
        });
        let close = ColumnCloseResult {
            bytes_written: whole.len() as u64,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: filter,
            column_index: Some(self.index.build()?),
            offset_index: Some(self.offsets.build()),
        };
        let close = close.update_dictionary_location(dictionary_length)?;
        Ok((whole.into(), close))
    }
}

/// A column of numbers that differ from row to row.
pub(crate) struct Numbers {
    order: Order,
    numbers: Vec<i64>,
    chunk: Chunk,
}

impl Numbers {
    /// An empty column.
    pub(crate) fn new(order: Order) -> Numbers {
        Numbers { order, numbers: Vec::new(), chunk: Chunk::new(order) }
    }

    /// A row.
    #[inline]
    pub(crate) fn push(&mut self, number: i64) {
        self.numbers.push(number);
    }
}

impl Numbers {
    /// Ends the page under way.
    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        let narrow = self.order == Order::Unsigned32;
        let unsigned = self.order != Order::Signed64;
        let place = |number: &i64| if unsigned { *number as u64 } else { (*number as u64) ^ 1 << 63 };
        let (least, greatest) =
            (self.numbers.iter().copied().min_by_key(place), self.numbers.iter().copied().max_by_key(place));
        let (Some(least), Some(greatest)) = (least, greatest) else { return Ok(()) };
        bits::differences(&self.numbers, narrow, press.page().0);
        let octets = |number: i64| number.to_le_bytes()[..if narrow { 4 } else { 8 }].to_vec();
        let ends = Some((octets(least), octets(greatest)));
        self.chunk.end_page(press, Encoding::DELTA_BINARY_PACKED, self.numbers.len(), 0, ends)?;
        self.numbers.clear();
        Ok(())
    }
}

impl Written for Numbers {
    fn finish(&mut self, press: &mut Press, column: Finished) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::new(self.order));
        chunk.finish(press, column, None::<(&[u8], std::iter::Empty<&[u8]>)>, None)
    }
}
