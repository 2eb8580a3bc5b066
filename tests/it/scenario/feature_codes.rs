//! Telephones without a transfer key: the agent types a code, nobody hears it, and what is none reaches the caller once
//! and in order (I44, DESIGN section 4).

use std::time::Duration;

use lianxian::base::ids::HotlineId;
use lianxian::routing::config::{CodeAsks, FeatureCode};

use super::dtmf_once_each::press;
use crate::world::phone::{Ending, OnInvite, Phase};
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);

/// Caller and agent in talk where `*110#` and `*0#` are codes, and a seat at 110.
fn in_talk(seed: u64) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let mut settings = town::settings();
    let code = |code: &str, asks| FeatureCode { code: code.to_owned(), asks };
    settings.routing.feature_codes =
        vec![code("*110#", CodeAsks::Transfer(HotlineId::from("110"))), code("*0#", CodeAsks::Cancel)];
    w.reload(settings);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    (w, caller, agent, seat)
}

#[test]
fn a_code_hands_the_caller_over_and_nobody_hears_it() {
    for (seed, info) in [(801, false), (802, true)] {
        let (mut w, caller, agent, seat) = in_talk(seed);
        w.on_invite(seat, OnInvite::Answer { after: SECOND * 3 });
        press(&mut w, agent, "*110#", info);
        assert_eq!(w.phase(seat), Some(Phase::Ringing), "info {info}");
        w.must(w.hears_machine(agent), "the telephone hears that the code was taken");
        w.run(SECOND);
        w.must(w.talking(caller, agent), "caller and agent go on talking");
        w.until_talking(caller, seat);
        assert_eq!(w.dialog(seat).remote_number(), "13900001111");
        assert_eq!(w.until_over(agent), Ending::TheirBye, "info {info}");
        assert_eq!(w.dialog(caller).heard.digits(), "", "info {info}");
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn keys_that_are_no_code_reach_the_caller_once_and_in_order() {
    for (seed, info) in [(803, false), (804, true)] {
        let (mut w, caller, agent, seat) = in_talk(seed);
        press(&mut w, agent, "42*9#*115", info);
        assert_eq!(w.dialog(caller).heard.digits(), "42*9#*115", "info {info}: as soon as it can be no code");
        press(&mut w, agent, "*11", info);
        assert_eq!(w.dialog(caller).heard.digits(), "42*9#*115", "info {info}: it may still become a code");
        w.run(SECOND * 4);
        assert_eq!(w.dialog(caller).heard.digits(), "42*9#*115*11", "info {info}: no more keys came");
        assert_eq!(w.phones[seat].got("INVITE"), 0, "info {info}");
        // A key too many before a code is no reason not to take it.
        press(&mut w, agent, "**110#", info);
        w.run(SECOND);
        assert_eq!(w.dialog(caller).heard.digits(), "42*9#*115*11*", "info {info}");
        assert_eq!(w.phones[seat].got("INVITE"), 1, "info {info}");
        w.settle();
    }
}

#[test]
fn the_callers_keys_are_the_agents_to_hear_and_ask_for_nothing() {
    let (mut w, caller, agent, seat) = in_talk(805);
    press(&mut w, caller, "*110#", false);
    press(&mut w, caller, "*110#", true);
    assert_eq!(w.dialog(agent).heard.digits(), "*110#*110#");
    assert_eq!(w.phones[seat].got("INVITE"), 0);
    w.must(w.talking(caller, agent), "nothing has happened");
    w.settle();
}

#[test]
fn a_code_gives_the_transfer_up_and_is_refused_when_there_is_none() {
    let (mut w, caller, agent, seat) = in_talk(806);
    w.on_invite(seat, OnInvite::RingOut);
    press(&mut w, agent, "*110#", false);
    assert_eq!(w.phase(seat), Some(Phase::Ringing));
    press(&mut w, agent, "*0#", false);
    assert_eq!(w.phase(seat), Some(Phase::Over(Ending::TheirCancel)), "取消转接");
    w.run(SECOND * 2);
    w.must(w.talking(caller, agent), "caller and agent go on");
    press(&mut w, agent, "*0#", false);
    w.must(w.hears_machine(agent), "there is nothing to give up, and the telephone hears so");
    w.run(SECOND * 3);
    w.must(w.talking(caller, agent), "and goes on hearing the caller");
    assert_eq!(w.dialog(caller).heard.digits(), "");
    w.settle();
}
