//! New content of a list that was fetched: whether it may come into force. Values in, a judgement out.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::list::format::Format;
use crate::list::read::read;
use crate::list::rule::Says;

/// What new content must keep within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentLimits {
    /// Least distinct entries.
    pub min_entries: u64,
    /// Most octets, unpacked.
    pub max_octets: u64,
    /// By how many percent it may fall short of the entries in force.
    pub max_shrink: u64,
    /// By how many percent it may go beyond the entries in force.
    pub max_growth: u64,
}

impl Default for ContentLimits {
    fn default() -> ContentLimits {
        ContentLimits { min_entries: 1, max_octets: 256 << 20, max_shrink: 50, max_growth: 400 }
    }
}

/// What makes new content unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing was sent, or white space.
    #[error("the content is empty")]
    Empty,
    /// A page for people.
    #[error("the content is an HTML page, not a list")]
    Html,
    /// Not a text.
    #[error("the content is not a text: {0}")]
    Binary(&'static str),
    /// Fewer entries than there must be.
    #[error("{entries} entries where at least {least} are expected (min_entries)")]
    TooFew {
        /// Those it has.
        entries: u64,
        /// Those it should have.
        least: u64,
    },
    /// Far fewer entries than are in force.
    #[error("{entries} entries where {in_force} are in force: a fall by more than {most} % (max_shrink)")]
    Shrunk {
        /// Those it has.
        entries: u64,
        /// Those in force.
        in_force: u64,
        /// The fall that is allowed, in percent.
        most: u64,
    },
    /// Far more entries than are in force.
    #[error("{entries} entries where {in_force} are in force: a rise by more than {most} % (max_growth)")]
    Grown {
        /// Those it has.
        entries: u64,
        /// Those in force.
        in_force: u64,
        /// The rise that is allowed, in percent.
        most: u64,
    },
}

/// Judges new content by reading it as the compiler will. Gives its distinct entries. `in_force` are those of the content it would
/// replace; none: there is none, or the person who asks has said that any number will do.
///
/// # Errors
/// What makes it unfit.
pub fn judge(
    bytes: &[u8],
    format: Option<Format>,
    limits: &ContentLimits,
    in_force: Option<u64>,
) -> Result<u64, Unfit> {
    looks(bytes)?;
    let mut hashes = Vec::new();
    // Names are told apart by 64 bits of hash: two in a million lists of a million names fall together, and it is a count.
    // Exceptions are no entries: a list of nothing else would block nothing.
    read(bytes, format, |_, rule| {
        if !matches!(rule.says, Says::Lists(_) | Says::ListsImportant) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        rule.name.hash(&mut hasher);
        hashes.push(hasher.finish());
    });
    hashes.sort_unstable();
    hashes.dedup();
    let entries = hashes.len() as u64;
    amount(entries, limits, in_force)?;
    Ok(entries)
}

/// Whether so many entries may replace those in force.
pub fn amount(entries: u64, limits: &ContentLimits, in_force: Option<u64>) -> Result<(), Unfit> {
    let &ContentLimits { min_entries: least, max_shrink, max_growth, .. } = limits;
    if entries < least {
        return Err(Unfit::TooFew { entries, least });
    }
    let Some(in_force) = in_force.filter(|in_force| *in_force > 0) else { return Ok(()) };
    let percent = u128::from(entries) * 100;
    let of_present = |percent: u64| u128::from(in_force) * u128::from(percent);
    if percent < of_present(100u64.saturating_sub(max_shrink)) {
        return Err(Unfit::Shrunk { entries, in_force, most: max_shrink });
    }
    if percent > of_present(100u64.saturating_add(max_growth)) {
        return Err(Unfit::Grown { entries, in_force, most: max_growth });
    }
    Ok(())
}

/// What the octets look like, before they are read.
fn looks(bytes: &[u8]) -> Result<(), Unfit> {
    /// How much of the beginning is looked at.
    const HEAD: usize = 4096;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    let known: [(&[u8], &str); 9] = [
        (b"\x1f\x8b", "it is packed with gzip more often than once"),
        (b"\x28\xb5\x2f\xfd", "it is packed with zstd more often than once"),
        (b"PK\x03\x04", "it is a ZIP archive; name the list itself, or a tar archive"),
        (b"\xfd7zXZ\0", "it is packed with xz; gzip and zstd are unpacked"),
        (b"BZh", "it is packed with bzip2; gzip and zstd are unpacked"),
        (b"7z\xbc\xaf", "it is a 7z archive; name the list itself, or a tar archive"),
        (b"%PDF", "it is a PDF"),
        (b"\x7fELF", "it is a program"),
        (b"\x89PNG", "it is a picture"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Unfit::Binary(what));
    }
    // No list and no text has a NUL; one anywhere would be a page of memory or a broken disk.
    if bytes.contains(&0) {
        return Err(Unfit::Binary("it has octets of value 0"));
    }
    let head = text.get(..HEAD).unwrap_or(text);
    let control = |octet: &&u8| octet.is_ascii_control() && !octet.is_ascii_whitespace();
    if head.iter().filter(control).count() * 20 > head.len() {
        return Err(Unfit::Binary("it has many control characters"));
    }
    let begins = String::from_utf8_lossy(head).to_ascii_lowercase();
    let tags = ["<!doctype html", "<html", "<head", "<body", "<title", "<?xml", "<!--", "<script", "<meta"];
    if tags.iter().any(|tag| begins.starts_with(tag)) || begins.contains("<!doctype html") || begins.contains("</html>")
    {
        return Err(Unfit::Html);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfit(bytes: &[u8]) -> Unfit {
        judge(bytes, None, &ContentLimits::default(), None).unwrap_err()
    }

    #[test]
    fn what_is_no_list_is_told_from_its_beginning() {
        for empty in [&b""[..], b" \r\n\n", b"\xef\xbb\xbf\n"] {
            assert_eq!(unfit(empty), Unfit::Empty);
        }
        for page in
            ["<!DOCTYPE html><html>", "\n <HTML>\n", "<?xml version='1.0'?>\n<!DOCTYPE html>", "# x\n<!doctype HTML>\n"]
        {
            assert_eq!(unfit(page.as_bytes()), Unfit::Html, "{page}");
        }
        for binary in [&b"PK\x03\x04rest"[..], b"\x7fELF\x02", b"a.example\0b.example", b"\x01\x02\x03\x04\x05abc"] {
            assert!(matches!(unfit(binary), Unfit::Binary(_)), "{binary:?}");
        }
        let odd = "bet.example # <b>\nwin.example\x0c\n";
        assert_eq!(judge(odd.as_bytes(), None, &ContentLimits::default(), None), Ok(2));
    }

    #[test]
    fn entries_are_counted_once_and_only_when_they_are_names() {
        let limits = ContentLimits { min_entries: 2, ..ContentLimits::default() };
        let twice = b"bet.example\nBET.example.\nco.uk\n192.0.2.1\n";
        assert_eq!(judge(twice, None, &limits, None), Err(Unfit::TooFew { entries: 1, least: 2 }));
        assert_eq!(judge(b"# nothing\n", None, &limits, None), Err(Unfit::TooFew { entries: 0, least: 2 }));
        assert_eq!(judge(b"0.0.0.0 bet.example win.example\n", Some(Format::Hosts), &limits, None), Ok(2));
    }

    #[test]
    fn a_fall_and_a_rise_are_measured_by_what_is_in_force() {
        let limits = ContentLimits::default();
        for (entries, in_force, fits) in [
            (50, Some(100), true),
            (49, Some(100), false),
            (500, Some(100), true),
            (501, Some(100), false),
            (1, Some(1), true),
            (1, None, true),
            (1_000_000, Some(0), true),
            (u64::MAX, Some(u64::MAX), true),
        ] {
            assert_eq!(amount(entries, &limits, in_force).is_ok(), fits, "{entries} for {in_force:?}");
        }
        let any = ContentLimits { max_shrink: 100, max_growth: u64::MAX, ..limits };
        assert_eq!(amount(1, &any, Some(1_000_000)), Ok(()));
        assert_eq!(amount(1_000_000, &any, Some(1)), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_the_judge_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = judge(&bytes, None, &ContentLimits::default(), Some(3));
        }
    }
}
