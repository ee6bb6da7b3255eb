//! DNS zones: those forwarded and those answered here.

use super::{Check, Seen, names};
use crate::config::checked::{ForwardZone, Listen, LocalZone};
use crate::config::file::key::Key;
use crate::config::file::v1;
use crate::config::file::written::Written;

impl Check<'_> {
    pub(super) fn forward_zones(&mut self, written: &[Written<v1::ForwardZone>], listen: &Listen) -> Vec<ForwardZone> {
        let mut seen = Seen::default();
        let mut zones = Vec::new();
        for (n, zone) in written.iter().enumerate() {
            let key = Key::new("forward_zone").nth(n);
            let servers = self.servers(zone.servers.as_ref(), &key.of("servers"), listen);
            let Some(text) = &zone.name else { continue };
            let Some(name) = self.take(text, &key.of("name"), names::name) else { continue };
            if name.is_root() {
                self.error(
                    text.span(),
                    &key.of("name"),
                    "`.` is every name",
                    "write these servers under `upstream.servers`",
                );
            }
            self.is_first(&mut seen, &name.to_string(), text, &key.of("name"), "forward zone");
            zones.push(ForwardZone { name, servers, filter: zone.filter.as_deref().copied().unwrap_or(false) });
        }
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.name.label_count()));
        zones
    }

    pub(super) fn local_zones(
        &mut self,
        written: &[Written<v1::LocalZone>],
        forwarded: &[Written<v1::ForwardZone>],
    ) -> Vec<LocalZone> {
        let mut seen = Seen::default();
        let mut zones = Vec::new();
        for (n, zone) in written.iter().enumerate() {
            let key = Key::new("local_zone").nth(n);
            let file = zone.file.as_ref().map(|text| self.file(text, &key.of("file")));
            let Some(text) = &zone.name else { continue };
            let Some(name) = self.take(text, &key.of("name"), names::name) else { continue };
            self.is_first(&mut seen, &name.to_string(), text, &key.of("name"), "local zone");
            let other = forwarded
                .iter()
                .filter_map(|zone| zone.name.as_ref())
                .find(|other| names::name(other).ok() == Some(name));
            if let Some(other) = other {
                let line = self.source.line_of(other.span().start);
                let problem = format!("`{name}` is also forwarded (line {line})");
                self.error(
                    text.span(),
                    &key.of("name"),
                    problem,
                    "a zone is answered here or forwarded; remove one of the two",
                );
            }
            if let Some(file) = file {
                zones.push(LocalZone { name, file, filter: zone.filter.as_deref().copied().unwrap_or(false) });
            }
        }
        zones
    }

    /// Reports a name that is already that of another thing of its kind.
    pub(super) fn is_first(&mut self, seen: &mut Seen, name: &str, text: &v1::Text, key: &Key, kind: &str) -> bool {
        let first = seen.before(name, text.span());
        if let Some(first) = &first {
            let line = self.source.line_of(first.start);
            self.error(
                text.span(),
                key,
                format!("`{name}` is already a {kind} (line {line})"),
                "give it another name, or join the two",
            );
        }
        first.is_none()
    }
}
