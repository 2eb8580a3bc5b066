//! Random numbers as a value: a seeded stream of SHA-256 blocks.
//!
//! Tags, branches and Call-IDs need at least 64 bits that a stranger cannot guess (RFC 3261 19.3), and the simulator
//! needs the same run from the same seed. Both hold when the seed is an argument and the stream is a hash in counter
//! mode: the engine seeds it once from the operating system, a test from its printed seed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A deterministic, unguessable stream of random numbers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entropy {
    key: [u8; 32],
    counter: u64,
}

impl Entropy {
    /// A stream from a secret seed.
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { key: seed, counter: 0 }
    }

    /// A stream from a small seed, for tests and simulations only.
    pub fn from_number(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        Self::new(key)
    }

    /// A stream of its own, whose numbers say nothing about this one's.
    pub fn fork(&mut self) -> Self {
        Self::new(self.block())
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let block = self.block();
        let mut word = [0; 8];
        word.copy_from_slice(&block[..8]);
        u64::from_be_bytes(word)
    }

    /// 128 random bits.
    pub fn next_u128(&mut self) -> u128 {
        let block = self.block();
        let mut word = [0; 16];
        word.copy_from_slice(&block[..16]);
        u128::from_be_bytes(word)
    }

    /// A number below `bound`; zero when `bound` is zero. The bias of the remainder is below 2^-32 for 32-bit bounds.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    fn block(&mut self) -> [u8; 32] {
        let block = Sha256::new().chain_update(self.key).chain_update(self.counter.to_be_bytes()).finalize();
        self.counter = self.counter.wrapping_add(1);
        block.into()
    }
}

impl std::fmt::Debug for Entropy {
    /// The seed is a secret: it would let a reader of logs guess the tags of live calls.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entropy").field("counter", &self.counter).finish_non_exhaustive()
    }
}
