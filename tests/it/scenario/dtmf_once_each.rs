//! Keys arrive once each and in order, whichever way they are said (I44).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::codecs;

#[test]
fn keys_in_the_sound_arrive_once_each() {
    let mut w = World::new(101);
    let (caller, agent) = w.caller_and_agent_in_talk();
    press(&mut w, caller, "1590*#", false);
    assert_eq!(w.dialog(agent).heard.digits(), "1590*#");
    press(&mut w, agent, "42", false);
    assert_eq!(w.dialog(caller).heard.digits(), "42");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn the_same_key_twice_is_two_keys() {
    let mut w = World::new(102);
    let (caller, agent) = w.caller_and_agent_in_talk();
    press(&mut w, caller, "1112", false);
    assert_eq!(w.dialog(agent).heard.digits(), "1112");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn keys_by_info_arrive_once_each() {
    let mut w = World::new(103);
    let (caller, agent) = w.caller_and_agent_in_talk();
    press(&mut w, caller, "77#", true);
    assert_eq!(w.dialog(agent).heard.digits(), "77#");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn keys_in_the_sound_reach_a_telephone_that_knows_only_info() {
    let mut w = World::new(104);
    let agent = w.agent("8001");
    w.phones[agent].manners.codecs = codecs(&[(8, "PCMA")]);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    press(&mut w, caller, "309", false);
    assert_eq!(w.dialog(agent).heard.digits(), "309");
    w.hangs_up(caller);
    w.settle();
}

/// The party presses keys, one after the other.
pub(super) fn press(w: &mut World, party: usize, keys: &str, info: bool) {
    for key in keys.chars() {
        w.with(party, |phone, now| {
            let call_id = phone.last().expect("in talk").call_id.clone();
            if info {
                phone.press_by_info(now, &call_id, key);
            } else {
                phone.press_by_rtp(now, &call_id, key);
            }
        });
        w.run(Duration::from_millis(400));
    }
    w.run(Duration::from_secs(1));
}
