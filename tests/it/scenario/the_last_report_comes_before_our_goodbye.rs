//! The transferor's telephone hears how it ended before it hears BYE, whatever the network does to either, and it may
//! itself hang up at any moment between the two (traps T2, T3, T65).

use std::time::Duration;

use crate::world::World;
use crate::world::net::{Faults, Way};
use crate::world::phone::{Ending, Line, OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

/// Caller and agent in talk, and a seat that answers at once.
fn in_talk(seed: u64, line: Line) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (agent, caller) = (w.agent_over("8001", line), w.citizen("13900001111"));
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND / 2 });
    (w, caller, agent, seat)
}

#[test]
fn whatever_the_network_does() {
    for seed in 1000..1040 {
        let line = if seed % 4 == 0 { Line::Tcp } else { Line::Udp };
        let (mut w, caller, agent, seat) = in_talk(seed, line);
        let faults = Faults { loss: 100, double: 100, reorder: 200, latency_min_ms: 1, latency_max_ms: 60 };
        w.net.sip.extend([(Way::In, faults), (Way::Out, faults)]);
        w.transfers(agent, "110");
        w.until_talking(caller, seat);
        assert_eq!(w.until_over(agent), Ending::TheirBye, "seed {seed}");
        // A report behind the BYE would have met 481 and would not be among these.
        let reports = &w.referral(agent).reports;
        assert!(reports.iter().any(|(status, last)| *status == 200 && *last), "seed {seed}: {reports:?}");
        w.settle();
    }
}

#[test]
fn a_telephone_that_hangs_up_between_two_reports_gets_no_more_of_them() {
    for delay_ms in (0..3000).step_by(50) {
        let (mut w, caller, agent, seat) = in_talk(1040 + delay_ms, Line::Udp);
        w.transfers(agent, "110");
        w.run(Duration::from_millis(delay_ms));
        let before = w.phase(agent);
        w.hangs_up(agent);
        w.run(SECOND / 10);
        let reports = w.phones[agent].got("NOTIFY");
        w.until_talking(caller, seat);
        w.run(SECOND * 2);
        w.must(matches!(w.phase(agent), Some(Phase::Over(_))), "the agent is done");
        // What was on its way when it hung up may still come, and come again.
        assert!(w.phones[agent].got("NOTIFY") <= reports, "{delay_ms} ms, {before:?}: {:?}", w.phones[agent].log);
        assert_eq!(w.product.callers_lost(), 0);
        w.settle();
    }
}
