//! What lists are packed with.

use super::*;

fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn gzip_zstd_and_archives_are_unpacked_whatever_the_server_calls_them() {
    let desk = Desk::new();
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 3).unwrap();
    let whole = archive(&[("betting/README", b"terms".to_vec()), ("betting/domains", names(106))]);
    for (count, bytes, encoding) in [
        (101, gzip(&names(101)), "gzip"),
        (102, gzip(&names(102)), "identity"),
        (103, zstd(&names(103)), "zstd"),
        (104, zstd(&names(104)), "identity"),
        (105, gzip(&gzip(&names(105))), "gzip"),
        (106, gzip(&whole), "identity"),
    ] {
        desk.http.answers("/list", Answer::Typed(bytes, "application/octet-stream", encoding));
        let (code, told) = desk.update(&[]);
        assert_eq!((code, &told["result"], &told["entries"]), (Some(0), &"updated".into(), &count.into()), "{told}");
        assert_eq!(desk.content().0, names(count), "{encoding}");
    }
    let asked = desk.http.take_requests();
    assert!(asked[0].1.contains(&"accept-encoding: gzip, zstd".to_owned()), "{asked:?}");
    let other = archive(&[("betting/README", b"terms".to_vec())]);
    desk.http.answers("/list", Answer::Content(gzip(&other)));
    assert_eq!(desk.update(&[]).1["result"], "archive");
    assert_eq!(desk.content().0, names(106));
}
