//! An INVITE without SDP: the offer is ours, the answer comes in the ACK (RFC 3264, RFC 3261 13.2.1).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Acks, Ending, OfferStyle, codecs};

#[test]
fn caller_and_agent_talk_after_a_delayed_offer() {
    for (seed, list) in [(81, vec![(8, "PCMA"), (101, "telephone-event")]), (82, vec![(0, "PCMU")])] {
        let mut w = World::new(seed);
        let agent = w.agent("8001");
        let caller = w.citizen("13900001111");
        w.phones[caller].manners.offer = OfferStyle::Delayed;
        w.phones[caller].manners.codecs = codecs(&list);
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        w.run(Duration::from_secs(3));
        assert!(w.talking(caller, agent));
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn the_two_laws_meet() {
    let mut w = World::new(83);
    let agent = w.agent("8001");
    w.phones[agent].manners.codecs = codecs(&[(0, "PCMU"), (96, "telephone-event")]);
    let caller = w.citizen("13900001111");
    w.phones[caller].manners.codecs = codecs(&[(8, "PCMA"), (126, "telephone-event")]);
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn a_caller_who_never_acknowledges_is_given_up_after_64_t1() {
    let mut w = World::new(84);
    let agent = w.agent("8001");
    let caller = w.citizen("13900001111");
    w.phones[caller].manners.acks = Acks::Never;
    w.calls(caller, "12345");
    w.run(Duration::from_secs(10));
    assert!(w.phones[caller].got("200 INVITE") > 3, "the 200 is repeated (RFC 3261 13.3.1.4)");
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}
