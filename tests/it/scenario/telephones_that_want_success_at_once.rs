//! Telephones that mishandle progress are told `200` right behind the 202; the call is kept until the target answers all
//! the same (trap T43).

use std::time::Duration;

use lianxian::routing::profile::ReferReports;

use crate::world::phone::{Ending, OnInvite, Phase};
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);

/// Caller and agent in talk; the agent's telephone is one of those.
fn in_talk(seed: u64, seat_does: OnInvite) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    tells_success_at_once(&mut w);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, seat_does);
    (w, caller, agent, seat)
}

/// The telephones of this house are such telephones.
pub(crate) fn tells_success_at_once(w: &mut World) {
    w.success_at_once = true;
    let mut settings = town::settings();
    for profile in settings.routing.profiles.iter_mut().filter(|profile| profile.id.as_str() == "softphone") {
        profile.refer_reports = ReferReports::SuccessAtOnce;
    }
    w.reload(settings);
}

/// The one report has come, and it came before anything had happened.
fn told_at_once(w: &mut World, agent: usize, seat: usize) {
    w.transfers(agent, "110");
    w.run(SECOND / 2);
    assert_eq!(w.referral(agent).answer, Some(202));
    assert_eq!(w.referral(agent).reports, [(200, true)], "one report, and nothing comes behind it");
    assert_eq!(w.phase(seat), Some(Phase::Ringing));
}

#[test]
fn caller_and_agent_talk_until_the_target_does() {
    let (mut w, caller, agent, seat) = in_talk(480, OnInvite::Answer { after: SECOND * 4 });
    told_at_once(&mut w, agent, seat);
    w.run(SECOND * 3);
    w.must(w.talking(caller, agent), "a success that was only said releases nobody");
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    assert_eq!(w.referral(agent).reports, [(200, true)]);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_telephone_that_hangs_up_on_its_success_leaves_the_caller_with_ringback_and_then_the_target() {
    let (mut w, caller, agent, seat) = in_talk(481, OnInvite::Answer { after: SECOND * 4 });
    told_at_once(&mut w, agent, seat);
    w.hangs_up(agent);
    w.run(SECOND);
    assert_eq!(w.phase(caller), Some(Phase::Up));
    w.must(w.hears_machine(caller), "ringback");
    w.until_talking(caller, seat);
    assert_eq!(w.product.callers_lost(), 0);
    w.settle();
}

#[test]
fn a_target_that_refuses_leaves_caller_and_agent_in_talk_and_another_press_goes_through() {
    let (mut w, caller, agent, seat) = in_talk(482, OnInvite::Refuse { code: 486, after: SECOND * 2 });
    told_at_once(&mut w, agent, seat);
    w.run(SECOND * 4);
    w.must(w.talking(caller, agent), "they talk on");
    assert_eq!(w.phones[agent].got("BYE"), 0);
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    told_at_once(&mut w, agent, seat);
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}

#[test]
fn a_telephone_that_has_hung_up_on_its_success_gets_the_caller_back_whom_nobody_took() {
    let (mut w, caller, agent, seat) = in_talk(483, OnInvite::Refuse { code: 486, after: SECOND * 2 });
    told_at_once(&mut w, agent, seat);
    w.hangs_up(agent);
    w.until_talking(caller, agent);
    assert_eq!(w.phones[caller].got("BYE"), 0);
    assert_eq!(w.product.callers_lost(), 0);
    w.settle();
}

#[test]
fn a_telephone_that_hangs_up_after_nobody_took_the_caller_believes_that_somebody_did_and_is_rung_again() {
    let refuses = OnInvite::Refuse { code: 486, after: SECOND * 2 };
    for (seed, seat_does, hangs_up_after) in [(484, refuses, SECOND * 3), (485, refuses, SECOND * 11)] {
        let (mut w, caller, agent, seat) = in_talk(seed, seat_does);
        told_at_once(&mut w, agent, seat);
        w.run(hangs_up_after);
        w.must(w.talking(caller, agent), "they talk on, and its display says that the transfer went well");
        w.hangs_up(agent);
        w.run(SECOND / 2);
        assert_eq!(w.phase(caller), Some(Phase::Up), "nobody took the caller: it is kept");
        w.until_talking(caller, agent);
        assert_eq!(w.phones[caller].got("BYE"), 0);
        assert_eq!(w.product.callers_lost(), 0);
        // This leg has asked for nothing, and its BYE is a goodbye.
        w.hangs_up(agent);
        assert_eq!(w.until_over(caller), Ending::TheirBye);
        w.settle();
    }
}

#[test]
fn after_ten_seconds_in_talk_again_its_bye_is_a_goodbye() {
    let (mut w, caller, agent, seat) = in_talk(486, OnInvite::Refuse { code: 486, after: SECOND * 2 });
    told_at_once(&mut w, agent, seat);
    w.run(SECOND * 13);
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}
