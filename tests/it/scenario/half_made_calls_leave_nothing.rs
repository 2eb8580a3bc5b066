//! Half-made calls, ending in every state, leave nothing behind: no port, transaction, dialog or timer (V35, I9).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Acks, Health, OfferStyle, OnInvite, codecs};

/// The ways in which a call is left half-made.
#[derive(Clone, Copy, Debug)]
enum Way {
    Cancelled,
    NeverAcknowledged,
    CallerDies,
    AgentDies,
    HungUpAtOnce,
    NoCommonCodec,
    UnknownNumber,
    DelayedAndCancelled,
}

/// Worlds of a hundred calls each; the optimised run of everything makes many more.
const BATCHES: u64 = if cfg!(debug_assertions) { 2 } else { 50 };

const WAYS: [Way; 8] = [
    Way::Cancelled,
    Way::NeverAcknowledged,
    Way::CallerDies,
    Way::AgentDies,
    Way::HungUpAtOnce,
    Way::NoCommonCodec,
    Way::UnknownNumber,
    Way::DelayedAndCancelled,
];

#[test]
fn thousands_of_half_made_calls_leave_nothing() {
    // Each caller is a new party: the world is renewed every so often so that it stays small.
    for batch in 0..BATCHES {
        let mut w = World::new(300 + batch);
        w.refusals_expected = true;
        let agents = [w.agent("8001"), w.agent("8002"), w.agent("8003")];
        for agent in agents {
            w.phones[agent].manners.voice_every = Duration::from_millis(200);
        }
        for number in 0..100 {
            half_a_call(&mut w, number, &agents);
        }
        for agent in agents {
            w.phones[agent].set_health(Health::Well);
        }
        // A call whose caller vanished while it rang ends when somebody answers and no ACK comes: 64*T1 each.
        w.run(Duration::from_secs(400));
        w.settle();
    }
}

fn half_a_call(w: &mut World, number: usize, agents: &[usize]) {
    let way = WAYS[number % WAYS.len()];
    let caller = w.citizen(&format!("139{:08}", number + 1));
    w.phones[caller].manners.voice_every = Duration::from_millis(200);
    let answers = OnInvite::Answer { after: w.chance.millis(0, 400) };
    for agent in agents {
        w.on_invite(*agent, answers);
        w.phones[*agent].set_health(Health::Well);
    }
    match way {
        Way::NeverAcknowledged => w.phones[caller].manners.acks = Acks::Never,
        Way::NoCommonCodec => w.phones[caller].manners.codecs = codecs(&[(18, "G729")]),
        Way::DelayedAndCancelled => w.phones[caller].manners.offer = OfferStyle::Delayed,
        Way::Cancelled | Way::CallerDies | Way::AgentDies | Way::HungUpAtOnce | Way::UnknownNumber => {}
    }
    w.calls(caller, if matches!(way, Way::UnknownNumber) { "5551234" } else { "12345" });
    let wait = w.chance.millis(0, 900);
    w.run(wait);
    match way {
        Way::Cancelled | Way::HungUpAtOnce | Way::DelayedAndCancelled => w.hangs_up(caller),
        Way::CallerDies => w.dies(caller),
        Way::AgentDies => w.dies(agents[number % agents.len()]),
        Way::NeverAcknowledged | Way::NoCommonCodec | Way::UnknownNumber => {}
    }
    let wait = w.chance.millis(0, 300);
    w.run(wait);
    if !matches!(way, Way::CallerDies) {
        w.hangs_up(caller);
    }
}
