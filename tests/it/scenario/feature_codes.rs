//! Telephones without a transfer key: the agent types a code, nobody hears it, and what is none reaches the caller once
//! and in order (I44, DESIGN section 4).

use std::time::Duration;

use lianxian::base::ids::{HotlineId, ProfileId};
use lianxian::routing::config::{CodeAsks, FeatureCode};

use super::dtmf_once_each::press;
use crate::world::phone::{Ending, OnInvite, Phase, codecs};
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

/// A telephone that knows neither telephone-events nor INFO: tones in the voice, where its profile says that they count.
#[test]
fn a_code_in_the_voice_counts_where_the_profile_says_so() {
    for (seed, inband_keys) in [(807, true), (808, false)] {
        let (mut w, caller, agent) = in_talk_with_tones(seed, inband_keys, &[(8, "PCMA")]);
        let seat = w.seat();
        type_tones(&mut w, agent, "42");
        w.run(SECOND);
        let keys = if inband_keys { "42" } else { "" };
        assert_eq!(w.dialog(caller).heard.digits(), keys, "what is no code, or nothing but sound");
        type_tones(&mut w, agent, "*110#");
        w.run(SECOND);
        assert_eq!(w.dialog(caller).heard.digits(), keys, "inband_keys {inband_keys}");
        if inband_keys {
            w.until_talking(caller, seat);
            assert_eq!(w.until_over(agent), Ending::TheirBye);
        } else {
            assert_eq!(w.phones[seat].got("INVITE"), 0);
            w.must(w.talking(caller, agent), "caller and agent go on talking");
        }
        w.hangs_up(caller);
        w.settle();
    }
}

/// A gateway that sends each key as an event and leaves its tones in the voice: the events count, each once.
#[test]
fn tones_beside_telephone_events_are_no_second_key() {
    let (mut w, caller, agent) = in_talk_with_tones(809, true, &[(8, "PCMA"), (101, "telephone-event")]);
    type_tones(&mut w, agent, "5");
    press(&mut w, agent, "5", false);
    assert_eq!(w.dialog(caller).heard.digits(), "5");
    w.settle();
}

/// Caller and agent in talk where `*110#` is a code, the agent at a telephone of these codecs.
fn in_talk_with_tones(seed: u64, inband_keys: bool, known: &[(u8, &str)]) -> (World, usize, usize) {
    let mut w = World::new(seed);
    let mut settings = town::settings();
    settings.routing.feature_codes =
        vec![FeatureCode { code: "*110#".to_owned(), asks: CodeAsks::Transfer(HotlineId::from("110")) }];
    let softphone = settings.routing.profiles.iter_mut().find(|profile| profile.id == ProfileId::from("softphone"));
    softphone.expect("the town has it").inband_keys = inband_keys;
    w.reload(settings);
    let agent = w.agent("8001");
    w.phones[agent].manners.codecs = codecs(known);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    (w, caller, agent)
}

fn type_tones(w: &mut World, party: usize, keys: &str) {
    for key in keys.chars() {
        w.with(party, |phone, _| {
            let call_id = phone.last().expect("in talk").call_id.clone();
            phone.press_by_tones(&call_id, key);
        });
        w.run(Duration::from_millis(300));
    }
}
