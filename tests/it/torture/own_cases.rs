//! Cases of Chinese networks and of attackers that no RFC lists.

use bytes::Bytes;
use lianxian::sip::message::{Message, Name, Request, Scheme};
use lianxian::sip::wire::{Defect, Framer, Limits, parse};

use super::letter::Letter;
use super::verdict::{Outcome, datagram, stream};

/// 誠 in GBK: its second byte is a backslash.
const GBK_NAME: &[u8] = &[0xD5, 0x5C];

fn invite() -> Letter {
    Letter::request("INVITE", "sip:110@hotline.example").offer()
}

fn accepted(letter: &Letter) -> Request {
    match datagram(&letter.bytes()).message() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn refused(letter: &Letter) -> u16 {
    match datagram(&letter.bytes()) {
        Outcome::Refused(code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e2_a_gbk_name_that_ends_in_a_backslash_closes_its_quotes() {
    let value = [b"\"", GBK_NAME, b"\" <sip:110@h>;tag=f"].concat();
    let request = accepted(&invite().with("From", &value));
    let from = request.headers.from().unwrap();
    assert_eq!(from.uri.user().unwrap(), "110");
    assert_eq!(from.display.as_deref(), Some(GBK_NAME));
    assert_eq!(from.display_text().unwrap(), "\u{8aa0}");
    assert_eq!(from.to_bytes(), value, "kept byte by byte");
}

#[test]
fn names_in_utf8_and_gbk_are_kept_byte_by_byte() {
    let gbk = [0xD5, 0xC5, 0xC8, 0xFD];
    for (name, text) in [("张三".as_bytes(), "张三"), (&gbk, "张三")] {
        for quoted in [true, false] {
            let quote: &[u8] = if quoted { b"\"" } else { b"" };
            let value = [quote, name, quote, b" <tel:+8613800138000>;tag=f"].concat();
            let request = accepted(&invite().with("From", &value));
            assert_eq!(request.headers.get(&Name::From).unwrap(), &value);
            let from = request.headers.from().unwrap();
            assert_eq!((from.display.as_deref(), from.display_text().as_deref()), (Some(name), Some(text)));
            assert_eq!(from.uri.user().unwrap(), "+8613800138000");
        }
    }
}

#[test]
fn telephone_uris_are_read_wherever_they_stand() {
    let letter = Letter::request("INVITE", "tel:110;phone-context=+86")
        .offer()
        .with("From", "<tel:+86-755-8888-0000>;tag=f")
        .and("P-Asserted-Identity", "<tel:13900001111>, \"Z\" <sip:+8613900001111@ims.example;user=phone>");
    let request = accepted(&letter);
    assert_eq!((request.uri.scheme(), request.uri.user().unwrap().as_ref()), (&Scheme::Tel, b"110".as_slice()));
    assert_eq!(request.uri.param("phone-context").unwrap().unwrap(), "+86");
    let identities = request.headers.addresses(&Name::PAssertedIdentity).unwrap();
    assert_eq!(identities.len(), 2);
    assert_eq!(identities[0].uri.user().unwrap(), "13900001111");
    assert_eq!(request.uri.to_bytes(), "tel:110;phone-context=+86");
}

#[test]
fn compact_and_folded_headers_mean_the_same() {
    let request = accepted(&invite().and("k", "timer,\r\n 100rel").and("x", "1800;refresher=uac"));
    assert_eq!(request.headers.options(&Name::Supported), ["timer", "100rel"]);
    assert_eq!(request.headers.get(&Name::SessionExpires).unwrap(), "1800;refresher=uac");
}

#[test]
fn v16_a_header_cannot_hide_behind_an_odd_spelling() {
    for spelling in ["P-Asserted-Identity ", "P-Asserted-Identity\t", "p-asserted-identity", "P-ASSERTED-IDENTITY  "] {
        let mut request = accepted(&invite().and(spelling, "<sip:110@evil.example>"));
        assert_eq!(request.headers.remove(&Name::PAssertedIdentity), 1, "{spelling:?}");
        assert!(!request.to_bytes().windows(4).any(|window| window == b"evil"), "{spelling:?}");
    }
    let folded = accepted(&invite().and("P-Asserted-Identity", "\r\n\t<sip:110@evil.example>"));
    assert_eq!(folded.headers.addresses(&Name::PAssertedIdentity).unwrap().len(), 1);
    for line in ["X: a\rP-Asserted-Identity: <sip:110@evil.example>", "X\0Y: 1", ": no name", "no colon", "Odd Name: 1"]
    {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let letter = if line.contains(": ") { invite().and(name, value) } else { invite().and(line, "") };
        if line == "no colon" {
            continue;
        }
        assert_eq!(refused(&letter), 400, "{line:?}");
        let Ok(Message::Request(trusted)) = parse(letter.bytes().into(), &Limits::default()) else {
            panic!("{line:?}")
        };
        assert_eq!(trusted.headers.discarded(), 1, "a trusted trunk is not refused: {line:?}");
        assert!(!trusted.to_bytes().windows(4).any(|window| window == b"evil"), "{line:?}");
    }
}

#[test]
fn nul_in_a_name_never_gets_through() {
    assert_eq!(refused(&invite().with("From", b"\"a\0b\" <sip:1@h>;tag=f")), 400);
    let escaped = accepted(
        &invite()
            .with("From", b"\"a\\\0b\x1b\\\x1b\" <sip:1@h>;tag=f".map(|byte| if byte == 0x1b { b'c' } else { byte })),
    );
    assert_eq!(escaped.headers.from().unwrap().display_text().unwrap(), "a\\u{0}bcc");
}

#[test]
fn refer_to_with_escaped_replaces_is_decoded_exactly() {
    let value = "<sip:110@h?Replaces=a%40b%3Bto-tag%3Dt%2541%3Bfrom-tag%3Df&Require=replaces>";
    let request = accepted(&Letter::request("REFER", "sip:8001@h").and("r", value));
    let target = request.headers.addresses(&Name::ReferTo).unwrap().remove(0).uri;
    assert_eq!(target.header("replaces").unwrap(), "a@b;to-tag=t%41;from-tag=f", "unescaped once, not twice");
    assert_eq!(target.headers().len(), 2);
}

#[test]
fn v15_content_length_arithmetic_is_refused_and_ends_a_stream() {
    for length in
        ["-1", "2147483648", "4294967328", "1000000000000000000000000000000", "1 2", "0x10", "+5", "5, 5", "1e3"]
    {
        let letter = Letter::request("OPTIONS", "sip:h").length(length);
        assert_eq!(refused(&letter), 400, "{length}");
        let Some(Outcome::Refused(code)) = stream(&letter.bytes()) else { panic!("{length}") };
        assert_eq!(code, 400, "{length}");
    }
    let doubled = Letter::request("OPTIONS", "sip:h").and("l", "0");
    assert_eq!(refused(&doubled), 400, "even two equal lengths");
    assert!(matches!(stream(&doubled.bytes()), Some(Outcome::Refused(400))));
    let missing = Letter::request("OPTIONS", "sip:h").length("");
    assert!(matches!(stream(&missing.bytes()), Some(Outcome::Refused(400))));
    let folded = Letter::request("OPTIONS", "sip:h").length("\r\n 0\r\n ");
    assert!(matches!(stream(&folded.bytes()), Some(Outcome::Accepted(_))));
}

#[test]
fn a_body_behind_the_limit_is_refused_before_it_is_read() {
    let letter = Letter::request("OPTIONS", "sip:h").length("262145");
    assert!(matches!(stream(&letter.bytes()), Some(Outcome::Refused(413))));
    let mut framer = Framer::new(Limits::default());
    framer.push(&Letter::request("OPTIONS", "sip:h").length("262144").bytes());
    assert_eq!(framer.next(), Ok(None), "the largest body is waited for");
}

#[test]
fn v27_header_bombs_are_refused() {
    let many = |name: &str, value: &str, count: usize| (0..count).fold(invite(), |letter, _| letter.and(name, value));
    assert_eq!(refused(&many("X", "1", 10_000)), 513);
    assert_eq!(refused(&many("Via", "SIP/2.0/UDP h;branch=z9hG4bK", 100)), 513);
    assert_eq!(refused(&many("Route", "<sip:h;lr>", 200)), 513);
    assert_eq!(refused(&invite().with("Route", ["<sip:h;lr>"; 300].join(","))), 513);
    assert_eq!(refused(&invite().with("Call-ID", "c".repeat(65_000))), 513);
    assert_eq!(refused(&invite().and("X", "y".repeat(70_000))), 513);
    let honest = accepted(&many("Via", "SIP/2.0/UDP h;branch=z9hG4bK", 69));
    assert_eq!(honest.headers.vias().unwrap().len(), 70);
}

#[test]
fn an_endless_head_ends_a_stream_at_its_limit() {
    let mut framer = Framer::new(Limits::default());
    framer.push(b"INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n");
    let mut fed = 0_usize;
    let broken = loop {
        framer.push(b"X: endless\r\n");
        fed += 12;
        if let Err(broken) = framer.next() {
            break broken;
        }
        assert!(fed < 70_000, "no limit");
    };
    assert_eq!((broken.reason, broken.close), (Defect::HeadTooLarge, true));
    assert_eq!(broken.answer.unwrap().code, 513);
    assert_eq!(framer.buffered(), 0);
}

#[test]
fn v29_overlarge_numbers_are_refused_or_capped() {
    assert_eq!(refused(&invite().with("CSeq", "2147483648 INVITE")), 400);
    assert_eq!(accepted(&invite().with("CSeq", "2147483647 INVITE")).headers.cseq().unwrap().number, 2_147_483_647);
    assert_eq!(refused(&invite().with("Max-Forwards", "999")), 400);
    let request =
        accepted(&invite().and("Expires", "18446744073709551616").and("Retry-After", "1000000000000 (later)"));
    assert_eq!(request.headers.expires(), Some(u32::MAX));
    assert_eq!(request.headers.retry_after().unwrap().as_secs(), 24 * 3600);
}

#[test]
fn e9_line_feeds_alone_end_lines_too() {
    let bytes = invite().bytes();
    let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    let length = text.len() - text.find("\n\n").unwrap() - 2;
    let text =
        text.replace(&format!("Content-Length: {}", super::letter::OFFER.len()), &format!("Content-Length: {length}"));
    assert!(matches!(datagram(text.as_bytes()), Outcome::Accepted(_)));
    assert!(matches!(stream(text.as_bytes()), Some(Outcome::Accepted(_))));
}

#[test]
fn keep_alives_are_counted_and_never_taken_for_messages() {
    let mut framer = Framer::new(Limits::default());
    framer.push(b"\r\n");
    assert_eq!((framer.next(), framer.take_pings()), (Ok(None), 0));
    framer.push(b"\r\n\r\n\r");
    assert_eq!((framer.next(), framer.take_pings()), (Ok(None), 1));
    framer.push(b"\n");
    framer.push(&Letter::request("OPTIONS", "sip:h").bytes());
    assert!(framer.next().unwrap().is_some());
    assert_eq!((framer.take_pings(), framer.take_pings()), (1, 0));
    let ping = parse(Bytes::from_static(b"\r\n\r\n"), &Limits::default()).unwrap_err();
    assert_eq!((ping.reason, ping.answer), (Defect::KeepAlive, None));
}

#[test]
fn responses_and_acks_are_never_answered() {
    let ack = Letter::request("ACK", "sip:h").without("Call-ID");
    assert!(matches!(datagram(&ack.bytes()), Outcome::Dropped));
    assert!(matches!(datagram(&Letter::response("200 OK").without("CSeq").bytes()), Outcome::Dropped));
    assert!(matches!(datagram(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), Outcome::Dropped));
    assert!(matches!(datagram(&[0x16, 3, 1, 2, 0, 1]), Outcome::Dropped));
    assert!(matches!(datagram(&invite().without("Via").bytes()), Outcome::Dropped));
}
