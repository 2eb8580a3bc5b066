//! One-click transfer: the target is dialled while caller and agent go on talking, and the agent is released when the
//! target has the call (traps T1, T12, T38, T42; I16).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, OnNotify, Phase};
use crate::world::sound::Sound;

const SECOND: Duration = Duration::from_secs(1);

/// Caller and agent in talk, and a seat at 110 that rings for two seconds.
fn in_talk(seed: u64) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 2 });
    (w, caller, agent, seat)
}

#[test]
fn the_caller_talks_to_the_agent_until_the_target_talks_and_the_target_sees_the_citizens_number() {
    let (mut w, caller, agent, seat) = in_talk(401);
    w.transfers(agent, "110");
    w.run(SECOND);
    assert_eq!(w.phase(seat), Some(Phase::Ringing));
    w.must(w.talking(caller, agent), "caller and agent talk while the target rings");
    assert_eq!(w.dialog(seat).remote_number(), "13900001111", "the target sees the citizen, not the agent (T53)");
    assert_eq!(w.until_reported(agent), 200);
    let reports: Vec<u16> = w.referral(agent).reports.iter().map(|(status, _)| *status).collect();
    assert_eq!(reports, [100, 180, 200], "progress as it happens (T14)");
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye, "we hang up the agent (T23)");
    w.run(SECOND);
    w.must(w.talking(caller, seat) && !w.hears(caller, agent), "caller and target are in talk");
    let heard = &w.dialog(caller).heard;
    assert!(heard.longest_gap <= Duration::from_millis(60), "the caller's gap: {:?}", heard.longest_gap);
    assert_eq!(heard.discontinuities, 0, "one stream, whoever speaks (T26)");
    assert_eq!(heard.count(Sound::Machine), 0, "nothing but voices");
    w.hangs_up(seat);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn a_seat_at_110_transfers_to_12345_as_well() {
    let mut w = World::new(402);
    let police = w.seat();
    w.on_invite(police, OnInvite::Refuse { code: 486, after: Duration::from_millis(100) });
    let seat = w.agent("9001");
    let target = w.agent("8001");
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, seat);
    w.transfers(seat, "12345");
    w.until_talking(caller, target);
    assert_eq!(w.dialog(target).remote_number(), "13900001111");
    assert_eq!(w.until_over(seat), Ending::TheirBye);
    // And back again: a second transfer after the first.
    w.transfers(target, "110");
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(target), Ending::TheirBye);
    w.settle();
}

#[test]
fn the_transferor_may_hang_up_at_any_time_after_the_202() {
    for (seed, after_ms) in [(403, 0), (404, 50), (405, 280), (406, 1000), (407, 2100), (408, 2900)] {
        let (mut w, caller, agent, seat) = in_talk(seed);
        w.phones[agent].manners.bye_after_refer = Some(Duration::from_millis(after_ms));
        w.transfers(agent, "110");
        w.run(Duration::from_millis(after_ms) + Duration::from_millis(500));
        assert_eq!(w.phase(agent), Some(Phase::Over(Ending::Mine)), "{after_ms} ms");
        assert_eq!(w.phase(caller), Some(Phase::Up), "{after_ms} ms: the caller is kept (T1)");
        if after_ms < 2000 {
            w.must(w.hears_machine(caller), &format!("{after_ms} ms: the caller hears ringback"));
        }
        w.until_talking(caller, seat);
        assert_eq!(w.product.callers_lost(), 0);
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn a_telephone_that_says_nothing_or_481_about_the_last_report_holds_up_nobody() {
    for (seed, manner, limit) in [(409, OnNotify::Unknown, 1), (410, OnNotify::Ignore, 7)] {
        let (mut w, caller, agent, seat) = in_talk(seed);
        w.phones[agent].manners.on_notify = manner;
        w.transfers(agent, "110");
        w.until_talking(caller, seat);
        let joined = w.now;
        assert_eq!(w.until_over(agent), Ending::TheirBye, "{manner:?}");
        assert!(w.now - joined <= SECOND * limit, "{manner:?}: our BYE after {:?}", w.now - joined);
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn early_media_of_the_target_is_no_answer() {
    let (mut w, caller, agent, seat) = in_talk(411);
    w.on_invite(seat, OnInvite::EarlyThenAnswer { after: SECOND * 3 });
    w.transfers(agent, "110");
    w.run(SECOND * 2);
    w.must(w.talking(caller, agent), "caller and agent still talk");
    assert!(w.referral(agent).reports.iter().all(|(status, last)| *status < 200 && !last), "T42");
    assert_eq!(w.until_reported(agent), 200);
    w.until_talking(caller, seat);
    w.settle();
}

#[test]
fn who_held_before_pressing_transfer_leaves_nobody_on_hold() {
    let (mut w, caller, agent, seat) = in_talk(412);
    w.holds(agent);
    w.run(SECOND);
    w.must(w.hears_machine(caller), "music");
    w.transfers(agent, "110");
    w.until_talking(caller, seat);
    assert_eq!(
        w.dialog(seat).theirs.as_ref().map(|sdp| sdp.direction),
        Some(crate::world::sdp_writer::Direction::Both)
    );
    assert_eq!(w.until_over(agent), Ending::TheirBye, "T31");
    w.settle();
}
