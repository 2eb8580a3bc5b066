use std::collections::BTreeSet;

use super::ids::EventId;
use super::seal::{Broken, Link, Sealed, seal, verify, verify_chain};
use super::tag::Tag;
use super::ticket::{SCHEMA, Ticket};

/// The example of the format, with every member in its place.
const EXAMPLE: &str = include_str!("example.json");

fn example() -> Ticket {
    serde_json::from_str(EXAMPLE).unwrap()
}

/// Three events of one ticket.
fn chain() -> Vec<Sealed> {
    let mut last = Link::default();
    let next = |number| {
        let sealed = seal(&last, Ticket { event_id: EventId(number), ..example() });
        last = sealed.link();
        sealed
    };
    (1..=3).map(next).collect()
}

fn texts(chain: &[Sealed]) -> Vec<&str> {
    chain.iter().map(|sealed| sealed.text.as_str()).collect()
}

#[test]
fn the_format_is_written_member_for_member_in_its_order() {
    let written = serde_json::to_string_pretty(&example()).unwrap();
    assert_eq!(written, EXAMPLE.trim_end());
    assert_eq!(example().schema, SCHEMA);
}

/// The text of these two is no setting: it is what the documents say, letter for letter.
#[test]
fn the_two_tags_of_the_documents_are_read_and_written_to_the_letter() {
    for (tag, text) in [(Tag::HandedTo110, "已转110受理"), (Tag::HandedTo12345, "已转12345热线受理")] {
        assert_eq!(tag.text(), text);
        assert_eq!(serde_json::to_string(&tag).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Tag>(&format!("\"{text}\"")).unwrap(), tag);
    }
    for other in ["已转110", "已转110 受理", "已转110热线受理", "已转12345受理", "HandedTo110", ""] {
        assert_eq!(serde_json::from_str::<Tag>(&format!("\"{other}\"")).unwrap(), Tag::Other(other.to_owned()));
    }
}

#[test]
fn each_event_continues_the_one_before_and_the_chain_holds() {
    let chain = chain();
    for (at, sealed) in chain.iter().enumerate() {
        assert_eq!(sealed.ticket.seq, at as u64 + 1);
        assert_eq!(serde_json::from_str::<Ticket>(&sealed.text).unwrap(), sealed.ticket);
        assert_eq!(sealed.ticket.hash.len(), 64);
    }
    assert_eq!(chain[0].ticket.prev_hash, "");
    assert_eq!(chain[1].ticket.prev_hash, chain[0].ticket.hash);
    assert_eq!(chain.iter().map(|sealed| &sealed.ticket.hash).collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(verify_chain(texts(&chain)), Ok(chain[2].link()));
    assert_eq!(seal(&chain[0].link(), chain[1].ticket.clone()), chain[1], "to seal twice changes nothing");
}

/// A fixed value: another daemon, and another program, must come to the same.
#[test]
fn the_hash_is_sha256_over_the_hash_before_and_the_text_without_its_own() {
    let sealed = seal(&Link { seq: 2, hash: example().prev_hash }, example());
    let open = sealed.text.replace(&sealed.ticket.hash, "");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(example().prev_hash + &open);
    assert_eq!(sealed.ticket.hash, digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn whatever_is_changed_left_out_or_put_in_is_noticed() {
    let chain = chain();
    let whole = texts(&chain);
    assert_eq!(verify_chain([whole[0], whole[2]]), Err((1, Broken::Gap { expected: 2, found: 3 })));
    assert_eq!(verify_chain([whole[0], whole[0]]), Err((1, Broken::Gap { expected: 2, found: 1 })));
    assert_eq!(verify_chain([whole[1]]), Err((0, Broken::Gap { expected: 1, found: 2 })));
    for (was, now) in [("结案", "登记"), ("1023", "1024"), ("\"seq\":2", "\"seq\": 2"), ("success", "busy")] {
        let forged = whole[1].replace(was, now);
        assert_ne!(forged, whole[1], "{was} stands in the example");
        assert_eq!(verify_chain([whole[0], &forged, whole[2]]), Err((1, Broken::Changed)), "{was}");
    }
    let reforged = seal(&chain[0].link(), Ticket { event_id: EventId(9), ..example() });
    assert_eq!(verify_chain([whole[0], &reforged.text, whole[2]]), Err((2, Broken::NotItsPredecessor)));
    assert_eq!(verify(&Link::default(), "{}"), Err(Broken::NoTicket));

    let mut strange = example();
    strange.ticket_id.number += 1;
    let strange = seal(&chain[0].link(), strange);
    assert_eq!(verify_chain([whole[0], &strange.text]), Err((1, Broken::AnotherTicket)));
}

/// What a citizen says may look like the member that the hash stands in.
#[test]
fn no_text_within_a_ticket_is_taken_for_the_hash() {
    let mut ticket = example();
    ticket.related_id = Some("\"hash\":\"0000\",\\".to_owned());
    let sealed = seal(&Link::default(), ticket);
    assert_eq!(verify_chain([sealed.text.as_str()]), Ok(sealed.link()));
}

/// A later version of the format has more members: its chain still holds for us.
#[test]
fn a_member_that_we_do_not_know_is_under_the_hash_too() {
    let sealed = seal(&Link::default(), example());
    let newer = sealed.text.replace("\"channel\":", "\"mood\":\"calm\",\"channel\":");
    assert_eq!(verify(&Link::default(), &newer), Err(Broken::Changed));
}
