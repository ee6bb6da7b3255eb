//! What a list is packed with: gzip, zstd, a tar archive. Told by the first octets rather than by headers, which proxies change. What
//! comes out is bounded as it comes, so that a small packet cannot become a large memory.

use std::cell::Cell;
use std::io::{self, Read};

use crate::list::Refused;

/// How often something may be packed: once by who keeps it, once more on the way.
const LAYERS: usize = 2;
/// How far the mark of an archive reaches.
const HEAD: usize = 263;

/// Unpacks to at most `most` octets; gives them, or the word for what is wrong and a sentence.
pub(super) fn unpack(packed: &mut dyn Read, most: u64) -> Result<Vec<u8>, (Refused, String)> {
    let too_large = Cell::new(false);
    let unpacked = within(packed, most, &too_large);
    if too_large.get() {
        return Err((Refused::TooLarge, format!("the content is larger than {most} octets unpacked (max_size)")));
    }
    match unpacked {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(archive)) => Err((Refused::Archive, archive)),
        Err(error) => Err((Refused::Damaged, format!("the content cannot be unpacked: {error}"))),
    }
}

fn within(packed: &mut dyn Read, most: u64, too_large: &Cell<bool>) -> io::Result<Result<Vec<u8>, String>> {
    let mut reader: Box<dyn Read + '_> = Box::new(Limited { inner: packed, left: most, too_large });
    let mut head = Vec::new();
    for layer in 0..=LAYERS {
        (head, reader) = begun(reader)?;
        let inner: Box<dyn Read + '_> = match head.as_slice() {
            [0x1f, 0x8b, ..] if layer < LAYERS => Box::new(flate2::read::MultiGzDecoder::new(reader)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] if layer < LAYERS => Box::new(zstd::stream::read::Decoder::new(reader)?),
            _ => break,
        };
        reader = Box::new(Limited { inner, left: most, too_large });
    }
    if head.get(257..262) == Some(b"ustar") {
        return members(reader);
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// The lists of an archive, one after the other: members called `domains` or `urls`, in whatever folder.
fn members(reader: Box<dyn Read + '_>) -> io::Result<Result<Vec<u8>, String>> {
    let mut archive = tar::Archive::new(reader);
    let (mut bytes, mut others) = (Vec::new(), 0u64);
    let mut found = false;
    for member in archive.entries()? {
        let mut member = member?;
        let is_list = {
            let path = member.path_bytes();
            let name = path.rsplit(|octet| *octet == b'/').next().unwrap_or_default();
            matches!(name, b"domains" | b"urls")
        };
        match (member.header().entry_type().is_file(), is_list) {
            (true, true) => {
                found = true;
                member.read_to_end(&mut bytes)?;
                if !bytes.ends_with(b"\n") {
                    bytes.push(b'\n');
                }
            }
            (true, false) => others += 1,
            (false, _) => {}
        }
    }
    match found {
        true => Ok(Ok(bytes)),
        false => Ok(Err(format!("the archive has no member called `domains` or `urls`, and {others} others"))),
    }
}

/// The first octets, and a reader that still has them.
fn begun<'r>(mut reader: Box<dyn Read + 'r>) -> io::Result<(Vec<u8>, Box<dyn Read + 'r>)> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let whole = io::Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(whole)))
}

/// A reader that fails, and says why, rather than give more than it may.
struct Limited<'f, R> {
    inner: R,
    left: u64,
    too_large: &'f Cell<bool>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => {
                self.left = left;
                Ok(got)
            }
            None => {
                self.too_large.set(true);
                Err(io::ErrorKind::FileTooLarge.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, name, *bytes).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn word(packed: &[u8], most: u64) -> &'static str {
        unpack(&mut &packed[..], most).unwrap_err().0.word()
    }

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let text = b"bet.example\nwin.example\n";
        let twice = [gzip(b"bet.example\n"), gzip(b"win.example\n")].concat();
        for packed in [text.to_vec(), gzip(text), zstd(text), gzip(&zstd(text)), gzip(&gzip(text)), twice] {
            assert_eq!(unpack(&mut &packed[..], 100).as_deref(), Ok(&text[..]));
        }
        assert_eq!(unpack(&mut &b""[..], 100).as_deref(), Ok(&b""[..]));
        let thrice = gzip(&gzip(&gzip(text)));
        assert!(unpack(&mut &thrice[..], 1_000).unwrap().starts_with(&[0x1f, 0x8b]), "the judge refuses it");
    }

    #[test]
    fn an_archive_gives_its_lists_and_one_without_is_refused() {
        let whole = archive(&[("bl/README", b"hello"), ("bl/domains", b"bet.example"), ("bl/urls", b"a.example/b\n")]);
        for packed in [gzip(&whole), zstd(&whole), whole] {
            assert_eq!(unpack(&mut &packed[..], 1 << 20).as_deref(), Ok(&b"bet.example\na.example/b\n"[..]));
        }
        let other = archive(&[("README", b"hello"), ("xdomains", b"bet.example")]);
        assert_eq!(word(&gzip(&other), 1 << 20), "archive");
        assert!(unpack(&mut &other[..], 1 << 20).unwrap_err().1.contains("and 2 others"));
    }

    #[test]
    fn nothing_comes_out_larger_than_it_may() {
        let large = vec![b'a'; 10 << 20];
        for packed in [large.clone(), gzip(&large), zstd(&large), gzip(&gzip(&large)), archive(&[("domains", &large)])]
        {
            assert_eq!(word(&packed, 1 << 20), "too-large");
        }
        let hidden = gzip(&archive(&[("README", &large), ("domains", b"bet.example")]));
        assert_eq!(word(&hidden, 1 << 20), "too-large", "what is passed over counts too");
        assert_eq!(unpack(&mut &gzip(&large)[..], 10 << 20).map(|bytes| bytes.len()), Ok(10 << 20));
    }

    #[test]
    fn what_is_cut_or_changed_is_damaged() {
        let text: Vec<u8> = (0..5_000).flat_map(|n| format!("name{n}.example\n").into_bytes()).collect();
        for packed in [gzip(&text), zstd(&text)] {
            assert_eq!(word(&packed[..packed.len() / 2], 1 << 20), "damaged");
        }
        let mut changed = gzip(&text);
        let at = changed.len() - 6;
        changed[at] ^= 0xff;
        assert_eq!(word(&changed, 1 << 20), "damaged");
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), kind in 0..4) {
            match kind {
                0 => bytes.splice(0..0, [0x1f, 0x8b, 8, 0]).for_each(drop),
                1 => bytes.splice(0..0, [0x28, 0xb5, 0x2f, 0xfd]).for_each(drop),
                2 => bytes.splice(bytes.len().min(257)..bytes.len().min(262), *b"ustar").for_each(drop),
                _ => {}
            }
            let _ = unpack(&mut &bytes[..], 1 << 16);
        }
    }
}
