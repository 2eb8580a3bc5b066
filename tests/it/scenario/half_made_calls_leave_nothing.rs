//! Half-made calls, ending in every state, leave nothing behind: no port, transaction, dialog or timer (V35, I9).

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lianxian::call::fault::Fault;

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
    HungUpWhileHeld,
    HungUpWhileKept,
    HungUpAfterAPanic,
}

const WAYS: [Way; 11] = [
    Way::Cancelled,
    Way::NeverAcknowledged,
    Way::CallerDies,
    Way::AgentDies,
    Way::HungUpAtOnce,
    Way::NoCommonCodec,
    Way::UnknownNumber,
    Way::DelayedAndCancelled,
    Way::HungUpWhileHeld,
    Way::HungUpWhileKept,
    Way::HungUpAfterAPanic,
];

/// The states that a caller can end a call in; offered lasts no time.
const STATES: [&str; 6] = ["held", "quarantined", "recovering", "releasing", "ringing", "talking"];

/// How many calls: fifty thousand where the code is optimised, a sample of them elsewhere.
const CALLS: u64 = if cfg!(debug_assertions) { 220 } else { 50_000 };

/// Calls in one world, which is renewed so that it stays small: each caller is a new party.
const BATCH: u64 = 110;

#[test]
fn half_made_calls_ending_in_every_state_leave_nothing() {
    let next = AtomicU64::new(0);
    let ended_in = Mutex::new(BTreeSet::new());
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|batch| batch * BATCH < CALLS);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while let Some(batch) = take() {
                    let states = half_made_calls(batch);
                    ended_in.lock().unwrap().extend(states);
                }
            });
        }
    });
    assert_eq!(ended_in.into_inner().unwrap(), BTreeSet::from(STATES), "the states in which calls were ended");
}

/// One world of half-made calls, which must be empty afterwards; the states in which callers ended them.
fn half_made_calls(batch: u64) -> BTreeSet<&'static str> {
    let mut w = World::new(300 + batch);
    w.refusals_expected = true;
    w.panics_expected = true;
    let agents = [w.agent("8001"), w.agent("8002"), w.agent("8003")];
    for agent in agents {
        w.phones[agent].manners.voice_every = Duration::from_millis(200);
    }
    let states = (0..BATCH).filter_map(|number| half_a_call(&mut w, number as usize, &agents)).collect();
    for agent in agents {
        w.phones[agent].set_health(Health::Well);
    }
    // A call whose caller vanished while it rang ends when somebody answers and no ACK comes: 64*T1 each.
    w.run(Duration::from_secs(400));
    w.settle();
    states
}

/// Makes half a call; the state of the newest call there is when its caller ends it.
fn half_a_call(w: &mut World, number: usize, agents: &[usize]) -> Option<&'static str> {
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
        Way::HungUpAfterAPanic => w.product.arm(Fault::PanicOnAnswer),
        Way::Cancelled
        | Way::CallerDies
        | Way::AgentDies
        | Way::HungUpAtOnce
        | Way::UnknownNumber
        | Way::HungUpWhileHeld
        | Way::HungUpWhileKept => {}
    }
    w.calls(caller, if matches!(way, Way::UnknownNumber) { "5551234" } else { "12345" });
    let wait = w.chance.millis(0, 900);
    w.run(wait);
    match way {
        Way::Cancelled | Way::HungUpAtOnce | Way::DelayedAndCancelled => return end(w, caller),
        Way::CallerDies => w.dies(caller),
        Way::AgentDies => w.dies(agents[number % agents.len()]),
        Way::HungUpWhileHeld => {
            w.run(Duration::from_secs(1));
            agents.iter().for_each(|agent| w.holds(*agent));
        }
        Way::HungUpWhileKept => {
            w.run(Duration::from_secs(1));
            // Their telephones are started anew, know of no call, and ring for long.
            for agent in agents {
                w.on_invite(*agent, OnInvite::Answer { after: Duration::from_secs(30) });
                w.phones[*agent].forget();
            }
            w.run(Duration::from_secs(8));
        }
        Way::HungUpAfterAPanic => w.run(Duration::from_secs(1)),
        Way::NeverAcknowledged | Way::NoCommonCodec | Way::UnknownNumber => {}
    }
    let wait = w.chance.millis(0, 300);
    w.run(wait);
    if matches!(way, Way::CallerDies) { None } else { end(w, caller) }
}

fn end(w: &mut World, caller: usize) -> Option<&'static str> {
    let state = w.product.newest_state();
    w.hangs_up(caller);
    state
}
