//! Groups and static attribution: who is who.

use std::sync::Arc;

use super::{Check, Seen, addresses, values};
use crate::config::checked::StaticEntry;
use crate::config::file::key::Key;
use crate::config::file::v1;
use crate::config::file::written::{Named, Written};
use crate::policy::{Group, Model};
use crate::subject::{Device, Known, Mac, Via};
use values::Fault;

impl Check<'_> {
    /// Fills the model's groups.
    pub(super) fn groups(&mut self, written: &Named<v1::Group>, model: &mut Model) {
        for (text, group) in written.iter() {
            let key = Key::new("group").of(text);
            let name = self.take(text, &key, values::word).unwrap_or_else(|| text.as_str().into());
            let v1::Group { users, devices, clients, directory } = group;
            let lost = self.lost.iter().any(|lost| lost.is_in(key.as_str()));
            if users.is_none() && devices.is_none() && clients.is_none() && directory.is_none() && !lost {
                self.error(text.span(), &key, "has no members", "give it `users`, `devices`, `clients` or `directory`");
            }
            let users = self.each(users.as_ref(), &key.of("users"), user);
            let devices = self.each(devices.as_ref(), &key.of("devices"), mac);
            let clients = self.each(clients.as_ref(), &key.of("clients"), addresses::prefix);
            model.groups.push(Group {
                name,
                users: users.into_iter().map(|(_, _, user)| user).collect(),
                devices: devices.into_iter().map(|(_, _, mac)| mac).collect(),
                clients: clients.into_iter().map(|(_, _, prefix)| prefix).collect(),
                directory: directory.as_ref().map(|text| text.as_str().into()),
            });
        }
    }

    pub(super) fn statics(&mut self, written: &[Written<v1::StaticEntry>]) -> Vec<StaticEntry> {
        let mut seen = Seen::default();
        let mut entries = Vec::new();
        for (n, entry) in written.iter().enumerate() {
            let key = Key::new("attribution").of("static").nth(n);
            let device = entry.device.as_ref().and_then(|text| self.take(text, &key.of("device"), mac));
            let name = entry.user.as_ref().and_then(|text| self.take(text, &key.of("user"), user));
            let lost = self.lost.iter().any(|lost| lost.is_in(key.as_str()));
            if entry.device.is_none() && entry.host.is_none() && entry.user.is_none() && !lost {
                self.error(entry.span(), &key, "says nothing of the client", "give it `device`, `host` or `user`");
            }
            let Some(text) = &entry.client else { continue };
            let Some(client) = self.take(text, &key.of("client"), addresses::address) else { continue };
            if let Some(first) = seen.before(client.to_string(), text.span()) {
                let line = self.source.line_of(first.start);
                let advice = "an address has one entry; remove one of the two";
                self.error(
                    text.span(),
                    &key.of("client"),
                    format!("{client} has an entry already (line {line})"),
                    advice,
                );
            }
            let known = Known {
                device: Device { mac: device, host: entry.host.as_ref().map(|text| text.as_str().into()) },
                user: name,
                via: Via::Static,
                shared: entry.shared.as_deref().copied().unwrap_or(false),
                ..Known::default()
            };
            entries.push(StaticEntry { client, known: Arc::new(known) });
        }
        entries
    }
}

fn mac(text: &str) -> Result<Mac, Fault> {
    let fault = || {
        Fault::new(
            format!("`{text}` is not a link-layer address"),
            "write six pairs of hexadecimal digits: `00:11:22:aa:bb:cc`",
        )
    };
    Mac::parse(text).ok_or_else(fault)
}

/// A user, lower-cased: directories and clients do not agree on case.
fn user(text: &str) -> Result<Box<str>, Fault> {
    let name = text.trim().to_lowercase();
    if name.is_empty() {
        return Err(Fault::new("is empty", "write the user's name as attribution gives it, such as `u4711`"));
    }
    Ok(name.into())
}
