//! Seeded random calls: a seed is 20 calls in five virtual minutes, faults first, then liveness.
//!
//! `LIANXIAN_SEEDS` says how many seeds (50 by default), `LIANXIAN_SEED` replays one. Seeds that once failed run first.

mod plan;

use plan::Plan;

/// Seeds that once failed; each with what it showed.
const ONCE_FAILED: &[(u64, &str)] = &[];

#[test]
fn random_calls_keep_every_invariant() {
    if let Some(seed) = number("LIANXIAN_SEED") {
        Plan::new(seed).run();
        return;
    }
    for (seed, _) in ONCE_FAILED {
        Plan::new(*seed).run();
    }
    for seed in 0..number("LIANXIAN_SEEDS").unwrap_or(50) {
        Plan::new(seed).run();
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    assert_eq!(Plan::new(7).run(), Plan::new(7).run());
    assert_ne!(Plan::new(7).run(), Plan::new(8).run());
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}
