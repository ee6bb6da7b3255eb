//! Categories and the lists that feed them.

mod url;

use std::path::{Path, PathBuf};

use super::{Check, Seen, values};
use crate::config::added;
use crate::config::checked::{ListSource, ut1_files};
use crate::config::file::key::Key;
use crate::config::file::v1::{self, Text, Texts};
use crate::config::file::written::Written;
use crate::list::{Format, Role};
use crate::policy::{Category, Model};
use crate::verdict::{CategoryId, ListId, MAX_CATEGORIES};

/// Most lists a configuration may have: as many as a list's number in the compiled file tells apart.
const MAX_LISTS: usize = u16::MAX as usize + 1;

impl Check<'_> {
    /// Fills the model's categories and gives their lists.
    pub(super) fn categories(
        &mut self,
        written: &[Written<v1::Category>],
        data_dir: &Path,
        model: &mut Model,
    ) -> Vec<ListSource> {
        let (mut names, mut list_names) = (Seen::default(), Seen::default());
        let mut lists = Vec::new();
        for (n, category) in written.iter().enumerate() {
            let key = Key::new("category").nth(n);
            let name = category.name.as_ref().and_then(|text| {
                let name = self.take(text, &key.of("name"), values::word)?;
                self.is_first(&mut names, &name, text, &key.of("name"), "category").then_some(name)
            });
            if n == MAX_CATEGORIES {
                let advice = "join categories that every policy treats alike";
                self.error(category.span(), &key, format!("more than {MAX_CATEGORIES} categories"), advice);
            }
            let Ok(id) = u8::try_from(model.categories.len()) else { continue };
            let shown = name.clone().unwrap_or_default();
            self.lists(category, &key, (&shown, CategoryId(id)), data_dir, &mut list_names, &mut lists);
            let Some(name) = name else { continue };
            let title = category.title.as_ref().map_or(&*name, |text| text.as_str()).into();
            let clause = category.clause.as_ref().map(|text| text.as_str().into());
            model.categories.push(Category { name, title, clause });
        }
        if lists.len() > MAX_LISTS {
            let span = written.last().map_or(0..0, |category| category.span());
            self.error(span, &Key::new("category"), format!("more than {MAX_LISTS} lists"), "join files");
        }
        lists
    }

    fn lists(
        &mut self,
        category: &v1::Category,
        key: &Key,
        (category_name, id): (&str, CategoryId),
        data_dir: &Path,
        seen: &mut Seen,
        lists: &mut Vec<ListSource>,
    ) {
        if let Some(written) = category.lists.as_ref().filter(|lists| lists.is_empty()) {
            let advice = "write `[{ path = \"../blocklists/name.txt\" }]`";
            self.error(written.span(), &key.of("lists"), "is empty: no name could be in the category", advice);
        }
        // A file that is put there goes before one that is fetched, wherever it stands: it has no host to tell it by.
        let unnamed = |list: &&Written<v1::ListFile>| list.name.is_none();
        let paths =
            category.lists.iter().flat_map(|lists| lists.iter()).filter(unnamed).filter_map(|l| l.path.as_ref());
        let paths = paths.chain(category.except.iter().flat_map(|texts| texts.iter()));
        let of_files: Vec<String> = paths.map(|text| usual_name(category_name, &self.path(text))).collect();
        for (n, list) in category.lists.iter().flat_map(|lists| lists.iter()).enumerate() {
            let key = key.of("lists").nth(n);
            let Some(origin) = self.origin(list, &key) else { continue };
            let (name, at) = match &list.name {
                Some(given) => (given.as_str().to_owned(), given),
                None => {
                    let name = usual_name(category_name, origin.last_part());
                    let is_taken = of_files.contains(&name) || seen.has(&name);
                    let name = match origin.host().filter(|_| is_taken) {
                        Some(host) => usual_name(&format!("{category_name}/{host}"), origin.last_part()),
                        None => name,
                    };
                    (name, origin.written())
                }
            };
            self.is_first_list(seen, &name, at, &key);
            let format = list.format.as_deref().map(|format| match format {
                v1::ListFormat::Domains => Format::Domains,
                v1::ListFormat::Hosts => Format::Hosts,
                v1::ListFormat::Adblock => Format::Adblock,
                v1::ListFormat::Dnsmasq => Format::Dnsmasq,
                v1::ListFormat::Wildcard => Format::Wildcard,
                v1::ListFormat::Rpz => Format::Rpz,
                v1::ListFormat::Unbound => Format::Unbound,
                v1::ListFormat::Ut1 => Format::Ut1,
            });
            let (path, download) = origin.placed(&name, data_dir);
            if let (Some(written), Some(format)) = (&list.format, format)
                && format != Format::Ut1
                && path.is_dir()
            {
                let problem = format!("a folder cannot be read as {}", format.word());
                self.error(written.span(), &key.of("format"), problem, "write `ut1`, or name a file in it");
            }
            let of = ListId(u16::try_from(lists.len()).unwrap_or(u16::MAX));
            lists.push(ListSource {
                name: name.as_str().into(),
                category: id,
                role: Role::Lists,
                path,
                format,
                added: None,
                download,
            });
            self.list_exceptions(list.except.as_ref(), &key, &name, (id, of), seen, lists);
        }
        for (n, text) in category.except.iter().flat_map(|texts| texts.iter()).enumerate() {
            let key = key.of("except").nth(n);
            let path = self.list_path(text, &key);
            let name = usual_name(category_name, &path);
            self.is_first_list(seen, &name, text, &key);
            lists.push(ListSource {
                name: name.into(),
                category: id,
                role: Role::ExceptCategory,
                path,
                format: None,
                added: None,
                download: None,
            });
        }
    }

    /// Files of names that are not in the category by one list.
    fn list_exceptions(
        &mut self,
        written: Option<&Texts>,
        key: &Key,
        list_name: &str,
        (category, of): (CategoryId, ListId),
        seen: &mut Seen,
        lists: &mut Vec<ListSource>,
    ) {
        for (n, text) in written.into_iter().flat_map(|texts| texts.iter().enumerate()) {
            let key = key.of("except").nth(n);
            let path = self.list_path(text, &key);
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{list_name}/except/{file}");
            if let Some(first) = seen.before(name.as_str(), text.span()) {
                let problem = format!("this list has a file `{file}` of exceptions already");
                let line = self.source.line_of(first.start);
                self.error(
                    text.span(),
                    &key,
                    format!("{problem} (line {line})"),
                    "take it out, or rename one of the files",
                );
            }
            let role = Role::ExceptList(of);
            lists.push(ListSource {
                name: name.into(),
                category,
                role,
                path,
                format: None,
                added: None,
                download: None,
            });
        }
    }

    /// A file, or a folder of the Toulouse lists.
    pub(super) fn list_path(&mut self, text: &Text, key: &Key) -> PathBuf {
        let path = self.path(text);
        match !text.is_empty() && ut1_files(&path).next().is_some() {
            true => path,
            false => self.file(text, key),
        }
    }

    fn is_first_list(&mut self, seen: &mut Seen, name: &str, at: &Text, key: &Key) {
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            self.error(at.span(), key, "cannot be the name of a list", "write a `name` of 1 to 128 characters");
            return;
        }
        if name.ends_with(added::ADDED) || name.ends_with(added::ADDED_EXCEPT) {
            let advice = "give it another `name`: `{ path = \"...\", name = \"...\" }`";
            self.error(at.span(), key, format!("`{name}` is the name of what `cordon lists add` keeps"), advice);
        }
        if let Some(first) = seen.before(name, at.span()) {
            let line = self.source.line_of(first.start);
            let advice = "give one of them a `name` of its own: `{ path = \"...\", name = \"...\" }`";
            self.error(at.span(), key, format!("there is already a list `{name}` (line {line})"), advice);
        }
    }
}

/// `category/file`; with the host between them for a list that is fetched, where that alone is taken.
fn usual_name(category: &str, path: &Path) -> String {
    format!("{category}/{}", path.file_name().unwrap_or_default().to_string_lossy())
}
