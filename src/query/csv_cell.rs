//! Texts in CSV files: a spreadsheet that opens the file must not run what a watched person chose to ask for, such as a name that begins
//! with `=`. CWE-1236, and "CSV Injection" of the OWASP community pages, say what runs: a cell that begins with one of a few characters,
//! also where a spreadsheet with another separator begins a cell in the middle of ours.
//!
//! The mark is an apostrophe, which a spreadsheet takes for "this is text". It can be taken off again without a doubt: an apostrophe at
//! the beginning, or behind a semicolon, tab or line end, is always a mark, since one that was there is marked as well.

use std::borrow::Cow;

const MARK: char = '\'';

/// A text with a mark wherever a cell may begin with what a spreadsheet takes for a formula, or with what looks like a mark.
pub fn marked(text: &str) -> Cow<'_, str> {
    let mut begins = true;
    let needs_mark = |c: char| {
        let needed = begins && is_marked(c);
        begins = is_separator(c);
        needed
    };
    if !text.chars().any(needs_mark) {
        return Cow::Borrowed(text);
    }
    let (mut marked, mut begins) = (String::with_capacity(text.len() + 2), true);
    for c in text.chars() {
        if begins && is_marked(c) {
            marked.push(MARK);
        }
        begins = is_separator(c);
        marked.push(c);
    }
    Cow::Owned(marked)
}

/// What begins a formula, here or there, and the mark itself. Japanese editions take the wide forms for the narrow ones.
const fn is_marked(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠' | MARK)
}

/// Behind what a spreadsheet may begin a new cell, whatever we mean by it.
const fn is_separator(c: char) -> bool {
    matches!(c, ';' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As docs/EVIDENCE.md says that a program takes marks off.
    fn without_marks(text: &str) -> String {
        let (mut plain, mut begins) = (String::new(), true);
        for c in text.chars() {
            if begins && c == MARK {
                begins = false;
                continue;
            }
            begins = is_separator(c);
            plain.push(c);
        }
        plain
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_and_nothing_else() {
        for (text, expected) in [
            ("=cmd|' /C calc'!A0.example", "'=cmd|' /C calc'!A0.example"),
            ("+1.example", "'+1.example"),
            ("-1.example", "'-1.example"),
            ("@sum.example", "'@sum.example"),
            ("\tx", "'\tx"),
            ("\r=x", "'\r'=x"),
            ("a;=cmd.example", "a;'=cmd.example"),
            ("a;b=c-d@e+f", "a;b=c-d@e+f"),
            ("'=x", "''=x"),
            ("www.example.com", "www.example.com"),
            ("192.0.2.1,2001:db8::1", "192.0.2.1,2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(marked(text), expected);
        }
        assert!(matches!(marked("www.example.com"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn marks_come_off_again_and_no_cell_begins_as_a_formula(text in "[=+@'; \t\r\na-]{0,12}") {
            let written = marked(&text);
            prop_assert_eq!(without_marks(&written), &*text);
            for cell in written.split(is_separator) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@']), "{:?}", written);
            }
        }
    }
}
