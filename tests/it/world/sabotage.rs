//! Planted faults between the product and the world: what a broken product would do, so that the invariants can show
//! that they see it.

use lianxian::base::time::Instant;

use super::product::Raw;

/// Alters what the product says, or what it hears.
pub trait Saboteur {
    /// What really leaves, in place of `raw`.
    fn says(&mut self, now: Instant, raw: Raw) -> Vec<Raw>;
}

/// A saboteur made of a function.
pub struct Plant<F> {
    alter: F,
}

impl<F: FnMut(Instant, Raw) -> Vec<Raw>> Plant<F> {
    /// Plants `alter`.
    pub const fn new(alter: F) -> Self {
        Self { alter }
    }
}

impl<F: FnMut(Instant, Raw) -> Vec<Raw>> Saboteur for Plant<F> {
    fn says(&mut self, now: Instant, raw: Raw) -> Vec<Raw> {
        (self.alter)(now, raw)
    }
}
