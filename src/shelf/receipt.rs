//! The receipt beside a compiled file: what each list yielded, as JSON with a version of its own.

use serde::{Deserialize, Serialize};

use crate::list::Format;
use crate::shelf::{Example, Yield};

const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct ReceiptV2 {
    version: u32,
    lists: Vec<ListV2>,
}

#[derive(Serialize, Deserialize)]
struct ListV2 {
    sha256: String,
    format: String,
    lines: u64,
    entries: u64,
    duplicates: u64,
    furniture: u64,
    not_for_dns: u64,
    refused_lines: u64,
    flaws: Vec<FlawV2>,
    examples: Vec<ExampleV2>,
}

#[derive(Serialize, Deserialize)]
struct FlawV2 {
    kind: Box<str>,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct ExampleV2 {
    line: u32,
    text: Box<str>,
    why: Box<str>,
}

/// The receipt of these yields.
pub(super) fn to_json(yields: &[Yield]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&ReceiptV2 { version: VERSION, lists: yields.iter().map(ListV2::from).collect() })
}

/// The yields of a receipt; none when it is not one of this version.
pub(super) fn from_json(bytes: &[u8]) -> Option<Vec<Yield>> {
    let receipt: ReceiptV2 = serde_json::from_slice(bytes).ok()?;
    if receipt.version != VERSION {
        return None;
    }
    receipt.lists.into_iter().map(ListV2::meant).collect()
}

impl From<&Yield> for ListV2 {
    fn from(list: &Yield) -> ListV2 {
        let Yield {
            sha256,
            format,
            lines,
            entries,
            duplicates,
            furniture,
            not_for_dns,
            refused_lines,
            flaws,
            examples,
        } = list;
        ListV2 {
            sha256: sha256.clone(),
            format: format.word().to_owned(),
            lines: *lines,
            entries: *entries,
            duplicates: *duplicates,
            furniture: *furniture,
            not_for_dns: *not_for_dns,
            refused_lines: *refused_lines,
            flaws: flaws.iter().map(|(kind, count)| FlawV2 { kind: kind.clone(), count: *count }).collect(),
            examples: examples
                .iter()
                .map(|Example { line, text, why }| ExampleV2 { line: *line, text: text.clone(), why: why.clone() })
                .collect(),
        }
    }
}

impl ListV2 {
    fn meant(self) -> Option<Yield> {
        let ListV2 {
            sha256,
            format,
            lines,
            entries,
            duplicates,
            furniture,
            not_for_dns,
            refused_lines,
            flaws,
            examples,
        } = self;
        Some(Yield {
            sha256,
            format: Format::from_word(&format)?,
            lines,
            entries,
            duplicates,
            furniture,
            not_for_dns,
            refused_lines,
            flaws: flaws.into_iter().map(|FlawV2 { kind, count }| (kind, count)).collect(),
            examples: examples.into_iter().map(|ExampleV2 { line, text, why }| Example { line, text, why }).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_goes_there_and_back_and_another_version_is_not_read() {
        let yields = vec![Yield {
            sha256: "ab".into(),
            format: Format::Hosts,
            lines: 1,
            entries: 2,
            duplicates: 3,
            furniture: 4,
            not_for_dns: 8,
            refused_lines: 5,
            flaws: vec![("address".into(), 6)],
            examples: vec![Example { line: 7, text: "192.0.2.1".into(), why: "is an address".into() }],
        }];
        let json = to_json(&yields).unwrap();
        assert_eq!(from_json(&json), Some(yields));
        let other = String::from_utf8(json).unwrap().replace("\"version\":2", "\"version\":1");
        assert_eq!(from_json(other.as_bytes()), None);
        assert_eq!(from_json(b"{}"), None);
    }
}
