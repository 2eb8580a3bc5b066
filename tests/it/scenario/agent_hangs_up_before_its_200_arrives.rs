//! An agent answers and hangs up at once, against RFC 3261 15, and its 200 is lost: the BYE comes first. The caller is
//! served by the next agent, and the 200 is acknowledged when it comes.

use std::time::Duration;

use crate::world::World;
use crate::world::net::{Loss, Way};
use crate::world::phone::{Ending, OnInvite, Phase};

#[test]
fn the_next_agent_is_rung_and_the_late_200_is_acknowledged() {
    for (seed, lost) in [(901, &["200 INVITE"][..]), (902, &["200 INVITE", "180 INVITE", "100 INVITE"])] {
        let mut w = World::new(seed);
        let (first, second) = (w.agent("8001"), w.agent("8002"));
        w.on_invite(first, OnInvite::Answer { after: Duration::from_millis(200) });
        w.phones[first].manners.hasty_per_mille = 1000;
        w.phones[first].manners.hang_up_after = Some(Duration::ZERO);
        for what in lost {
            w.net.losses.push(Loss { way: Way::In, what: (*what).to_owned(), times: 1 });
        }
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.until_talking(caller, second);
        w.run(Duration::from_secs(5));
        w.must(w.talking(caller, second), "the caller talks with the second agent");
        w.must(w.phones[first].got("200 BYE") == 1, "its BYE is answered");
        w.must(w.phones[first].got("ACK") >= 1, "its 200 is acknowledged");
        w.must(w.phones[first].got("BYE") == 0, "nobody says goodbye to who has gone");
        assert_eq!(w.phase(first), Some(Phase::Over(Ending::Mine)));
        w.hangs_up(caller);
        w.settle();
    }
}
