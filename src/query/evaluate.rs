//! A filter judged over columns, with the kernels of arrow.

use std::net::IpAddr;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, Scalar, StringArray, TimestampMicrosecondArray, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow::compute::kernels::boolean::{and_kleene, is_null, or_kleene};
use arrow::compute::kernels::cmp::{eq, gt_eq, lt};
use arrow::compute::kernels::comparison::{contains, ends_with, eq_ignore_ascii_case};
use arrow::compute::{cast, filter_record_batch};
use arrow::error::ArrowError;
use ipnet::IpNet;

use super::filter::{Filter, Span, Term, Test};
use crate::dns::Name;
use crate::moment::Moment;
use crate::record::columns::{COLUMNS, Column, Kind};

/// The rows of a batch that a filter means.
pub fn keep(filter: &Filter, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    match matches(filter, batch)? {
        Some(mask) => filter_record_batch(batch, &mask),
        None => Ok(batch.clone()),
    }
}

/// Which rows of a batch a filter means, null counting as no; none when it means all of them.
pub fn matches(filter: &Filter, batch: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
    let mut mask = span(&filter.span, batch)?;
    for one in &filter.terms {
        let held = term(one, batch)?;
        mask = Some(match mask {
            Some(mask) => and_kleene(&mask, &held)?,
            None => held,
        });
    }
    Ok(mask)
}

/// Which rows lie in a span; none when it has no bounds.
pub fn span(span: &Span, batch: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
    let time = || named(batch, "time");
    let at = |moment: Moment| Scalar::new(TimestampMicrosecondArray::from(vec![moment.micros()]).with_timezone("UTC"));
    let from = span.from.map(|from| gt_eq(&time()?, &at(from))).transpose()?;
    let to = span.to.map(|to| lt(&time()?, &at(to))).transpose()?;
    match (from, to) {
        (Some(from), Some(to)) => and_kleene(&from, &to).map(Some),
        (one, other) => Ok(one.or(other)),
    }
}

/// Which rows hold a term.
pub fn term(term: &Term, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let mut mask: Option<BooleanArray> = None;
    for want in &term.any {
        let column = COLUMNS.get(want.column).ok_or_else(|| ArrowError::SchemaError("no such column".into()))?;
        let held = test(&want.test, &named(batch, column.name)?)?;
        mask = Some(match mask {
            Some(mask) => or_kleene(&mask, &held)?,
            None => held,
        });
    }
    Ok(mask.unwrap_or_else(|| BooleanArray::from(vec![true; batch.num_rows()])))
}

/// A column of a batch in the type of the table; all null when an older file does not have it.
pub fn named(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    let column = COLUMNS.iter().find(|c| c.name == name);
    match (batch.column_by_name(name), column) {
        (Some(array), Some(column)) => as_meant(array, column),
        (Some(array), None) => Ok(array.clone()),
        (None, Some(column)) if column.null => Ok(arrow::array::new_null_array(&column.kind.arrow(), batch.num_rows())),
        (None, _) => Err(ArrowError::SchemaError(format!("has no column {name}"))),
    }
}

fn as_meant(array: &ArrayRef, column: &Column) -> Result<ArrayRef, ArrowError> {
    let meant = column.kind.arrow();
    if *array.data_type() == meant { Ok(array.clone()) } else { cast(array, &meant) }
}

fn test(test: &Test, array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    match test {
        Test::Null => is_null(array),
        Test::Text(text) => eq(array, &StringArray::new_scalar(text)),
        Test::Folded(text) => eq_ignore_ascii_case(array, &StringArray::new_scalar(text)),
        Test::Number(wanted) => number(*wanted, array),
        Test::Within(prefix) => within(prefix, array),
        Test::Under(name) => under(name, array),
        Test::Item(item) => {
            let held = contains(array, &StringArray::new_scalar(item))?;
            narrowed(&held, array, |text| text.split(',').any(|one| one.trim() == item))
        }
    }
}

fn number(wanted: u64, array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let nowhere = || BooleanArray::from(vec![false; array.len()]);
    let kind = COLUMNS.iter().map(|c| c.kind).find(|kind| kind.arrow() == *array.data_type());
    match kind {
        Some(Kind::U16) => {
            u16::try_from(wanted).map_or_else(|_| Ok(nowhere()), |n| eq(array, &UInt16Array::new_scalar(n)))
        }
        Some(Kind::U32) => {
            u32::try_from(wanted).map_or_else(|_| Ok(nowhere()), |n| eq(array, &UInt32Array::new_scalar(n)))
        }
        Some(Kind::U64) => eq(array, &UInt64Array::new_scalar(wanted)),
        _ => Err(ArrowError::SchemaError("the column does not hold numbers".into())),
    }
}

/// Text that every address of the prefix begins with and no other does: prefixes of whole IPv4 octets.
pub(super) fn octets_of(prefix: &IpNet) -> Option<String> {
    let IpNet::V4(v4) = prefix else { return None };
    let octets = v4.network().octets();
    match v4.prefix_len() {
        length @ (8 | 16 | 24) => {
            let shown = octets.iter().take(usize::from(length / 8));
            Some(shown.map(|octet| format!("{octet}.")).collect())
        }
        _ => None,
    }
}

fn within(prefix: &IpNet, array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    if let Some(octets) = octets_of(prefix) {
        return arrow::compute::kernels::comparison::starts_with(array, &StringArray::new_scalar(octets));
    }
    let holds = |text: &str| text.parse::<IpAddr>().is_ok_and(|address| prefix.contains(&address));
    Ok(texts(array)?.iter().map(|text| Some(text.is_some_and(holds))).collect())
}

fn under(name: &Name, array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    if name.is_root() {
        return arrow::compute::kernels::boolean::is_not_null(array);
    }
    let shown = name.to_string();
    let ending = format!(".{shown}");
    let itself = eq(array, &StringArray::new_scalar(shown))?;
    let below = ends_with(array, &StringArray::new_scalar(&ending))?;
    // `a\.example` ends in `.example` and is a single label: a dot behind a backslash is looked at again.
    let below = narrowed(&below, array, |text| {
        let before = text.len().checked_sub(ending.len() + 1).and_then(|at| text.as_bytes().get(at));
        before != Some(&b'\\') || Name::parse(text).is_ok_and(|full| full.is_at_or_below(name))
    })?;
    or_kleene(&itself, &below)
}

/// What of `held` stays when its rows are looked at one by one.
fn narrowed(held: &BooleanArray, array: &ArrayRef, stays: impl Fn(&str) -> bool) -> Result<BooleanArray, ArrowError> {
    let texts = texts(array)?;
    let rows = texts.iter().zip(held);
    Ok(rows.map(|(text, held)| Some(held == Some(true) && text.is_some_and(&stays))).collect())
}

fn texts(array: &ArrayRef) -> Result<&StringArray, ArrowError> {
    array.as_string_opt::<i32>().ok_or_else(|| ArrowError::SchemaError("the column does not hold text".into()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::moment::Moment;
    use crate::query::filter::flags;
    use crate::query::fixture::{Row, any_row, batch};
    use crate::subject::Mac;

    /// The same judgement, written row by row without any kernel.
    fn judged(row: &Row, asks: &[(&'static str, String)], from: i64, to: i64) -> bool {
        let said = |flag: &str| -> Vec<&str> { asks.iter().filter(|a| a.0 == flag).map(|a| a.1.as_str()).collect() };
        let any = |flag: &str, holds: &dyn Fn(&str) -> bool| {
            let values = said(flag);
            values.is_empty() || values.iter().any(|v| holds(v))
        };
        let address: IpAddr = row.client.parse().unwrap();
        let name = row.qname.as_deref().map(|n| Name::parse(n).unwrap());
        let names = (said("name"), said("under"));
        let named = (names.0.is_empty() && names.1.is_empty())
            || names.0.iter().any(|n| name == Some(Name::parse(n).unwrap()))
            || names.1.iter().any(|n| name.is_some_and(|full| full.is_at_or_below(&Name::parse(n).unwrap())));
        row.time >= from
            && row.time < to
            && any("client", &|v| match v.parse::<IpNet>() {
                Ok(prefix) => prefix.contains(&address),
                Err(_) => address == v.parse::<IpAddr>().unwrap(),
            })
            && any("user", &|v| row.user.as_deref().is_some_and(|u| u.eq_ignore_ascii_case(v)))
            && any("device", &|v| match Mac::parse(v) {
                Some(mac) => row.device.as_deref() == Some(&mac.to_string()),
                None => row.host.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(v)),
            })
            && any("action", &|v| row.action == v)
            && any("rcode", &|v| row.rcode == Some(v.parse().unwrap()))
            && any("answer", &|v| row.answer.as_deref().is_some_and(|a| a.split(',').any(|one| one == v)))
            && any("unknown", &|v| match v {
                "user" => row.user.is_none(),
                "category" => row.category.is_none(),
                _ => row.qname.is_none(),
            })
            && named
    }

    fn any_asks() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        let one = |flag: &'static str, values: &'static [&'static str]| {
            prop::sample::select(values).prop_map(move |v| (flag, v.to_string()))
        };
        let asks = prop_oneof![
            one("client", &["10.20.0.1", "10.20.0.0/16", "10.20.0.0/30", "10.0.0.0/8", "2001:db8::/32", "2001:db8::2"]),
            one("user", &["U1", "u2", "nobody"]),
            one("device", &["00-11-22-33-44-01", "KIOSK-1", "kiosk-2"]),
            one("action", &["blocked", "allowed"]),
            one("rcode", &["0", "3", "70000"]).prop_filter("in range", |v| v.1 != "70000"),
            one("answer", &["192.0.2.1", "192.0.2.11"]),
            one("name", &["www.example.com", "com"]),
            one("under", &["example.com", "com", "test", r"x\.example.com"]),
            one("unknown", &["user", "category", "qname"]),
        ];
        prop::collection::vec(asks, 0..4)
            .prop_filter("unknown is asked for once", |asks| asks.iter().filter(|a| a.0 == "unknown").count() < 2)
    }

    proptest! {
        #[test]
        fn the_kernels_agree_with_a_look_at_each_row(
            rows in prop::collection::vec(any_row(), 0..60), asks in any_asks(), from in 0i64..100, long in 0i64..100,
        ) {
            let span = Span { from: Some(Moment(from)), to: Some(Moment(from + long)) };
            let mut filter = Filter { span, ..Filter::default() };
            for (flag, value) in &asks {
                match *flag {
                    "unknown" => filter.ask_unknown(value).unwrap(),
                    flag => filter.ask(flags().iter().find(|f| f.name == flag).unwrap(), value).unwrap(),
                }
            }
            let kept = keep(&filter, &batch(&rows)).unwrap();
            let expected: Vec<Row> = rows.iter().filter(|r| judged(r, &asks, from, from + long)).cloned().collect();
            prop_assert_eq!(kept, batch(&expected));
        }
    }

    #[test]
    fn an_escaped_dot_is_no_border_between_labels() {
        let row = |qname: &str| Row { qname: Some(qname.into()), ..Row::default() };
        let rows = [row(r"a\.example.com"), row(r"a\\.example.com"), row("b.example.com"), row("badexample.com")];
        let mut filter = Filter::default();
        filter.ask(flags().iter().find(|f| f.name == "under").unwrap(), "example.com").unwrap();
        let kept = keep(&filter, &batch(&rows)).unwrap();
        assert_eq!(kept, batch(&rows[1..3]));
    }

    #[test]
    fn a_column_that_an_older_file_lacks_is_null() {
        let full = batch(&[Row::default()]);
        let without = full.project(&[0]).unwrap();
        assert_eq!(named(&without, "user").unwrap().null_count(), 1);
        assert!(named(&without, "action").is_err());
    }
}
