//! Every kind of message is lost once, or three times, each way: every call still completes (A12, T34, F11).

use std::time::Duration;

use crate::world::World;
use crate::world::net::{Faults, Loss, Way};
use crate::world::phone::{OnInvite, Phase};

fn lose(w: &mut World, way: Way, what: &str, times: u32) {
    w.net.losses.push(Loss { way, what: what.to_owned(), times });
}

/// A whole call: set-up, hold, resume, hang-up by the agent.
fn a_whole_call(seed: u64, way: Way, what: &str, times: u32) {
    let mut w = World::new(seed);
    let agent = w.agent("8001");
    let caller = w.citizen("13900001111");
    lose(&mut w, way, what, times);
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    w.holds(agent);
    w.run(Duration::from_secs(12));
    w.resumes(agent);
    w.run(Duration::from_secs(12));
    w.must(w.talking(caller, agent), &format!("{what} lost {times} times {way:?}: they talk again"));
    w.hangs_up(agent);
    w.run(Duration::from_secs(20));
    w.must(
        matches!(w.phase(caller), Some(Phase::Over(_))),
        &format!("{what} lost {times} times {way:?}: the call ends"),
    );
    w.settle();
}

#[test]
fn a_call_completes_whatever_message_is_lost() {
    let each = ["INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"];
    for (index, what) in each.iter().enumerate() {
        for way in [Way::In, Way::Out] {
            for times in [1, 3] {
                a_whole_call(200 + index as u64, way, what, times);
            }
        }
    }
}

#[test]
fn a_cancelled_call_ends_whatever_message_is_lost() {
    let each = ["CANCEL", "200 CANCEL", "487 INVITE", "ACK", "180 INVITE"];
    for (index, what) in each.iter().enumerate() {
        for way in [Way::In, Way::Out] {
            let mut w = World::new(230 + index as u64);
            let agent = w.agent("8001");
            w.on_invite(agent, OnInvite::RingOut);
            let caller = w.citizen("13900001111");
            w.calls(caller, "12345");
            w.run(Duration::from_secs(2));
            lose(&mut w, way, what, 2);
            w.hangs_up(caller);
            w.run(Duration::from_secs(40));
            w.must(matches!(w.phase(caller), Some(Phase::Over(_))), &format!("{what} {way:?}: the caller is done"));
            w.must(matches!(w.phase(agent), Some(Phase::Over(_))), &format!("{what} {way:?}: the agent is done"));
            w.settle();
        }
    }
}

#[test]
fn every_call_completes_with_1_5_and_20_per_cent_loss() {
    for (seed, loss) in [(240, 10), (241, 50), (242, 200), (243, 200), (244, 200)] {
        let mut w = World::new(seed);
        let agents = [w.agent("8001"), w.agent("8002")];
        let faults = Faults { loss, double: 50, reorder: 50, latency_min_ms: 2, latency_max_ms: 40 };
        w.net.sip.insert(Way::In, faults);
        w.net.sip.insert(Way::Out, faults);
        for round in 0..4 {
            let caller = w.citizen(&format!("1390000{round:04}"));
            w.calls(caller, "12345");
            let talking = |w: &World| agents.iter().any(|agent| w.talking(caller, *agent));
            let done = w.run_until(Duration::from_secs(120), talking);
            w.must(done, &format!("{loss} per mille lost: the call of round {round} comes to talk"));
            w.hangs_up(caller);
            w.run(Duration::from_secs(5));
        }
        w.settle();
    }
}
