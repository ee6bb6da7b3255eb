//! The configuration file as it was read, kept so that what turns out wrong later (a zone file that does not load, a probe that is answered
//! wrongly, a server that is ourselves) is told with its place, as what is wrong with the file itself is.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{names, paths};
use super::checked::ListSource;
use super::errors::{ConfigError, SourceText};
use super::file::key::Key;
use crate::dns::Name;

/// The text of the file a configuration was read from. Places are looked for when they are asked for: that is seldom.
#[derive(Clone, Debug, Default)]
pub struct Original {
    file: Arc<str>,
    text: Arc<str>,
}

/// A key with the octets of its value; the value, where that is a text.
struct Stands {
    key: Key,
    span: std::ops::Range<usize>,
    text: Option<String>,
}

impl Original {
    /// Of a file that was read.
    pub(super) fn of(source: SourceText<'_>) -> Original {
        Original { file: source.file.into(), text: source.text.into() }
    }

    /// An error about a key. Where the key is not written, its place is that of the section it would stand in, or the top of the file.
    pub fn error(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) -> ConfigError {
        let stands = self.stands();
        let above = |long: &str| long.rfind(['.', '[']).map(|end| long[..end].to_owned());
        let mut sought = Some(key.to_owned());
        let mut span = 0..0;
        while let Some(wanted) = sought {
            if let Some(found) = stands.iter().find(|at| at.key.as_str() == wanted) {
                span = found.span.clone();
                break;
            }
            sought = above(&wanted);
        }
        let source = SourceText { file: &self.file, text: &self.text };
        source.error(span, key, problem.into(), Some(advice.into()))
    }

    /// The key of a name of `probe.must_allow` or `probe.must_block`, whichever `section` is.
    pub fn key_of_name(&self, section: &str, name: &Name) -> String {
        self.key_where(section, |at| at.key.is_in(section) && at.reads_as(|text| names::name(text).ok() == Some(*name)))
    }

    /// The key of a server, by what is written for it: the first place it stands at.
    pub fn key_of_server(&self, written: &str) -> String {
        let asks = |key: &Key| matches!(&*key.without_places(), "upstream.servers" | "forward_zone.servers");
        self.key_where("upstream.servers", |at| asks(&at.key) && at.reads_as(|text| text == written))
    }

    /// The key of a list or of a file of exceptions, by where it is or where it is fetched.
    pub fn key_of_list(&self, list: &ListSource) -> String {
        let folder = Path::new(&*self.file).parent().map(Path::to_owned).unwrap_or_default();
        let is_list = |key: &Key| {
            matches!(&*key.without_places(), "category.lists.path" | "category.lists.except" | "category.except")
        };
        self.key_where("category", |at| match &list.download {
            Some(download) => {
                at.key.without_places() == "category.lists.url" && at.reads_as(|text| text == &*download.url)
            }
            None => is_list(&at.key) && at.reads_as(|text| paths::absolute(&folder.join(text)) == list.path),
        })
    }

    fn key_where(&self, otherwise: &str, is_meant: impl Fn(&Stands) -> bool) -> String {
        let found = self.stands().into_iter().find(is_meant);
        found.map_or_else(|| otherwise.to_owned(), |at| at.key.as_str().to_owned())
    }

    /// Every key that is written, in the order of the file.
    fn stands(&self) -> Vec<Stands> {
        let mut stands = Vec::new();
        // The text was read before: it is TOML.
        let (tree, _) = DeTable::parse_recoverable(&self.text);
        walk_table(tree.get_ref(), &Key::default(), &mut stands);
        stands
    }
}

impl Stands {
    fn reads_as(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.text.as_deref().is_some_and(is_meant)
    }
}

fn walk_table(table: &DeTable<'_>, key: &Key, stands: &mut Vec<Stands>) {
    for (name, value) in table.iter() {
        walk(value, key.of(name.get_ref()), stands);
    }
}

fn walk(value: &Spanned<DeValue<'_>>, key: Key, stands: &mut Vec<Stands>) {
    let text = value.get_ref().as_str().map(str::to_owned);
    stands.push(Stands { key: key.clone(), span: value.span(), text });
    match value.get_ref() {
        DeValue::Table(table) => walk_table(table, &key, stands),
        DeValue::Array(array) => {
            array.iter().enumerate().for_each(|(n, element)| walk(element, key.nth(n), stands));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# one\n[probe]\nmust_block = [\"a.example\", \"B.example.\"]\n[[forward_zone]]\nservers = [\"udp://192.0.2.1\"]\n";

    fn told(key: &str) -> String {
        let original = Original::of(SourceText { file: "c.toml", text: TEXT });
        let error = original.error(key, "is wrong", "do right");
        let place = error.place.unwrap();
        format!("{}:{} {}", place.line, place.column, error.key)
    }

    #[test]
    fn a_key_has_the_place_where_it_or_its_section_is_written() {
        assert_eq!(told("probe.must_block[1]"), "3:28 probe.must_block[1]");
        assert_eq!(told("probe.must_allow[0]"), "2:1 probe.must_allow[0]");
        assert_eq!(told("upstream.servers"), "1:1 upstream.servers");
    }

    #[test]
    fn names_and_servers_are_found_as_they_are_meant() {
        let original = Original::of(SourceText { file: "c.toml", text: TEXT });
        assert_eq!(original.key_of_name("probe.must_block", &Name::parse("b.example").unwrap()), "probe.must_block[1]");
        assert_eq!(original.key_of_server("udp://192.0.2.1"), "forward_zone[0].servers[0]");
        assert_eq!(original.key_of_server("system"), "upstream.servers");
    }
}
