//! The one bridge to `hickory_proto`: names both ways, and its messages to the octets the house keeps.

pub mod rdata;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use super::{Name, Question};

pub use hickory_proto::rr::Name as HickoryName;

/// Option code of extended DNS errors (RFC 8914 section 2).
const EDE_OPTION: u16 = 15;
/// Longest text of an extended error that is passed on, in characters.
const EDE_TEXT: usize = 200;

/// Why a message cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// It is a query, or of another opcode than QUERY.
    #[error("is not a response to a query")]
    NotAResponse,
    /// Its question section is not the question that was asked.
    #[error("answers another question")]
    OtherQuestion,
    /// A record is of another class than the question.
    #[error("has a record of another class")]
    OtherClass,
    /// It does not fit a message, or a part of it cannot be written.
    #[error("cannot be written: {0}")]
    Unwritable(String),
}

/// A message in the form the house keeps: id 0, QR, RD and RA set, AD, CD and TC clear, the question section as asked, names
/// compressed, neither OPT nor TSIG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    /// The octets.
    pub wire: Vec<u8>,
    /// RCODE with the upper bits that OPT had (RFC 6891 section 6.1.3).
    pub rcode: u16,
}

/// A name as hickory has it.
pub fn to_hickory(name: &Name) -> HickoryName {
    // A `Name` is always valid wire form, so the root can only stand for a defect; it answers no question of ours.
    HickoryName::from_bytes(name.as_wire()).unwrap_or_else(|_| HickoryName::root())
}

/// A name of ours from hickory's; none when it is longer than a name may be.
pub fn from_hickory(name: &HickoryName) -> Option<Name> {
    Name::from_wire(&name.to_bytes().ok()?).ok()
}

/// The question section of a query for `question`.
pub fn to_query(question: &Question) -> Query {
    let mut query = Query::query(to_hickory(&question.name), RecordType::from(question.qtype));
    query.set_query_class(DNSClass::from(question.qclass));
    query
}

/// Whether `message` is a response to `question`: QR, opcode, question section and the class of every record.
pub fn check(message: &Message, question: &Question) -> Result<(), ConvertError> {
    if message.metadata.message_type != MessageType::Response || message.metadata.op_code != OpCode::Query {
        return Err(ConvertError::NotAResponse);
    }
    let same = |query: &Query| {
        u16::from(query.query_type) == question.qtype
            && u16::from(query.query_class) == question.qclass
            && from_hickory(&query.name) == Some(question.name)
    };
    match message.queries.as_slice() {
        [query] if same(query) => {}
        _ => return Err(ConvertError::OtherQuestion),
    }
    match message.all_sections().all(|record| u16::from(record.dns_class) == question.qclass) {
        true => Ok(()),
        false => Err(ConvertError::OtherClass),
    }
}

/// Writes `message` in the form that is kept. Letters of the question's name that a server gave back in another case (its
/// compression may point into a question whose case was made random) become lower-case again.
///
/// Unless `dnssec_ok` is set in the question, DNSSEC records nobody asked for are left out (RFC 4035 section 3.2.1).
pub fn normalise(message: Message, question: &Question) -> Result<Normal, ConvertError> {
    check(&message, question)?;
    let mut message = message.maybe_strip_dnssec_records(question.dnssec_ok);
    let rcode = u16::from(message.metadata.response_code);
    let asked = to_hickory(&question.name);
    for section in [&mut message.answers, &mut message.authorities, &mut message.additionals] {
        for record in section.iter_mut() {
            recase_record(record, &asked);
        }
    }
    message.queries = vec![to_query(question)];
    message.edns = None;
    message.signature = None;
    let authoritative = message.metadata.authoritative;
    let mut metadata = hickory_proto::op::Metadata::new(0, MessageType::Response, OpCode::Query);
    metadata.authoritative = authoritative;
    metadata.recursion_desired = true;
    metadata.recursion_available = true;
    metadata.response_code = ResponseCode::from(0, message.metadata.response_code.low());
    message.metadata = metadata;
    let wire = message.to_vec().map_err(|error| ConvertError::Unwritable(error.to_string()))?;
    // hickory leaves records out and sets TC when 65535 octets are not enough; half an answer is not kept.
    match wire.get(2) {
        Some(flags) if flags & 0x02 == 0 => Ok(Normal { wire, rcode }),
        _ => Err(ConvertError::Unwritable("is longer than a message may be".to_owned())),
    }
}

/// The first extended error in an OPT record (RFC 8914): its code and its text, without control characters.
pub fn ede(edns: Option<&Edns>) -> Option<(u16, String)> {
    edns?.options().as_ref().iter().find_map(|(_, option)| match option {
        EdnsOption::Unknown(EDE_OPTION, octets) => {
            let code = u16::from_be_bytes(octets.first_chunk::<2>().copied()?);
            let text = String::from_utf8_lossy(octets.get(2..)?);
            Some((code, text.chars().filter(|c| !c.is_control()).take(EDE_TEXT).collect()))
        }
        _ => None,
    })
}

/// Lower-cases what the names of a record share with the asked name. Only names that a server may compress (RFC 3597 section 4)
/// can have taken their case from the question; their case does not count for signatures (RFC 4034 section 6.2).
fn recase_record(record: &mut Record, asked: &HickoryName) {
    recase(&mut record.name, asked);
    match &mut record.data {
        RData::CNAME(target) => recase(&mut target.0, asked),
        RData::NS(target) => recase(&mut target.0, asked),
        RData::PTR(target) => recase(&mut target.0, asked),
        RData::MX(mx) => recase(&mut mx.exchange, asked),
        RData::SRV(srv) => recase(&mut srv.target, asked),
        RData::SOA(soa) => {
            recase(&mut soa.mname, asked);
            recase(&mut soa.rname, asked);
        }
        _ => {}
    }
}

/// Gives the trailing labels that `name` has in common with `asked` the case of `asked`.
fn recase(name: &mut HickoryName, asked: &HickoryName) {
    let shared = name.iter().rev().zip(asked.iter().rev()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let own = name.iter().count().saturating_sub(shared);
    if name.iter().skip(own).all(|label| !label.iter().any(u8::is_ascii_uppercase)) {
        return;
    }
    let skip_asked = asked.iter().count().saturating_sub(shared);
    let labels = name.iter().take(own).chain(asked.iter().skip(skip_asked));
    if let Ok(recased) = HickoryName::from_labels(labels) {
        *name = recased;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{A, CNAME, MX};
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn raw(text: &str) -> HickoryName {
        HickoryName::from_labels(text.split('.').map(|l| l.as_bytes().to_vec())).unwrap()
    }

    fn response(question: &Question, case: &str) -> Message {
        let mut message = Message::response(77, OpCode::Query);
        let mut query = to_query(question);
        query.set_name(raw(case));
        message.add_query(query);
        message
    }

    #[test]
    fn a_kept_message_has_no_id_no_opt_and_the_question_as_asked() {
        let question = Question::new(name("www.example.com"), 1);
        let mut message = response(&question, "wWw.eXample.cOm");
        message.metadata.authoritative = true;
        message.metadata.authentic_data = true;
        message.add_answer(Record::from_rdata(raw("wWw.eXample.cOm"), 60, RData::A(A::new(192, 0, 2, 1))));
        message.set_edns(Edns::new());
        let normal = normalise(message, &question).unwrap();
        assert_eq!(normal.rcode, 0);
        assert_eq!(&normal.wire[..12], &[0, 0, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(&normal.wire[12..29], question.name.as_wire());
        assert_eq!(&normal.wire[33..35], &[0xc0, 12], "the owner is a pointer to the question");
        assert_eq!(normal.wire.len(), 33 + 12 + 4);
    }

    #[test]
    fn random_case_of_the_question_is_undone_and_the_owners_own_case_stays() {
        let question = Question::new(name("printer.example.com"), 1);
        let mut message = response(&question, "pRinter.eXample.cOm");
        let target = raw("Second Floor.pRinter.eXample.cOm");
        message.add_answer(Record::from_rdata(raw("pRinter.eXample.cOm"), 60, RData::CNAME(CNAME(target))));
        message.add_answer(Record::from_rdata(raw("Other.eXample.cOm"), 60, RData::MX(MX::new(5, raw("MX.cOm")))));
        let back = Message::from_vec(&normalise(message, &question).unwrap().wire).unwrap();
        assert!(back.answers[0].name.eq_case(&raw("printer.example.com")));
        let RData::CNAME(cname) = &back.answers[0].data else { panic!("no CNAME") };
        assert!(cname.0.eq_case(&raw("Second Floor.printer.example.com")));
        assert!(back.answers[1].name.eq_case(&raw("Other.example.com")));
        let RData::MX(mx) = &back.answers[1].data else { panic!("no MX") };
        assert!(mx.exchange.eq_case(&raw("MX.com")));
    }

    #[test]
    fn another_question_a_query_and_a_foreign_class_are_refused() {
        let question = Question::new(name("a.example"), 1);
        assert_eq!(normalise(response(&question, "b.example"), &question), Err(ConvertError::OtherQuestion));
        let other = Question::new(name("a.example"), 28);
        assert_eq!(normalise(response(&other, "a.example"), &question), Err(ConvertError::OtherQuestion));
        let mut message = response(&question, "a.example");
        message.queries.clear();
        assert_eq!(normalise(message, &question), Err(ConvertError::OtherQuestion));
        let mut message = response(&question, "a.example");
        message.metadata.message_type = MessageType::Query;
        assert_eq!(normalise(message, &question), Err(ConvertError::NotAResponse));
        let mut message = response(&question, "a.example");
        let mut record = Record::from_rdata(raw("a.example"), 60, RData::A(A::new(192, 0, 2, 1)));
        record.dns_class = DNSClass::CH;
        message.add_answer(record);
        assert_eq!(normalise(message, &question), Err(ConvertError::OtherClass));
    }

    #[test]
    fn the_upper_bits_of_the_rcode_are_kept_beside_the_message() {
        let question = Question::new(name("a.example"), 1);
        let mut message = response(&question, "a.example");
        message.metadata.response_code = ResponseCode::BADCOOKIE;
        let normal = normalise(message, &question).unwrap();
        assert_eq!(normal.rcode, 23);
        assert_eq!(normal.wire[3] & 0x0f, 7);
    }

    #[test]
    fn an_extended_error_is_read_and_its_control_characters_dropped() {
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Unknown(15, b"\x00\x06bad\nsignature".to_vec()));
        assert_eq!(ede(Some(&edns)), Some((6, "badsignature".to_owned())));
        assert_eq!(ede(Some(&Edns::new())), None);
        assert_eq!(ede(None), None);
    }

    proptest! {
        #[test]
        fn any_name_goes_there_and_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8)) {
            let mut wire = Vec::new();
            for label in &labels {
                wire.push(label.len() as u8);
                wire.extend_from_slice(label);
            }
            wire.push(0);
            let name = Name::from_wire(&wire).unwrap();
            prop_assert_eq!(from_hickory(&to_hickory(&name)), Some(name));
        }

        #[test]
        fn no_message_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let question = Question::new(Name::ROOT, 1);
            if let Ok(message) = Message::from_vec(&bytes) {
                let _ = ede(message.edns.as_ref());
                let _ = normalise(message, &question);
            }
        }
    }
}
