//! A trunk's 183 with sound reaches the caller as 183 with sound, and never as an answer.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};
use crate::world::sound::Sound;

#[test]
fn the_caller_hears_the_trunks_early_media_before_the_answer() {
    let mut w = World::new(91);
    let seat = w.seat();
    w.on_invite(seat, OnInvite::EarlyThenAnswer { after: Duration::from_secs(5) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_secs(3));
    assert_eq!(w.phase(caller), Some(Phase::Calling), "early media is not an answer");
    assert!(w.dialog(caller).provisionals.contains(&183));
    let stream = w.dialog(seat).stream;
    assert!(w.dialog(caller).heard.count(Sound::Stream(stream)) > 50, "the caller hears the trunk's own tones");
    w.until_talking(caller, seat);
    assert_eq!(w.dialog(seat).remote_number(), "13900001111");
    w.hangs_up(seat);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}
