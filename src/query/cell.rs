//! One value of one row, for people and for programs.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMicrosecondType, UInt16Type, UInt32Type, UInt64Type};
use serde_json::{Map, Value};

use crate::moment::Moment;

/// A value that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A moment.
    Time(Moment),
}

impl<'a> Cell<'a> {
    /// The value of a column at a row; none when it is null or of a type the log does not have.
    pub fn of(array: &'a ArrayRef, row: usize) -> Option<Cell<'a>> {
        if row >= array.len() || array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt::<i32>().map(|a| Cell::Text(a.value(row))),
            DataType::UInt16 => array.as_primitive_opt::<UInt16Type>().map(|a| Cell::Number(a.value(row).into())),
            DataType::UInt32 => array.as_primitive_opt::<UInt32Type>().map(|a| Cell::Number(a.value(row).into())),
            DataType::UInt64 => array.as_primitive_opt::<UInt64Type>().map(|a| Cell::Number(a.value(row))),
            DataType::Timestamp(..) => {
                array.as_primitive_opt::<TimestampMicrosecondType>().map(|a| Cell::Time(Moment(a.value(row))))
            }
            _ => None,
        }
    }

    /// As JSON: text, a number, or a time in RFC 3339.
    pub fn to_json(self) -> Value {
        match self {
            Cell::Text(text) => text.into(),
            Cell::Number(number) => number.into(),
            Cell::Time(moment) => moment.to_string().into(),
        }
    }
}

impl std::fmt::Display for Cell<'_> {
    /// As it is: for a file, not for a terminal; see [`shown`].
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Text(text) => f.write_str(text),
            Cell::Number(number) => number.fmt(f),
            Cell::Time(moment) => moment.fmt(f),
        }
    }
}

/// A row as an object with every column of the batch in order, null where there is no value.
pub fn object(batch: &RecordBatch, row: usize) -> Value {
    let schema = batch.schema_ref();
    let pairs = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| (field.name().clone(), Cell::of(array, row).map_or(Value::Null, Cell::to_json)));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

/// A value for a terminal: host and user names come from other machines, so control characters are shown as escapes, and no value as `-`.
pub fn shown(cell: Option<Cell<'_>>) -> String {
    match cell {
        None | Some(Cell::Text("")) => "-".into(),
        Some(Cell::Text(text)) if text.chars().any(|c| c.is_control() || is_bidi(c)) => {
            let escaped = text.chars().map(|c| match c.is_control() || is_bidi(c) {
                true => c.escape_unicode().to_string(),
                false => c.to_string(),
            });
            escaped.collect()
        }
        Some(cell) => cell.to_string(),
    }
}

/// Characters that turn the direction of a line, and so could make it read as another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{Row, batch};
    use crate::record::columns::COLUMNS;

    #[test]
    fn an_object_has_every_column_in_order_and_null_for_what_is_not_known() {
        let row = object(&batch(&[Row { rcode: Some(3), ..Row::default() }]), 0);
        let names: Vec<&String> = row.as_object().unwrap().keys().collect();
        assert_eq!(names, COLUMNS.iter().map(|c| c.name).collect::<Vec<_>>());
        assert_eq!(row["rcode"], 3);
        assert_eq!(row["user"], Value::Null);
        assert_eq!(row["time"], "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn a_terminal_is_not_steered_by_names_from_outside() {
        assert_eq!(shown(Some(Cell::Text("a\u{1b}[2Jb"))), "a\\u{1b}[2Jb");
        assert_eq!(shown(Some(Cell::Text("a\u{202e}b"))), "a\\u{202e}b");
        assert_eq!(shown(None), "-");
    }
}
