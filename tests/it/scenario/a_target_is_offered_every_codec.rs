//! What caller and agent had agreed says nothing of what the target can: it is offered everything that we have, and what
//! two sides do not share is converted (trap T16).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, codecs};

#[test]
fn a_target_that_has_only_the_other_law_takes_a_call_of_the_first() {
    for (seed, held, other) in [(421, (8, "PCMA"), (0, "PCMU")), (422, (0, "PCMU"), (8, "PCMA"))] {
        let mut w = World::new(seed);
        let agent = w.agent("8001");
        w.phones[agent].manners.codecs = codecs(&[held, (101, "telephone-event")]);
        let caller = w.citizen("13900001111");
        w.phones[caller].manners.codecs = codecs(&[held, (101, "telephone-event")]);
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let seat = w.seat();
        w.phones[seat].manners.codecs = codecs(&[other]);
        w.transfers(agent, "110");
        assert_eq!(w.until_reported(agent), 200, "no 488 for the codec of a call that is over");
        let offered = w.dialog(seat).theirs.as_ref().expect("an offer in the INVITE");
        let names: Vec<&str> = offered.codecs.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["PCMA", "PCMU", "telephone-event"], "the whole list, whatever the two had agreed");
        w.until_talking(caller, seat);
        assert_eq!(w.until_over(agent), Ending::TheirBye);
        w.run(Duration::from_secs(1));
        w.must(w.hears(caller, seat) && w.hears(seat, caller), "each hears the other, in its own law");
        w.hangs_up(caller);
        w.settle();
    }
}
