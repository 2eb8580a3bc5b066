//! Nonces that need no memory until they have been used well: each carries its own time and seal.
//!
//! A nonce is a time, a random number, and a seal over both, the realm and the asker's address. Whoever asks without a
//! secret costs us no memory (V10); a nonce overheard by another host is worth nothing there; and since only a host that
//! receives our answers can have a valid nonce, a forged source address can't lock an agent out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::entropy::Entropy;
use crate::base::time::Instant;

/// The most nonces whose counts are remembered. Beyond it the oldest one ends early.
const MAX_REMEMBERED: usize = 16 * 1024;
/// How far behind the highest count a request may arrive (UDP reorders).
const WINDOW: u32 = 64;

/// Issues nonces and says what an incoming one is worth.
pub(super) struct Nonces {
    entropy: Entropy,
    secret: [u8; 32],
    lifetime: Duration,
    /// Counts of the nonces that proved a secret, oldest first.
    used: BTreeMap<Issued, Counts>,
    /// Nonces up to this one have been forgotten and are no longer valid.
    forgotten: Option<Issued>,
}

/// What identifies a nonce: when it was issued, and its random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issued {
    /// Milliseconds on our time line: 40 bits are 34 years.
    at_ms: u64,
    /// 48 bits.
    salt: u64,
}

/// Which counts have been seen: the highest, and one bit for each of those below it.
#[derive(Clone, Copy, Debug)]
struct Counts {
    highest: u32,
    seen: u64,
}

impl Nonces {
    pub(super) fn new(mut entropy: Entropy, lifetime: Duration) -> Self {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&entropy.next_u128().to_be_bytes());
        secret[16..].copy_from_slice(&entropy.next_u128().to_be_bytes());
        Self { entropy, secret, lifetime, used: BTreeMap::new(), forgotten: None }
    }

    /// A new nonce for `source`.
    pub(super) fn issue(&mut self, now: Instant, realm: &str, source: IpAddr) -> String {
        let issued = Issued { at_ms: milliseconds(now), salt: self.entropy.next_u64() >> 16 };
        self.write(issued, realm, source)
    }

    /// Whether `nonce` is ours, was issued to `source`, and is still alive.
    pub(super) fn check(&self, now: Instant, realm: &str, source: IpAddr, nonce: &[u8]) -> Option<Issued> {
        let text = std::str::from_utf8(nonce).ok()?;
        let number = |digits: std::ops::Range<usize>| u64::from_str_radix(text.get(digits)?, 16).ok();
        let issued = Issued { at_ms: number(0..10)?, salt: number(10..22)? };
        let sealed = self.write(issued, realm, source);
        let ours: bool = subtle::ConstantTimeEq::ct_eq(sealed.as_bytes(), nonce).into();
        let alive = issued.at() <= now && now - issued.at() < self.lifetime;
        let known = self.forgotten.is_none_or(|last| issued > last);
        (ours && alive && known).then_some(issued)
    }

    /// Takes note that `count` was used with this nonce by somebody who knows the secret. False if it was used before,
    /// or is too old to tell: a replay.
    pub(super) fn use_count(&mut self, now: Instant, issued: Issued, count: u32) -> bool {
        self.forget(now);
        let counts = self.used.entry(issued).or_insert(Counts { highest: 0, seen: 0 });
        if !counts.admit(count) {
            return false;
        }
        if self.used.len() > MAX_REMEMBERED {
            self.forgotten = self.used.pop_first().map(|(oldest, _)| oldest);
        }
        true
    }

    /// How many nonces are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.used.len()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.used.first_entry() {
            if now - oldest.key().at() < self.lifetime {
                return;
            }
            oldest.remove();
        }
    }

    fn write(&self, issued: Issued, realm: &str, source: IpAddr) -> String {
        let mut seal = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        seal.update(&issued.at_ms.to_be_bytes());
        seal.update(&issued.salt.to_be_bytes());
        match source.to_canonical() {
            IpAddr::V4(v4) => seal.update(&v4.octets()),
            IpAddr::V6(v6) => seal.update(&v6.octets()),
        }
        seal.update(realm.as_bytes());
        let sealed: [u8; 32] = seal.finalize().into_bytes().into();
        // Every byte stands twice in a challenge, and a short request may only get a short one (V36): 80 bits of seal
        // are enough against guesses that each cost a request.
        let short = sealed.iter().take(10).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        format!("{:010x}{:012x}{short:020x}", issued.at_ms, issued.salt)
    }
}

impl std::fmt::Debug for Nonces {
    /// The secret seals every nonce: it is never shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("remembered", &self.used.len()).finish_non_exhaustive()
    }
}

impl Issued {
    fn at(self) -> Instant {
        Instant::START + Duration::from_millis(self.at_ms)
    }
}

fn milliseconds(now: Instant) -> u64 {
    u64::try_from((now - Instant::START).as_millis()).unwrap_or(u64::MAX)
}

impl Counts {
    fn admit(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = if ahead < WINDOW { (self.seen << ahead) | 1 } else { 1 };
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let bit = 1_u64.checked_shl(behind).unwrap_or(0);
        let new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn nonces() -> Nonces {
        Nonces::new(Entropy::from_number(1), LIFETIME)
    }

    fn host(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_nonce_lives_its_time_for_its_asker_in_its_realm() {
        let mut nonces = nonces();
        let born = Instant::from_nanos(5_000_000_000);
        let nonce = nonces.issue(born, "r", host(1));
        let valid = |now, realm, source| nonces.check(now, realm, source, nonce.as_bytes()).is_some();
        assert!(valid(born, "r", host(1)));
        assert!(valid(born + Duration::from_secs(299), "r", host(1)));
        assert!(valid(born, "r", "::ffff:192.0.2.1".parse().unwrap()), "the same host through an IPv6 socket");
        assert!(!valid(born + LIFETIME, "r", host(1)));
        assert!(!valid(born, "r", host(2)));
        assert!(!valid(born, "other", host(1)));
        assert!(!valid(Instant::START, "r", host(1)), "issued in the future");
    }

    #[test]
    fn a_nonce_changed_anywhere_is_not_ours() {
        let mut nonces = nonces();
        let nonce = nonces.issue(Instant::START, "r", host(1));
        for index in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
            assert!(nonces.check(Instant::START, "r", host(1), &forged).is_none(), "{index}");
        }
        for forged in [String::new(), "é".repeat(30), nonce.to_uppercase() + "0", format!("+{}", &nonce[1..])] {
            assert!(nonces.check(Instant::START, "r", host(1), forged.as_bytes()).is_none(), "{forged}");
        }
    }

    #[test]
    fn a_count_is_good_once_and_may_be_late_by_a_window() {
        let mut nonces = nonces();
        let nonce = nonces.issue(Instant::START, "r", host(1));
        let issued = nonces.check(Instant::START, "r", host(1), nonce.as_bytes()).unwrap();
        for (count, good) in [
            (1, true),
            (1, false),
            (3, true),
            (2, true),
            (2, false),
            (66, true),
            (3, false),
            (2, false),
            (4, true),
            (u32::MAX, true),
            (u32::MAX, false),
            (66, false),
            (u32::MAX - 63, true),
            (u32::MAX - 64, false),
        ] {
            assert_eq!(nonces.use_count(Instant::START, issued, count), good, "{count}");
        }
    }

    #[test]
    fn the_memory_is_bounded_and_what_is_forgotten_is_not_valid_again() {
        let mut nonces = nonces();
        let first = nonces.issue(Instant::START, "r", host(1));
        let used = nonces.check(Instant::START + LIFETIME / 2, "r", host(1), first.as_bytes()).unwrap();
        assert!(nonces.use_count(Instant::START, used, 1));
        for tick in 1..=MAX_REMEMBERED as u64 {
            let issued = Issued { at_ms: tick, salt: tick };
            assert!(nonces.use_count(issued.at(), issued, 1));
        }
        assert_eq!(nonces.remembered(), MAX_REMEMBERED);
        assert!(
            nonces.check(Instant::START + LIFETIME / 2, "r", host(1), first.as_bytes()).is_none(),
            "a replay otherwise"
        );
        let later = Instant::START + LIFETIME * 2;
        assert!(nonces.use_count(later, Issued { at_ms: milliseconds(later), salt: 0 }, 1));
        assert_eq!(nonces.remembered(), 1, "what has expired takes no room");
    }
}
