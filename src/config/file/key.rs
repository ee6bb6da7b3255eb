//! The path of a key in the configuration.

use std::fmt;

/// The path of a key, such as `policy.standard.deny[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A section.
    pub fn new(section: &str) -> Key {
        Key::default().of(section)
    }

    /// The key `name` below this one; quoted where TOML would quote it.
    #[must_use]
    pub fn of(&self, name: &str) -> Key {
        let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let dot = if self.0.is_empty() { "" } else { "." };
        Key(if bare { format!("{}{dot}{name}", self.0) } else { format!("{}{dot}{name:?}", self.0) })
    }

    /// Element `n` of the array that stands here.
    #[must_use]
    pub fn nth(&self, n: usize) -> Key {
        Key(format!("{}[{n}]", self.0))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this section or in it.
    pub fn is_in(&self, section: &str) -> bool {
        self.0.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// Whether something of this section that others refer to by name is at it: the section, one of its named tables, or the `name`
    /// of one of its elements.
    pub fn names_one_of(&self, section: &str) -> bool {
        let plain = self.without_places();
        let rest = match plain.strip_prefix(section) {
            Some("") => return true,
            Some(rest) => rest.strip_prefix('.'),
            None => None,
        };
        rest.is_some_and(|rest| rest == "name" || (self.0.len() == plain.len() && !rest.contains('.')))
    }

    /// The path without the places of elements: `category[3].lists[0].url` becomes `category.lists.url`.
    pub fn without_places(&self) -> String {
        let mut plain = String::with_capacity(self.0.len());
        let mut inside = false;
        for c in self.0.chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                c if !inside => plain.push(c),
                _ => {}
            }
        }
        plain
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_toml_would_write_it() {
        let key = Key::new("policy").of("standard").of("rewrite").of("www.google.com");
        assert_eq!(key.as_str(), "policy.standard.rewrite.\"www.google.com\"");
        assert!(key.is_in("policy") && !key.is_in("pol"));
        assert!(!key.names_one_of("policy") && Key::new("policy").of("standard").names_one_of("policy"));
        assert!(Key::new("category").nth(1).of("name").names_one_of("category"));
        assert!(!Key::new("category").nth(1).of("title").names_one_of("category"));
        assert_eq!(Key::new("category").nth(3).of("lists").nth(0).of("url").without_places(), "category.lists.url");
    }
}
