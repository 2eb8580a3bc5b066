//! A thousand transfers, twenty at a time, with every outcome: nobody waits for anybody else, and nothing is left (T22).

use std::time::Duration;

use lianxian::base::ids::AgentId;
use lianxian::sip::auth;

use crate::world::net::{Faults, Way};
use crate::world::phone::{Line, OnInvite, OnNotify, Phase, Registration};
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);
/// Transfers at a time.
const AT_ONCE: usize = 20;
/// Towns in which each kind of round is played once: 20 transfers x 5 kinds x 10 towns.
const TOWNS: u64 = 10;

/// How a round goes.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// The target answers, and we release the agents.
    Smooth,
    /// The agents' telephones hang up on our 202.
    AgentsLeave,
    /// The target is busy.
    Busy,
    /// The callers hang up while the target rings.
    CallersLeave,
    /// The agents' telephones know nothing of our reports, and the network loses and doubles.
    BadWeather,
}

const KINDS: [Round; 5] = [Round::Smooth, Round::AgentsLeave, Round::Busy, Round::CallersLeave, Round::BadWeather];

/// A town with twenty clerks, all registered.
fn town_of_many(w: &mut World) -> Vec<usize> {
    let mut settings = town::settings();
    let number = |index: usize| format!("7{index:03}");
    let clerk = settings.routing.agents[0].clone();
    for index in 0..AT_ONCE {
        let agent = AgentId::from(number(index).as_str());
        let account = auth::Account::of_password(agent.as_str(), town::REALM, "a-secret");
        settings.sip.auth.accounts.insert(agent.clone(), account);
        settings.routing.agents.push(lianxian::routing::config::Agent { id: agent, ..clerk.clone() });
    }
    w.reload(settings);
    let agents: Vec<usize> = (0..AT_ONCE).map(|index| w.add(&number(index), town::agent(index), Line::Udp)).collect();
    for (index, agent) in agents.iter().enumerate() {
        w.phones[*agent].registration = Some(Registration::new(&number(index), "a-secret"));
        w.with(*agent, |phone, now| phone.register(now));
    }
    w.run(SECOND * 2);
    agents
}

/// Everybody calls, everybody is pressed on at the same instant, everybody hangs up.
fn play(w: &mut World, round: Round, callers: &[usize], agents: &[usize], seat: usize) {
    let after = SECOND / 2;
    w.on_invite(
        seat,
        if matches!(round, Round::Busy) { OnInvite::Refuse { code: 486, after } } else { OnInvite::Answer { after } },
    );
    for agent in agents {
        let manners = &mut w.phones[*agent].manners;
        manners.bye_after_refer = matches!(round, Round::AgentsLeave).then_some(Duration::ZERO);
        manners.on_notify = if matches!(round, Round::BadWeather) { OnNotify::Unknown } else { OnNotify::Accept };
    }
    for caller in callers {
        w.calls(*caller, "12345");
    }
    w.run(SECOND * 3);
    for agent in agents {
        assert_eq!(w.phase(*agent), Some(Phase::Up), "{round:?}");
    }
    if matches!(round, Round::BadWeather) {
        let faults = Faults { loss: 50, double: 50, reorder: 50, latency_min_ms: 1, latency_max_ms: 40 };
        w.net.sip.extend([(Way::In, faults), (Way::Out, faults)]);
    }
    for agent in agents {
        w.transfers(*agent, "110");
    }
    if matches!(round, Round::CallersLeave) {
        w.run(SECOND / 4);
    } else {
        w.run(SECOND * 5);
        let served = callers.iter().all(|caller| w.phase(*caller) == Some(Phase::Up));
        w.must(served, &format!("{round:?}: every caller is in talk"));
    }
    w.net.heal();
    for caller in callers {
        w.hangs_up(*caller);
    }
    // Until the last repetition has been answered and the ports may be used again.
    w.run(SECOND * 5);
    let busy: Vec<usize> = agents.iter().copied().filter(|agent| w.phones[*agent].live().count() > 0).collect();
    w.must(busy.is_empty(), &format!("{round:?}: agents {busy:?} are still in a call"));
}

#[test]
fn t22_a_thousand_transfers_twenty_at_a_time_leave_nothing() {
    for town in 0..TOWNS {
        let mut w = World::new(1200 + town);
        let agents = town_of_many(&mut w);
        let callers: Vec<usize> = (0..AT_ONCE).map(|index| w.citizen(&format!("1390000{index:04}"))).collect();
        let seat = w.seat();
        for phone in &mut w.phones {
            phone.manners.voice_every = Duration::from_millis(400);
        }
        for round in KINDS {
            play(&mut w, round, &callers, &agents, seat);
        }
        let pressed: usize = agents.iter().map(|agent| w.phones[*agent].got("202 REFER")).sum();
        assert!(pressed >= AT_ONCE * KINDS.len(), "{pressed} presses were accepted");
        assert_eq!(w.product.callers_lost(), 0);
        assert_eq!(w.product.calls(), []);
        w.settle();
    }
}
