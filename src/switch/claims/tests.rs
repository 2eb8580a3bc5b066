//! From bytes on the wire to the identity that is believed.

use bytes::Bytes;

use super::claims;
use crate::routing::caller_id::{CallerId, Presentation, Source};
use crate::routing::chain::Left;
use crate::routing::claims::PrivacyWord;
use crate::routing::config::Trust;
use crate::routing::profile::{CallerFrom, Inbound};
use crate::sip::message::Headers;
use crate::sip::wire;

const ALL: [CallerFrom; 5] =
    [CallerFrom::Pai, CallerFrom::Rpid, CallerFrom::Ppi, CallerFrom::From, CallerFrom::Diversion];

/// The headers of an INVITE, read as the endpoint reads them.
fn headers(lines: &[u8]) -> Headers {
    let mut text = b"INVITE sip:12345@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bK1\r\n\
        To: <sip:12345@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
        .to_vec();
    text.extend_from_slice(lines);
    text.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    let read = wire::parse(Bytes::from(text), &wire::Limits::default());
    read.unwrap_or_else(|broken| panic!("{broken:?}")).headers().clone()
}

fn believed(lines: &[u8], trust: Trust) -> CallerId {
    let inbound = Inbound { caller_from: ALL.to_vec() };
    CallerId::over_trunk(&claims(&headers(lines)), &inbound, trust, Some("0755"))
}

#[test]
fn the_number_is_found_in_every_form_in_which_networks_write_it() {
    const FROM: &str = "From: <sip:10086@x>;tag=1\r\n";
    for (lines, number, normal, source) in [
        ("P-Asserted-Identity: <sip:+8613800138000@x>\r\n", "+8613800138000", "+8613800138000", Source::Asserted),
        ("P-Asserted-Identity: <tel:13800138000>\r\n", "13800138000", "+8613800138000", Source::Asserted),
        ("P-Asserted-Identity: tel:+86-138-0013-8000\r\n", "+86-138-0013-8000", "+8613800138000", Source::Asserted),
        // Two on a line, two lines, either order; the one that can be dialled is believed.
        ("P-Asserted-Identity: <sip:desk@x>, <tel:13800138000>\r\n", "13800138000", "+8613800138000", Source::Asserted),
        (
            "P-Asserted-Identity: <tel:13800138000>\r\nP-Asserted-Identity: \"A, B\" <sip:desk@x>\r\n",
            "13800138000",
            "+8613800138000",
            Source::Asserted,
        ),
        // A broken first one does not hide the second.
        (
            "P-Asserted-Identity: <sip:, <tel:110\r\nP-Asserted-Identity: <tel:26001234>\r\n",
            "26001234",
            "+8675526001234",
            Source::Asserted,
        ),
        (
            "P-Asserted-Identity: <sip:+8613800138000;noa=national@x;user=phone>\r\n",
            "+8613800138000",
            "+8613800138000",
            Source::Asserted,
        ),
        (
            "Remote-Party-ID: <sip:013800138000@x>;party=calling\r\n",
            "013800138000",
            "+8613800138000",
            Source::RemoteParty,
        ),
        ("Remote-Party-ID: <sip:12345@x>;party=called\r\n", "10086", "10086", Source::From),
        ("P-Preferred-Identity: <sip:8613800138000@x>\r\n", "8613800138000", "+8613800138000", Source::Preferred),
        ("", "10086", "10086", Source::From),
    ] {
        let caller = believed(format!("{FROM}{lines}").as_bytes(), Trust::Trusted);
        assert_eq!(caller.number.reveal(), number, "{lines}");
        assert_eq!(caller.normal.international().reveal(), normal, "{lines}");
        assert_eq!(caller.source, source, "{lines}");
        let stranger = believed(format!("{FROM}{lines}").as_bytes(), Trust::Untrusted);
        assert_eq!((stranger.number.reveal(), stranger.source), ("10086", Source::From), "{lines}");
    }
    let forwarded = b"From: \"x\" <sip:anonymous@x>;tag=1\r\nDiversion: <tel:13800138000>;reason=no-answer\r\n";
    assert_eq!(believed(forwarded, Trust::Trusted).source, Source::Diversion);
}

#[test]
fn the_profiles_order_decides_among_sources() {
    let lines = b"From: <sip:1@x>;tag=1\r\nP-Asserted-Identity: <tel:2>\r\nRemote-Party-ID: <sip:3@x>\r\n\
        P-Preferred-Identity: <sip:4@x>\r\nDiversion: <sip:5@x>\r\n";
    for (first, number) in [
        (CallerFrom::From, "1"),
        (CallerFrom::Pai, "2"),
        (CallerFrom::Rpid, "3"),
        (CallerFrom::Ppi, "4"),
        (CallerFrom::Diversion, "5"),
    ] {
        let inbound = Inbound { caller_from: vec![first, CallerFrom::From] };
        let caller = CallerId::over_trunk(&claims(&headers(lines)), &inbound, Trust::Trusted, None);
        assert_eq!(caller.number.reveal(), number);
    }
}

#[test]
fn v16_v17_no_spelling_of_an_identity_passes_from_outside_the_trust_domain() {
    for line in [
        "P-Asserted-Identity: <tel:110>",
        "P-Asserted-Identity : <tel:110>",
        "P-Asserted-Identity\t: <tel:110>",
        "p-asserted-IDENTITY:\r\n <tel:110>",
        "Remote-Party-ID: <sip:110@x>;privacy=off;screen=yes",
        "P-Preferred-Identity : <sip:110@x>",
        "DIVERSION: <sip:110@x>;reason=unconditional",
        "Diversion:<tel:110>,\r\n\t<tel:110>",
        "history-info : <sip:110@x>;index=1, <sip:12345@x;cause=302>;index=1.1",
    ] {
        let lines = format!("From: <sip:13900001111@x>;tag=1\r\n{line}\r\n");
        let caller = believed(lines.as_bytes(), Trust::Untrusted);
        assert_eq!(caller.number.reveal(), "13900001111", "{line}");
        assert_eq!((caller.source, caller.chain.len()), (Source::From, 0), "{line}");
        let trusted = believed(lines.as_bytes(), Trust::Trusted);
        assert!(trusted.number.reveal() == "110" || !trusted.chain.is_empty(), "{line} is read when it is trusted");
    }
}

#[test]
fn withheld_is_withheld_however_it_is_said() {
    for lines in [
        "From: <sip:13800138000@x>;tag=1\r\nPrivacy: id\r\n",
        "From: <sip:13800138000@x>;tag=1\r\nPrivacy: header; user\r\n",
        "From: <sip:13800138000@x>;tag=1\r\nprivacy : none,ID\r\n",
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nP-Asserted-Identity: <tel:13800138000>\r\n",
        "From: <sip:c8oqz84zk7z@anonymous.invalid>;tag=1\r\nP-Asserted-Identity: <tel:13800138000>\r\n",
        "From: <sip:restricted@x>;tag=1\r\nRemote-Party-ID: <sip:13800138000@x>\r\n",
        "From: <sip:1@x>;tag=1\r\nRemote-Party-ID: <sip:13800138000@x>;privacy=full\r\n",
    ] {
        let caller = believed(lines.as_bytes(), Trust::Trusted);
        assert_eq!(caller.presentation, Presentation::Restricted, "{lines}");
        assert_eq!(caller.number.reveal(), "13800138000", "{lines}");
        assert_eq!(caller.display, None, "nobody is called Anonymous: {lines}");
    }
    for lines in [
        "From: <sip:13800138000@x>;tag=1\r\n",
        "From: <sip:13800138000@x>;tag=1\r\nPrivacy: none\r\n",
        "From: <sip:13800138000@x>;tag=1\r\nPrivacy: critical;history\r\n",
    ] {
        assert_eq!(believed(lines.as_bytes(), Trust::Trusted).presentation, Presentation::Allowed, "{lines}");
    }
    let unknown = believed(b"From: <sip:unavailable@unknown.invalid>;tag=1\r\n", Trust::Trusted);
    assert_eq!((unknown.number.reveal(), unknown.presentation), ("", Presentation::Allowed), "unknown is not withheld");
}

#[test]
fn the_words_of_privacy_are_kept() {
    let caller = believed(b"From: <sip:1@x>;tag=1\r\nPrivacy: critical;user\r\nPrivacy: id;odd\r\n", Trust::Trusted);
    let words: Vec<PrivacyWord> = caller.privacy.iter().collect();
    assert_eq!(words, [PrivacyWord::Id, PrivacyWord::User, PrivacyWord::Critical]);
}

#[test]
fn t56_the_whole_chain_is_kept_in_order_whichever_header_tells_it() {
    let told = |lines: &str| -> Vec<(String, Option<Left>, Presentation)> {
        let caller = believed(format!("From: <sip:1@x>;tag=1\r\n{lines}").as_bytes(), Trust::Trusted);
        caller.chain.iter().map(|hop| (hop.number.reveal().to_owned(), hop.left, hop.presentation)).collect()
    };
    let chain = |hops: &[(&str, Left, Presentation)]| -> Vec<(String, Option<Left>, Presentation)> {
        hops.iter().map(|(number, left, shown)| ((*number).to_owned(), Some(*left), *shown)).collect()
    };
    let three = chain(&[
        ("101", Left::UserBusy, Presentation::Allowed),
        ("102", Left::NoAnswer, Presentation::Restricted),
        ("103", Left::Unconditional, Presentation::Allowed),
    ]);
    let diversions = "Diversion: <tel:103>;reason=unconditional;privacy=off\r\n\
        Diversion: <sip:102@x>;privacy=full;reason=no-answer, \"a\" <sip:101@x>;reason=\"user-busy\";counter=1\r\n";
    assert_eq!(told(diversions), three);
    let history = "History-Info: <sip:101@x>;index=1\r\n\
        History-Info: <sip:102@x;cause=486?Privacy=history>;index=1.1;mp=1, <sip:103@x;cause=408>;index=1.1.1;mp=1.1\r\n\
        History-Info: <sip:12345@y;cause=302>;index=1.1.1.1;mp=1.1.1\r\n";
    assert_eq!(told(history), three);
    // RFC 7044 10.2: the reason may stand with the entry that was left.
    let reasons = "History-Info: <sip:101@x?Reason=SIP%3Bcause%3D486>;index=1, <sip:12345@y>;index=2\r\n";
    assert_eq!(told(reasons), chain(&[("101", Left::UserBusy, Presentation::Allowed)]));
    assert_eq!(told(&format!("{diversions}{history}")).len(), 3, "one way, told twice");
    // A chain without end keeps its first number and its latest ones.
    let long: String = (0..32).map(|at| format!("Diversion: <sip:{}@x>;reason=away\r\n", 200 - at)).collect();
    let long = told(&long);
    assert_eq!((long.len(), long[0].0.as_str(), long[15].0.as_str()), (16, "169", "200"));
}
