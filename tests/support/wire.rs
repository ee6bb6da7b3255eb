//! Messages octet by octet, written and read without any of the code under test.

use std::net::IpAddr;

/// Length of a header.
const HEADER: usize = 12;

/// A query with RD and EDNS (1232 octets); the case of `name` is kept.
pub fn query(id: u16, name: &str, qtype: u16) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 32);
    wire.extend(id.to_be_bytes());
    wire.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire.extend(qtype.to_be_bytes());
    wire.extend([0, 1]);
    wire.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    wire
}

/// The question section of a query that [`query`] wrote.
pub fn question(query: &[u8]) -> &[u8] {
    &query[HEADER..query.len() - 11]
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its id.
    pub id: u16,
    /// The response code of the header.
    pub rcode: u8,
    /// The first address among its answers.
    pub address: Option<IpAddr>,
}

/// Reads an answer from its first octet to its last.
pub fn read(packet: &[u8]) -> Result<Answer, String> {
    let count = |at: usize| packet.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let [Some(id), Some(flags), Some(questions), Some(answers), Some(authorities), Some(additionals)] =
        [0, 2, 4, 6, 8, 10].map(count)
    else {
        return Err("shorter than a header".into());
    };
    if flags & 0x8000 == 0 {
        return Err("not a response".into());
    }
    let mut at = HEADER;
    for _ in 0..questions {
        at = after_name(packet, at)? + 4;
        if at > packet.len() {
            return Err("a question is cut short".into());
        }
    }
    let mut address = None;
    for number in 0..usize::from(answers) + usize::from(authorities) + usize::from(additionals) {
        at = after_name(packet, at)?;
        let fixed = packet.get(at..at + 10).ok_or("a record is cut short")?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let content = packet.get(at + 10..at + 10 + length).ok_or("the content of a record is cut short")?;
        if number < usize::from(answers) {
            address =
                address.or(match (fixed[1], fixed[0], <[u8; 4]>::try_from(content), <[u8; 16]>::try_from(content)) {
                    (1, 0, Ok(octets), _) => Some(IpAddr::from(octets)),
                    (28, 0, _, Ok(octets)) => Some(IpAddr::from(octets)),
                    _ => None,
                });
        }
        at += 10 + length;
    }
    if at != packet.len() {
        return Err(format!("{} octets are left over", packet.len() - at));
    }
    Ok(Answer { id, rcode: (flags & 15) as u8, address })
}

/// The place behind a name; pointers must lead back to where a name can stand.
fn after_name(packet: &[u8], start: usize) -> Result<usize, String> {
    let (mut at, mut end, mut limit) = (start, None, start);
    for _ in 0..128 {
        match *packet.get(at).ok_or("a name is cut short")? {
            0 => return Ok(end.unwrap_or(at + 1)),
            length @ 1..=63 => at += 1 + usize::from(length),
            high @ 192.. => {
                let low = *packet.get(at + 1).ok_or("a pointer is cut short")?;
                let target = usize::from(high & 63) << 8 | usize::from(low);
                if target < HEADER || target >= limit {
                    return Err(format!("a pointer at {at} leads to {target}"));
                }
                end = end.or(Some(at + 2));
                (at, limit) = (target, target);
            }
            other => return Err(format!("a label begins with {other}")),
        }
    }
    Err("a name does not end".into())
}

#[test]
fn what_is_written_here_is_read_here() {
    let query = query(7, "Www.Example", 1);
    let mut answer = query.clone();
    answer[2] |= 0x80;
    answer[3] = 3;
    answer[7] = 1;
    let opt = answer.split_off(answer.len() - 11);
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
    answer.extend(opt);
    let address = Some(IpAddr::from([192, 0, 2, 1]));
    assert_eq!(read(&answer), Ok(Answer { id: 7, rcode: 3, address }));
    assert!(read(&answer[..answer.len() - 1]).is_err());
    assert!(read(&query).is_err());
    assert_eq!(question(&query), b"\x03Www\x07Example\x00\x00\x01\x00\x01");
}
