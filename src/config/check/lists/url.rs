//! Where a list comes from: a file, or an address it is fetched from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::config::check::Check;
use crate::config::check::values::{self, Fault};
use crate::config::checked::Download;
use crate::config::file::key::Key;
use crate::config::file::v1::{self, Text};
use crate::config::file::written::Written;
use crate::hex::hex;
use crate::list::ContentLimits;

/// What one entry of `lists` names.
pub(super) enum Origin<'a> {
    /// A file.
    File(&'a Text, PathBuf),
    /// An address.
    Address(&'a Text, Download),
}

impl<'a> Origin<'a> {
    /// As it is written.
    pub(super) fn written(&self) -> &'a Text {
        match self {
            Origin::File(text, _) | Origin::Address(text, _) => text,
        }
    }

    /// The last part of the path, which the list is called by; of an address without one, the host.
    pub(super) fn last_part(&self) -> &Path {
        match self {
            Origin::File(_, path) => path,
            Origin::Address(_, download) => Path::new(download.shown()),
        }
    }

    /// The host an address names, with its port where one is written.
    pub(super) fn host(&self) -> Option<String> {
        match self {
            Origin::File(..) => None,
            Origin::Address(_, download) => {
                let rest = download.url.split_once("://").map_or("", |(_, rest)| rest);
                Some(rest.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase())
            }
        }
    }

    /// The file to read, and how it is fetched.
    pub(super) fn placed(self, name: &str, data_dir: &Path) -> (PathBuf, Option<Download>) {
        match self {
            Origin::File(_, path) => (path, None),
            Origin::Address(_, download) => {
                let path = data_dir.join("downloads").join(folder(name, &download.url)).join("content");
                (path, Some(download))
            }
        }
    }
}

impl Check<'_> {
    /// Where a list comes from; none after an error was reported.
    pub(super) fn origin<'a>(&mut self, list: &'a Written<v1::ListFile>, key: &Key) -> Option<Origin<'a>> {
        match (&list.path, &list.url) {
            (Some(path), None) => {
                self.only_with_url(list, key);
                Some(Origin::File(path, self.list_path(path, &key.of("path"))))
            }
            (None, Some(url)) => {
                let download = self.download(url, list, key);
                Some(Origin::Address(url, download?))
            }
            (Some(_), Some(url)) => {
                let advice = "name the file or the address, and give the other a list of its own";
                self.error(url.span(), &key.of("url"), "stands beside a `path`, and a list has one source", advice);
                None
            }
            (None, None) => {
                // Where one of them was lost to another error, that has been told.
                if !self.lost.iter().any(|lost| *lost == key.of("path") || *lost == key.of("url")) {
                    let advice = "write `path = \"...\"`, or `url = \"https://...\"` for a list that is fetched";
                    self.error(list.span(), &key.of("path"), "is missing", advice);
                }
                None
            }
        }
    }

    fn download(&mut self, url: &Text, list: &v1::ListFile, key: &Key) -> Option<Download> {
        const DAY: Duration = Duration::from_secs(86_400);
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
        let address = self.take(url, &key.of("url"), address);
        let refresh = list
            .refresh
            .as_ref()
            .and_then(|text| self.take(text, &key.of("refresh"), |text| values::duration(text, minute, 30 * DAY)));
        let timeout = list.timeout.as_ref().and_then(|text| {
            self.take(text, &key.of("timeout"), |text| values::duration(text, Duration::from_secs(1), hour))
        });
        let size = list
            .max_size
            .as_ref()
            .and_then(|text| self.take(text, &key.of("max_size"), |text| values::size(text, 1 << 10, 4 << 30)));
        let usual = ContentLimits::default();
        let number = |written: &Option<Written<i64>>, usual: u64| {
            written.as_ref().and_then(|number| u64::try_from(**number).ok()).unwrap_or(usual)
        };
        let limits = ContentLimits {
            min_entries: number(&list.min_entries, usual.min_entries),
            max_octets: size.unwrap_or(usual.max_octets),
            max_shrink: number(&list.max_shrink, usual.max_shrink),
            max_growth: number(&list.max_growth, usual.max_growth),
        };
        Some(Download { url: address?, refresh: refresh.unwrap_or(DAY), timeout: timeout.unwrap_or(minute), limits })
    }

    /// Reports keys that mean nothing for a file.
    fn only_with_url(&mut self, list: &v1::ListFile, key: &Key) {
        let texts = [("refresh", &list.refresh), ("max_size", &list.max_size), ("timeout", &list.timeout)];
        let numbers =
            [("min_entries", &list.min_entries), ("max_shrink", &list.max_shrink), ("max_growth", &list.max_growth)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?.span())));
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number.as_ref()?.span())));
        for (name, span) in texts.chain(numbers) {
            let advice = "remove it, or name an address with `url` in place of `path`";
            self.error(span, &key.of(name), "is for a list that is fetched", advice);
        }
    }
}

/// An address a list can be fetched from.
fn address(text: &str) -> Result<Box<str>, Fault> {
    let form = "write one such as `https://lists.example/webmail.txt`";
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Fault::new("is not an address", form));
    };
    if !matches!(scheme, "http" | "https") {
        return Err(Fault::new(format!("`{scheme}` is not fetched"), form));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        let advice = "remove what stands before the `@`: addresses are shown in logs and on screens";
        return Err(Fault::new("a user or password cannot stand in the address", advice));
    }
    let odd = |c: &char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c);
    if let Some(odd) = text.chars().find(odd) {
        let advice = "write the host in its `xn--` form and other characters as `%20`";
        return Err(Fault::new(format!("an address cannot have `{}` in it", odd.escape_default()), advice));
    }
    if text.contains('#') {
        return Err(Fault::new("a part of a document cannot be fetched", "remove the `#` and what follows it"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err(Fault::new("its port is not a number from 1 to 65535", form));
    }
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_host = match in_brackets {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(plain),
    };
    match is_host {
        true => Ok(text.into()),
        false => Err(Fault::new(format!("`{host}` is not a host"), form)),
    }
}

/// The folder of a download: the list's name made fit for a file system, and what tells one address from another.
fn folder(name: &str, url: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(plain).take(64).collect();
    let hash = hex(&Sha256::digest(url.as_bytes()));
    format!("{name}-{}", hash.get(..12).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_and_secrets_are_not_repeated() {
        for text in [
            "https://lists.example/webmail.txt",
            "http://127.0.0.1:8080/a",
            "https://[2001:db8::1]:8443/a?key=b",
            "https://lists.example",
        ] {
            assert_eq!(address(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "lists.example/a",
            "ftp://lists.example/a",
            "https://",
            "https:///a",
            "https://a b/",
            "https://lists.example:0/",
            "https://lists.example:http/",
            "https://[::g]/",
            "https://lists.exämple/",
            "https://lists.example/a#b",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
        for text in ["https://me:secret@lists.example/a", "x?key=secret", "https://a b/?key=secret"] {
            let fault = address(text).unwrap_err();
            assert!(!fault.problem.contains("secret") && !fault.advice.unwrap().contains("secret"), "{text}");
        }
    }

    #[test]
    fn every_address_has_a_folder_of_its_own_that_leads_nowhere_else() {
        let folders = [
            folder("webmail/a.txt", "https://a.example/a.txt"),
            folder("webmail/a.txt", "https://b.example/a.txt"),
            folder("../..", "https://a.example/a.txt"),
        ];
        assert!(folders.iter().all(|folder| !folder.contains('/') && folder.len() > 12));
        assert!(folders[0].starts_with("webmail-a.txt-") && folders[0] != folders[1]);
        assert_eq!(folder("webmail/a.txt", "https://a.example/a.txt"), folders[0], "it stays the same");
    }
}
