//! Whom the caller is to hear says nothing for a while: a quiet line in talk, ringback before, and its voice again at its
//! first packet (promise 1, F10).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Health, OnInvite, Phase};
use crate::world::sound::Sound;

/// A second of nothing, and the packets to either side of it.
const PAUSE_MAX: Duration = Duration::from_millis(1_100);

#[test]
fn early_media_that_stops_gives_way_to_ringback_and_comes_back() {
    let mut w = World::new(311);
    let seat = w.seat();
    w.on_invite(seat, OnInvite::EarlyThenAnswer { after: Duration::from_secs(20) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_secs(3));
    let tune = Sound::Stream(w.dialog(seat).stream);
    assert!(w.dialog(caller).heard.count(tune) > 50 && w.dialog(caller).heard.count(Sound::Machine) == 0);

    w.phones[seat].set_health(Health::Mute);
    w.run(Duration::from_secs(10));
    let heard = &w.dialog(caller).heard;
    assert!(heard.count(Sound::Machine) > 8 * 50, "{} packets of ringback", heard.count(Sound::Machine));
    let before = (heard.count(tune), heard.count(Sound::Machine));

    w.phones[seat].set_health(Health::Well);
    w.run(Duration::from_secs(2));
    let heard = &w.dialog(caller).heard;
    assert!(heard.count(tune) - before.0 > 90, "the tune is heard again at once");
    assert!(heard.count(Sound::Machine) - before.1 < 5, "and the ringback stops");
    assert!(heard.longest_gap < PAUSE_MAX, "{:?} of nothing", heard.longest_gap);
    assert_eq!(w.phase(caller), Some(Phase::Calling));
    w.until_talking(caller, seat);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_telephone_that_pauses_in_talk_is_heard_as_a_quiet_line() {
    let mut w = World::new(312);
    let (caller, agent) = w.caller_and_agent_in_talk();
    for pause in [Duration::from_millis(800), Duration::from_secs(4)] {
        w.phones[agent].set_health(Health::Mute);
        w.run(pause);
        w.phones[agent].set_health(Health::Well);
        w.run(Duration::from_secs(2));
    }
    let heard = &w.dialog(caller).heard;
    let filled = heard.count(Sound::Machine);
    assert!((140..=160).contains(&filled), "{filled} packets: 3 s of the long pause, nothing of the short one");
    assert!(heard.longest_gap < PAUSE_MAX, "{:?} of nothing", heard.longest_gap);
    assert_eq!(heard.discontinuities, 0);
    assert_eq!(w.phones[agent].got("INVITE"), 1, "a pause is no reason to ask the telephone anything");
    assert_eq!(w.product.callers_lost(), 0);
    w.hangs_up(caller);
    w.settle();
}

/// F10: a leg is lost where reports and question find nobody, and its caller is kept.
#[test]
fn a_telephone_that_pauses_and_then_dies_is_asked_and_lost() {
    let mut w = World::new(314);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let other = w.agent("8002");
    w.phones[agent].set_health(Health::Pausing);
    w.run(Duration::from_secs(30));
    w.dies(agent);
    w.run(Duration::from_secs(12));
    assert!(w.phase(caller).is_some_and(|phase| !matches!(phase, Phase::Over(_))));
    w.until_talking(caller, other);
    assert_eq!(w.product.callers_lost(), 0);
    w.hangs_up(caller);
    assert_eq!(w.until_over(other), Ending::TheirBye);
    w.settle();
}
