//! Who is to hear another and gets nothing for a second hears a stand-in (promise 1).

use super::*;

/// What the leg `leg` heard meanwhile, as bytes of sound by packet.
fn sounds(bench: &mut Bench, leg: u64) -> Vec<Vec<u8>> {
    bench.take_sent(leg).iter().map(|sent| sent.payload().to_vec()).collect()
}

fn noise(library: &Library, packet: usize) -> Vec<u8> {
    let mut sound = vec![0; 160];
    library.noise().copy(packet * 160, true, Codec::Pcma, &mut sound);
    sound
}

fn ringback() -> Vec<u8> {
    let mut sound = vec![0; 160];
    Library::empty().ringback().copy(0, true, Codec::Pcma, &mut sound);
    sound
}

#[test]
fn a_pause_of_a_second_is_filled_and_ends_with_the_first_packet() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.hear(1, Source::Nothing);
    bench.talk(&mut peer, 50, 0x11);
    assert_eq!(bench.take_sent(2).len(), 50);
    bench.pass(milliseconds(970));
    assert!(bench.take_sent(2).is_empty(), "a short pause is a pause");
    bench.pass(milliseconds(1_020));
    let heard = bench.take_sent(2);
    assert!((50..=53).contains(&heard.len()), "{} packets", heard.len());
    assert_eq!(heard[0].payload(), noise(&Library::empty(), 0));
    assert!(heard[0].header().marker && heard.iter().skip(1).all(|sent| !sent.header().marker));
    bench.talk(&mut peer, 5, 0x22);
    bench.pass(milliseconds(900));
    let after = bench.take_sent(2);
    assert_eq!(after.len(), 5, "the first packet ends it, and none is missing");
    assert!(after.iter().all(|sent| sent.payload().iter().all(|code| *code == 0x22)));
    let all: Vec<Header> = heard.iter().chain(&after).map(Sent::header).collect();
    assert!(all.windows(2).all(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence) == 1), "one stream (T26)");
    assert!(all.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp).cast_signed() > 0));
    assert!(all.windows(2).all(|pair| pair[1].ssrc == pair[0].ssrc));
    assert_eq!(bench.plane.counters().lulls, 1);
    bench.pass(milliseconds(500));
    assert_eq!(bench.plane.counters().lulls, 2, "and again, if it falls silent again");
}

#[test]
fn who_was_never_heard_leaves_nobody_with_nothing() {
    let mut bench = Bench::with_a_talk();
    bench.pass(milliseconds(2_000));
    assert_eq!(bench.plane.counters().lulls, 2);
    assert!(sounds(&mut bench, 2).len() > 45);
}

#[test]
fn early_media_that_stops_gives_way_to_ringback_at_once() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.order(Order::Hear { leg: LegId(2), source: Source::Early(LegId(1)) });
    bench.talk(&mut peer, 50, 0x11);
    bench.take_sent(2);
    bench.pass(milliseconds(1_500));
    assert_eq!(sounds(&mut bench, 2)[0], ringback());
    // It answers: whom the leg hears does not change, only what stands in for it.
    bench.order(Order::Hear { leg: LegId(2), source: Source::Leg(LegId(1)) });
    bench.talk(&mut peer, 5, 0x22);
    assert_eq!(sounds(&mut bench, 2).last().map(|sound| sound[0]), Some(0x22));
    bench.pass(milliseconds(1_500));
    assert_eq!(sounds(&mut bench, 2)[0], noise(&Library::empty(), 0));
}

#[test]
fn a_leg_that_wants_nothing_gets_no_stand_in() {
    let mut bench = Bench::with_a_talk();
    bench.agree(2, AgreedSession { send_to: None, ..session(2, &[PCMA]) });
    bench.pass(milliseconds(3_000));
    assert!(bench.take_sent(2).is_empty());
    // It takes up again: the second runs from there.
    bench.agree(2, session(2, &[PCMA]));
    bench.pass(milliseconds(960));
    assert!(bench.take_sent(2).is_empty());
    bench.pass(milliseconds(100));
    assert!(!bench.take_sent(2).is_empty());
}

/// A telephone that suppresses silence sends noise of its own now and then, which nobody agreed to and nobody gets.
#[test]
fn silence_suppression_is_heard_as_a_quiet_line() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 13);
    for _ in 0..20 {
        let packet = peer.voice(0x40)[..13].to_vec();
        assert_eq!(bench.receive(&peer, &packet), Verdict::Noted);
        bench.pass(milliseconds(200));
    }
    let (heard, library) = (sounds(&mut bench, 2), Library::empty());
    assert!(heard.len() > 140, "{} packets", heard.len());
    assert!(heard.iter().zip(0..).all(|(sound, at)| *sound == noise(&library, at)));
    assert!(bench.facts().iter().all(|(leg, fact)| *leg == 2 || *fact == Fact::FirstPacket), "it is not called silent");
}

/// All three fall silent: what a mix sends is a quiet line, too.
#[test]
fn a_mix_without_a_voice_is_a_quiet_line() {
    let mut bench = Bench::with_a_talk();
    bench.order(Order::Hear { leg: LegId(1), source: Source::Mix([LegId(2), LegId(3)].into_iter().collect()) });
    bench.pass(milliseconds(100));
    let (heard, library) = (sounds(&mut bench, 1), Library::empty());
    let is_noise = |sound: &Vec<u8>| (0..200).any(|packet| *sound == noise(&library, packet));
    assert!(heard.len() >= 4 && heard.iter().all(is_noise));
}
