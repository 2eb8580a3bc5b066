//! Two readers of one message: ours, on the bytes of the wire, and `rsip`, on the canonical form that we make of them.
//!
//! Messages are generated with what they say known beforehand, and spelled in the ways the grammar allows. Where the
//! two differ for good, the difference is a row of [`DIVERGENCES`].

use lianxian::base::entropy::Entropy;
use lianxian::sip::message::Message;
use lianxian::sip::wire::{Limits, parse};
use rsip::prelude::{HeadersExt as _, ToTypedHeader as _};

/// Messages a run.
const RUNS: u64 = 2_000;

/// What a generated message says.
struct Truth {
    method: &'static str,
    uri: String,
    call_id: String,
    cseq: u32,
    from_tag: String,
    to_tag: Option<String>,
}

fn pick<T: Copy>(entropy: &mut Entropy, choices: &[T]) -> T {
    choices[entropy.below(choices.len() as u64) as usize]
}

fn word(entropy: &mut Entropy) -> String {
    (0..=entropy.below(12)).map(|_| pick(entropy, b"akz07-.") as char).collect()
}

fn truth(entropy: &mut Entropy) -> Truth {
    let number = entropy.below(20_000_000_000);
    let method = pick(entropy, &["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "REFER"]);
    let uri = match entropy.below(3) {
        0 => format!("sip:{number}@h{}.example", word(entropy).replace(['.', '-'], "x")),
        1 => format!("sip:{number}@192.0.2.{};user=phone", entropy.below(256)),
        _ => format!("sip:h.example:{};lr", 1024 + entropy.below(60_000)),
    };
    let to_tag = (entropy.below(2) == 0).then(|| format!("t{}", word(entropy)));
    let (call_id, from_tag) = (format!("{}@{}", word(entropy), word(entropy)), format!("f{}", word(entropy)));
    Truth { method, uri, call_id, cseq: entropy.below(1 << 31) as u32, from_tag, to_tag }
}

/// Writes it in one of the ways of the grammar: order, case, compact names, folding, spaces, quotes.
fn spell(truth: &Truth, entropy: &mut Entropy) -> Vec<u8> {
    let name = pick(entropy, &["", "\"A, \\\"B\\\"; C\" ", "Plain Words ", "\"张三\" "]);
    let to_tag = truth.to_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let mut lines = vec![
        (pick(entropy, &["Via", "v", "VIA"]), "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx".to_owned()),
        (pick(entropy, &["From", "f", "fRoM"]), format!("{name}<sip:1@h.example>;tag={}", truth.from_tag)),
        (pick(entropy, &["To", "t"]), format!("{name}<sip:2@h.example;x=y>{to_tag}")),
        (pick(entropy, &["Call-ID", "i", "call-id"]), truth.call_id.clone()),
        (
            pick(entropy, &["CSeq", "CSEQ"]),
            format!("{}{}{}", truth.cseq, pick(entropy, &[" ", "  ", "\r\n "]), truth.method),
        ),
        (pick(entropy, &["Contact", "m"]), "<sip:1@192.0.2.1:5060>".to_owned()),
        ("X-Unknown", word(entropy)),
    ];
    for round in (1..lines.len()).rev() {
        lines.swap(round, entropy.below(round as u64 + 1) as usize);
    }
    let mut text = format!("{} {} SIP/2.0\r\n", truth.method, truth.uri);
    for (name, value) in lines {
        let colon = pick(entropy, &[": ", ":", " : ", "\t:", ":\r\n "]);
        text.push_str(&format!("{name}{colon}{value}\r\n"));
    }
    let body = pick(entropy, &["", "v=0\r\n"]);
    text.push_str(&format!("{}: {}\r\n\r\n{body}", pick(entropy, &["Content-Length", "l"]), body.len()));
    text.into_bytes()
}

#[test]
fn both_readers_agree_with_what_was_written() {
    for seed in 0..RUNS {
        let mut entropy = Entropy::from_number(seed);
        let truth = truth(&mut entropy);
        let bytes = spell(&truth, &mut entropy);
        let ours = parse(bytes.into(), &Limits::default()).unwrap_or_else(|broken| panic!("seed {seed}: {broken:?}"));
        let Message::Request(request) = &ours else { panic!("seed {seed}: a response") };
        assert_eq!(request.method.as_bytes(), truth.method.as_bytes(), "seed {seed}");
        assert_eq!(request.uri.to_bytes(), truth.uri, "seed {seed}");
        assert_eq!(request.headers.call_id().unwrap(), truth.call_id, "seed {seed}");
        assert_eq!(request.headers.cseq().unwrap().number, truth.cseq, "seed {seed}");
        assert_eq!(request.headers.from().unwrap().tag().unwrap(), &truth.from_tag, "seed {seed}");
        assert_eq!(
            request.headers.to().unwrap().tag().map(|tag| tag.to_vec()),
            truth.to_tag.clone().map(String::into_bytes)
        );

        let theirs = ours.rsip_view().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let rsip::SipMessage::Request(theirs) = theirs else { panic!("seed {seed}: a response") };
        assert_eq!(theirs.method.to_string(), truth.method, "seed {seed}");
        assert_eq!(theirs.uri.to_string(), truth.uri, "seed {seed}");
        assert_eq!(theirs.call_id_header().unwrap().to_string(), format!("Call-ID: {}", truth.call_id), "seed {seed}");
        assert_eq!(theirs.cseq_header().unwrap().typed().unwrap().seq, truth.cseq, "seed {seed}");
        let tag = |tag: Option<&rsip::common::uri::param::Tag>| tag.map(ToString::to_string);
        let from = theirs.from_header().unwrap().typed().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(tag(from.tag()), Some(truth.from_tag), "seed {seed}");
        assert_eq!(tag(theirs.to_header().unwrap().typed().unwrap().tag()), truth.to_tag, "seed {seed}");
    }
}

/// Messages that we read and `rsip` does not, even in the canonical form; each is a reason why it is not on the wire.
const DIVERGENCES: &[(&str, &str, &str)] = &[
    ("a tel Request-URI is read as a host", "INVITE", "tel:+8689812345"),
    ("an unknown method is an error", "PING", "sip:h.example"),
    ("an IPv6 host is an error", "OPTIONS", "sip:1@[2001:db8::1]:5060"),
];

#[test]
fn e1_what_rsip_cannot_read_we_read() {
    for (why, method, uri) in DIVERGENCES {
        let bytes = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1@h>;tag=f\r\nTo: <sip:2@h>\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let ours = parse(bytes.into(), &Limits::default()).unwrap_or_else(|broken| panic!("{why}: {broken:?}"));
        assert!(ours.rsip_view().is_err(), "rsip has learned it: {why}");
    }
}
