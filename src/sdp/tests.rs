use std::net::SocketAddr;

use super::negotiate::{self, Agreed, AgreedPayload, Codec, Direction, LocalMedia, Refusal};
use super::parse::{self, ParseError};
use super::session::Session;

/// A telephone's description: its connection line and what follows `t=`.
fn phone(connection: &str, media: &str) -> String {
    let media = media.replace('\n', "\r\n");
    format!("v=0\r\no=phone 1 1 IN IP4 198.51.100.7\r\ns=call\r\n{connection}\r\nt=0 0\r\n{media}\r\n")
}

fn plain(media: &str) -> String {
    phone("c=IN IP4 198.51.100.7", media)
}

fn ours() -> LocalMedia {
    LocalMedia::new("192.0.2.1".parse().unwrap(), 20000, 7)
}

fn answer(offer: &str) -> Result<Agreed, Refusal> {
    negotiate::answer(offer.as_bytes(), &ours())
}

fn text(agreed: &Agreed) -> String {
    String::from_utf8(agreed.sdp.clone().expect("an answer").to_vec()).unwrap()
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn an_offer_says_what_we_speak() {
    let text = String::from_utf8(negotiate::offer(&ours()).to_vec()).unwrap();
    assert_eq!(
        text,
        "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn an_answer_holds_what_both_speak_with_the_numbers_of_the_offer() {
    // Trap T27: telephone-event under 96, 101 and 126.
    for number in [96, 101, 126] {
        let offer = plain(&format!("m=audio 4000 RTP/AVP 18 0 8 {number}\na=rtpmap:{number} Telephone-Event/8000"));
        let agreed = answer(&offer).unwrap();
        assert_eq!(
            agreed.payloads[..],
            [
                AgreedPayload { receive_type: 8, send_type: 8, codec: Codec::Pcma },
                AgreedPayload { receive_type: 0, send_type: 0, codec: Codec::Pcmu },
                AgreedPayload { receive_type: number, send_type: number, codec: Codec::TelephoneEvent },
            ]
        );
        assert!(text(&agreed).contains(&format!("m=audio 20000 RTP/AVP 8 0 {number}\r\n")));
        assert_eq!(agreed.send_to, Some(socket("198.51.100.7:4000")));
        assert_eq!(agreed.rtcp_to, Some(socket("198.51.100.7:4001")));
        assert_eq!(agreed.direction, Direction::SendRecv);
    }
}

#[test]
fn a_dynamic_number_may_carry_a_law() {
    let agreed = answer(&plain("m=audio 4000 RTP/AVP 98\na=rtpmap:98 pcma/8000/1")).unwrap();
    assert_eq!(agreed.payloads[..], [AgreedPayload { receive_type: 98, send_type: 98, codec: Codec::Pcma }]);
}

#[test]
fn the_answerer_may_use_other_numbers_than_our_offer() {
    let answer = plain("m=audio 4000 RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000");
    let agreed = negotiate::conclude(&ours(), answer.as_bytes()).unwrap();
    assert_eq!(
        agreed.payloads[..],
        [
            AgreedPayload { receive_type: 8, send_type: 8, codec: Codec::Pcma },
            AgreedPayload { receive_type: 101, send_type: 96, codec: Codec::TelephoneEvent },
        ]
    );
    assert_eq!(agreed.sdp, None);
}

#[test]
fn hold_in_every_form_is_understood_and_answered() {
    let here = "c=IN IP4 198.51.100.7";
    let nowhere = "c=IN IP4 0.0.0.0";
    for (connection, media, direction, attribute, sends) in [
        (here, "m=audio 4000 RTP/AVP 8\na=sendonly", Direction::RecvOnly, "a=recvonly", true),
        (here, "m=audio 4000 RTP/AVP 8\na=inactive", Direction::Inactive, "a=inactive", true),
        (here, "m=audio 4000 RTP/AVP 8\na=sendonly ", Direction::RecvOnly, "a=recvonly", true),
        (here, "m=audio 4000 RTP/AVP 8\na=recvonly", Direction::SendOnly, "a=sendonly", true),
        (nowhere, "m=audio 4000 RTP/AVP 8", Direction::RecvOnly, "a=recvonly", false),
        (nowhere, "m=audio 4000 RTP/AVP 8\na=inactive", Direction::Inactive, "a=inactive", false),
        ("c=IN IP6 ::", "m=audio 4000 RTP/AVP 8\na=sendonly", Direction::RecvOnly, "a=recvonly", false),
        (here, "m=audio 0 RTP/AVP 8", Direction::Inactive, "m=audio 0 RTP/AVP 8", false),
        ("a=sendonly\r\nc=IN IP4 198.51.100.7", "m=audio 4000 RTP/AVP 8", Direction::RecvOnly, "a=recvonly", true),
        (
            "a=sendonly\r\nc=IN IP4 198.51.100.7",
            "m=audio 4000 RTP/AVP 8\na=sendrecv",
            Direction::SendRecv,
            "a=sendrecv",
            true,
        ),
    ] {
        let agreed = answer(&phone(connection, media)).unwrap();
        assert_eq!(agreed.direction, direction, "{connection} {media}");
        assert_eq!(agreed.send_to.is_some(), sends, "{connection} {media}");
        assert!(text(&agreed).contains(attribute), "{connection} {media}: {}", text(&agreed));
    }
}

#[test]
fn our_own_wish_narrows_the_answer() {
    for (wish, offered, direction) in [
        (Direction::SendOnly, "sendrecv", Direction::SendOnly),
        (Direction::SendOnly, "sendonly", Direction::Inactive),
        (Direction::RecvOnly, "recvonly", Direction::Inactive),
        (Direction::Inactive, "sendrecv", Direction::Inactive),
    ] {
        let local = LocalMedia { direction: wish, ..ours() };
        let offer = plain(&format!("m=audio 4000 RTP/AVP 8\na={offered}"));
        assert_eq!(negotiate::answer(offer.as_bytes(), &local).unwrap().direction, direction);
    }
}

#[test]
fn every_line_of_the_offer_has_its_answer_in_order() {
    let agreed = answer(&plain(
        "m=video 5000 RTP/AVP 31\nm=audio 4000 RTP/AVP 8\nm=image 6000 udptl t38\nm=audio 7000 RTP/AVP 0",
    ))
    .unwrap();
    let lines: Vec<String> = text(&agreed).lines().filter(|line| line.starts_with("m=")).map(String::from).collect();
    assert_eq!(
        lines,
        ["m=video 0 RTP/AVP 31", "m=audio 20000 RTP/AVP 8", "m=image 0 udptl t38", "m=audio 0 RTP/AVP 0"]
    );
}

#[test]
fn an_encrypted_stream_is_passed_over_for_a_plain_one_and_refused_alone() {
    assert_eq!(answer(&plain("m=audio 4000 RTP/SAVP 8")).unwrap_err().code(), 488);
    let agreed = answer(&plain("m=audio 4000 RTP/SAVP 8\nm=audio 4002 RTP/AVP 8")).unwrap();
    assert_eq!(agreed.send_to, Some(socket("198.51.100.7:4002")));
}

#[test]
fn a_media_line_may_have_its_own_address_and_its_own_rtcp() {
    let agreed =
        answer(&plain("m=audio 4000 RTP/AVP 8\nc=IN IP4 198.51.100.9\na=rtcp:4100 IN IP4 198.51.100.10")).unwrap();
    assert_eq!(agreed.send_to, Some(socket("198.51.100.9:4000")));
    assert_eq!(agreed.rtcp_to, Some(socket("198.51.100.10:4100")));
    let last = answer(&plain("m=audio 65535 RTP/AVP 8")).unwrap();
    assert_eq!(last.rtcp_to, None, "there is no port after the last one");
}

#[test]
fn ipv6_is_spoken_with_ipv6_only() {
    let local = LocalMedia::new("2001:db8::1".parse().unwrap(), 20000, 7);
    let offer = phone("c=IN IP6 2001:db8::7", "m=audio 4000 RTP/AVP 8");
    let agreed = negotiate::answer(offer.as_bytes(), &local).unwrap();
    assert_eq!(agreed.send_to, Some(socket("[2001:db8::7]:4000")));
    assert!(text(&agreed).contains("c=IN IP6 2001:db8::1\r\n"));
    assert_eq!(answer(&offer), Err(Refusal::NoAddress));
}

#[test]
fn packet_times_beyond_the_relay_fall_back_to_ours() {
    for (ptime, agreed) in [("20", 20), ("30", 30), ("60", 60), ("120", 20), ("20.0", 20)] {
        let offer = plain(&format!("m=audio 4000 RTP/AVP 8\na=ptime:{ptime}"));
        assert_eq!(answer(&offer).unwrap().ptime_ms, agreed);
    }
}

#[test]
fn v24_abuse_is_refused_and_says_whose_fault() {
    let many = |line: &str, count: usize| plain(&format!("{line}\n").repeat(count));
    let formats = (0..4000).map(|n| format!(" {n}")).collect::<String>();
    for (offer, code) in [
        (plain(""), 488),
        (many("m=audio 4000 RTP/AVP 8", 10_000), 400),
        (many("m=audio 4000 RTP/AVP 8", 17), 400),
        (many("a=rtpmap:8 PCMA/8000", 60_000), 400),
        (plain("m=audio 65536 RTP/AVP 8"), 400),
        (plain("m=audio -1 RTP/AVP 8"), 400),
        (plain("m=audio +4000 RTP/AVP 8"), 400),
        (plain("m=audio 18446744073709551617 RTP/AVP 8"), 400),
        (plain("m=audio"), 400),
        (plain("m=audio 4000 RTP/AVP 8\nm=video 1 RTP/AVP 31\ra=evil"), 400),
        (plain(&format!("m=audio 4000 RTP/AVP 8\nm=video 1 RTP/AVP {}", "x".repeat(2000))), 400),
        (plain("m=audio 4000 RTP/AVP"), 400),
        (plain(&format!("m=audio 4000 RTP/AVP{formats}")), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=ptime:0"), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=ptime:1000000000"), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=ptime:twenty"), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=rtcp:70000"), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=rtpmap:"), 400),
        (plain("m=audio 4000 RTP/AVP 8\na=rtpmap:300 PCMA/8000"), 400),
        (plain("m=audio 4000 RTP/AVP 96\na=rtpmap:96 ((((((/////"), 488),
        (plain("m=audio 4000 RTP/AVP 300 -1 999999999999"), 488),
        (plain("m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000"), 488),
        (plain("m=audio 4000 RTP/AVP 18"), 488),
        (plain("m=video 4000 RTP/AVP 31"), 488),
        (phone("c=IN", "m=audio 4000 RTP/AVP 8"), 400),
        (phone("b=AS:64", "m=audio 4000 RTP/AVP 8"), 488),
        (phone("\u{0}\u{0}\u{0}", "m=audio 4000 RTP/AVP 8"), 400),
        ("x".repeat(1 << 20), 400),
        (plain(&"a".repeat(1 << 20)), 400),
        (String::new(), 400),
        ("v=1\r\n".to_owned(), 400),
    ] {
        let refusal = answer(&offer).expect_err(&offer[..offer.len().min(200)]);
        assert_eq!(refusal.code(), code, "{refusal}: {}", &offer[..offer.len().min(200)]);
    }
}

#[test]
fn v45_a_name_is_refused_and_never_resolved() {
    for connection in ["c=IN IP4 host.example", "c=IN IP4 localhost", "c=IN IP6 fe80::1%eth0", "c=IN IP4 1.2.3"] {
        let refusal = answer(&phone(connection, "m=audio 4000 RTP/AVP 8")).unwrap_err();
        assert_eq!(refusal, Refusal::Malformed(ParseError::NamedHost));
        assert_eq!(refusal.code(), 488);
    }
    let rtcp = plain("m=audio 4000 RTP/AVP 8\na=rtcp:4001 IN IP4 host.example");
    assert_eq!(answer(&rtcp), Err(Refusal::Malformed(ParseError::NamedHost)));
}

#[test]
fn nothing_of_a_description_is_lost() {
    let offer = "v=0\r\nz=0 0\r\no=odd\r\nx=y\r\na=tool:\u{4e2d}\r\nm=audio 1 RTP/AVP 8\r\nk=clear:no\r\na=x-odd\r\nm=x 0 y z\r\n";
    assert_eq!(parse::parse(offer.as_bytes()).unwrap().to_bytes(), offer.as_bytes());
}

#[test]
fn bare_line_feeds_and_missing_lines_are_forgiven() {
    assert!(answer("v=0\nc=IN IP4 198.51.100.7\nm=audio 4000 RTP/AVP 8\n").is_ok());
    assert!(answer("v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000 RTP/AVP 8\r\n\r\n").is_ok());
}

#[test]
fn i7_the_version_grows_if_and_only_if_the_description_changes() {
    let mut session = Session::new("192.0.2.1".parse().unwrap(), 20000, 7);
    let version = |sdp: &[u8]| -> u64 {
        let sdp = std::str::from_utf8(sdp).unwrap();
        sdp.lines().nth(1).unwrap().split(' ').nth(2).unwrap().parse().unwrap()
    };
    let first = session.offer(Direction::SendRecv);
    assert_eq!(version(&first), 1);
    assert_eq!(session.offer(Direction::SendRecv), first, "the same again is byte for byte the same");
    assert_eq!(version(&session.offer(Direction::SendOnly)), 2);
    assert_eq!(version(&session.offer(Direction::SendRecv)), 3);
    let held = plain("m=audio 4000 RTP/AVP 8\na=sendonly");
    let answered = session.answer(held.as_bytes(), Direction::SendRecv).unwrap().sdp.unwrap();
    assert_eq!(version(&answered), 4);
    let again = session.answer(held.as_bytes(), Direction::SendRecv).unwrap().sdp.unwrap();
    assert_eq!(answered, again);
    session.answer(b"v=0\r\n", Direction::Inactive).unwrap_err();
    let after = session.answer(held.as_bytes(), Direction::SendRecv).unwrap().sdp.unwrap();
    assert_eq!(answered, after, "a refused offer leaves no trace");
}

#[test]
fn t27_our_next_offer_keeps_the_numbers_and_the_lines_of_the_dialog() {
    let mut session = Session::new("192.0.2.1".parse().unwrap(), 20000, 7);
    let offer =
        plain("m=video 5000 RTP/AVP 31\nm=audio 4000 RTP/AVP 8 126\na=rtpmap:126 telephone-event/8000\nm=text 1 a b");
    session.answer(offer.as_bytes(), Direction::SendRecv).unwrap();
    let next = String::from_utf8(session.offer(Direction::SendRecv).to_vec()).unwrap();
    let media: Vec<&str> = next.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=video 0 RTP/AVP 31", "m=audio 20000 RTP/AVP 8 0 126", "m=text 0 a b"]);
    let answer = plain("m=video 0 RTP/AVP 31\nm=audio 4000 RTP/AVP 8\nm=text 0 a b");
    assert_eq!(session.conclude(answer.as_bytes()).unwrap().send_to, Some(socket("198.51.100.7:4000")));
}

#[test]
fn a_number_that_the_peer_gave_to_a_law_never_means_a_key_too() {
    let mut session = Session::new("192.0.2.1".parse().unwrap(), 20000, 7);
    let offer = plain("m=audio 4000 RTP/AVP 101\na=rtpmap:101 PCMA/8000");
    session.answer(offer.as_bytes(), Direction::SendRecv).unwrap();
    let next = String::from_utf8(session.offer(Direction::SendRecv).to_vec()).unwrap();
    assert!(next.contains("m=audio 20000 RTP/AVP 101 0 96\r\n"), "{next}");
}

#[test]
fn t4_a_stream_that_was_put_to_sleep_with_port_0_wakes_on_its_line() {
    let mut session = Session::new("192.0.2.1".parse().unwrap(), 20000, 7);
    let asleep = plain("m=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 31");
    let agreed = session.answer(asleep.as_bytes(), Direction::SendRecv).unwrap();
    assert!(agreed.payloads.is_empty() && agreed.direction == Direction::Inactive);
    let awake = plain("m=audio 4000 RTP/AVP 8\nm=video 0 RTP/AVP 31\na=sendrecv");
    assert_eq!(session.answer(awake.as_bytes(), Direction::SendRecv).unwrap().direction, Direction::SendRecv);
    session.answer(asleep.as_bytes(), Direction::SendRecv).unwrap();
    let ours = String::from_utf8(session.offer(Direction::SendRecv).to_vec()).unwrap();
    let media: Vec<&str> = ours.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=audio 20000 RTP/AVP 8 0 101", "m=video 0 RTP/AVP 31"], "T4: the offer is sendrecv and whole");
}

#[test]
fn an_answer_that_refuses_the_sound_is_told_as_such() {
    for answer in [plain("m=audio 0 RTP/AVP 8"), plain("")] {
        assert_eq!(negotiate::conclude(&ours(), answer.as_bytes()), Err(Refusal::StreamRefused));
    }
    let foreign = plain("m=audio 4000 RTP/AVP 18");
    assert_eq!(negotiate::conclude(&ours(), foreign.as_bytes()), Err(Refusal::NoCodec));
}

#[test]
fn an_answer_cannot_widen_our_offer() {
    let local = LocalMedia { direction: Direction::SendOnly, ..ours() };
    for (attribute, direction) in [
        ("sendrecv", Direction::SendOnly),
        ("recvonly", Direction::SendOnly),
        ("sendonly", Direction::Inactive),
        ("inactive", Direction::Inactive),
    ] {
        let answer = plain(&format!("m=audio 4000 RTP/AVP 8\na={attribute}"));
        assert_eq!(negotiate::conclude(&local, answer.as_bytes()).unwrap().direction, direction);
    }
}

#[test]
fn both_sides_of_a_negotiation_understand_the_same() {
    let directions = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    let orders: [&[usize]; 5] = [&[0, 1, 2], &[1, 0, 2], &[2, 1], &[0], &[1]];
    let side = |address: &str, direction, order: &[usize], key: u8| {
        let mut local = LocalMedia::new(address.parse().unwrap(), 20000, 7);
        local.codecs = order.iter().map(|index| local.codecs[*index]).collect();
        local.codecs.iter_mut().filter(|payload| payload.number > 95).for_each(|payload| payload.number = key);
        LocalMedia { direction, ..local }
    };
    for (wish_a, wish_b) in directions.into_iter().flat_map(|a| directions.map(|b| (a, b))) {
        for (order_a, order_b) in orders.into_iter().flat_map(|a| orders.map(|b| (a, b))) {
            let (a, b) = (side("192.0.2.1", wish_a, order_a, 101), side("192.0.2.2", wish_b, order_b, 126));
            let common = order_a.iter().any(|index| *index < 2 && order_b.contains(index));
            let at_b = match negotiate::answer(&negotiate::offer(&a), &b) {
                Ok(agreed) => agreed,
                Err(refusal) => {
                    assert_eq!((refusal, common), (Refusal::NoCodec, false), "{order_a:?} {order_b:?}");
                    continue;
                }
            };
            let at_a = negotiate::conclude(&a, &at_b.sdp.clone().unwrap()).unwrap();
            assert_eq!(at_a.direction.sends(), at_b.direction.receives(), "{wish_a:?} {wish_b:?}");
            assert_eq!(at_a.direction.receives(), at_b.direction.sends(), "{wish_a:?} {wish_b:?}");
            assert!(at_a.payloads.len() == at_b.payloads.len() && common);
            for there in &at_b.payloads {
                let here = at_a.payloads.iter().find(|here| here.codec == there.codec).unwrap();
                assert_eq!((here.send_type, here.receive_type), (there.receive_type, there.send_type));
            }
        }
    }
}
