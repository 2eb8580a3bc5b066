//! Who has guessed wrong too often, and how long it must wait: twice as long each time (V38).
//!
//! A guess is counted for a name and a source together, whether or not the name exists, so that the wait tells nothing
//! about names, and so that nobody can lock an agent out from elsewhere.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::base::time::Instant;

/// Wrong guesses that cost nothing: mistyped passwords.
const FREE_GUESSES: u32 = 5;
/// The wait after the guess that follows them.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How long after its last wait a guesser is remembered.
const MEMORY: Duration = Duration::from_secs(900);
/// The most guessers that are remembered. Beyond it, the one nearest to being forgotten is.
const MAX_GUESSERS: usize = 16 * 1024;
/// The part of a name that is kept.
const MAX_NAME: usize = 64;

type Guesser = (IpAddr, Bytes);

/// The table of guessers.
#[derive(Debug, Default)]
pub(super) struct Lockout {
    guessers: HashMap<Guesser, Guesses>,
    /// When each of them is forgotten, soonest first.
    forgotten: BTreeSet<(Instant, Guesser)>,
}

#[derive(Clone, Copy, Debug)]
struct Guesses {
    wrong: u32,
    locked_until: Instant,
    forgotten_at: Instant,
}

impl Lockout {
    /// How long this guesser must still wait, if it must.
    pub(super) fn wait(&self, now: Instant, source: IpAddr, name: &[u8]) -> Option<Duration> {
        let guesses = self.guessers.get(&guesser(source, name))?;
        (guesses.locked_until > now).then(|| guesses.locked_until - now)
    }

    /// Counts a wrong guess.
    pub(super) fn wrong(&mut self, now: Instant, source: IpAddr, name: &[u8]) {
        self.forget(now);
        let guesser = guesser(source, name);
        let wrong = self.remove(&guesser).map_or(1, |guesses| guesses.wrong.saturating_add(1));
        if self.guessers.len() >= MAX_GUESSERS
            && let Some((_, nearest)) = self.forgotten.first().cloned()
        {
            self.remove(&nearest);
        }
        let locked_until = now + wait_after(wrong);
        let guesses = Guesses { wrong, locked_until, forgotten_at: locked_until + MEMORY };
        self.forgotten.insert((guesses.forgotten_at, guesser.clone()));
        self.guessers.insert(guesser, guesses);
    }

    /// The secret was proved: the slate is clean.
    pub(super) fn right(&mut self, source: IpAddr, name: &[u8]) {
        self.remove(&guesser(source, name));
    }

    /// How many guessers are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.guessers.len()
    }

    fn remove(&mut self, guesser: &Guesser) -> Option<Guesses> {
        let guesses = self.guessers.remove(guesser)?;
        self.forgotten.remove(&(guesses.forgotten_at, guesser.clone()));
        Some(guesses)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, guesser)) = self.forgotten.first().cloned() {
            if at > now {
                return;
            }
            self.remove(&guesser);
        }
    }
}

fn guesser(source: IpAddr, name: &[u8]) -> Guesser {
    (source.to_canonical(), Bytes::copy_from_slice(name.get(..MAX_NAME).unwrap_or(name)))
}

fn wait_after(wrong: u32) -> Duration {
    let Some(doublings) = wrong.checked_sub(FREE_GUESSES + 1) else {
        return Duration::ZERO;
    };
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn five_guesses_are_free_and_each_further_one_doubles_the_wait() {
        let mut lockout = Lockout::default();
        let mut now = Instant::START;
        for _ in 0..FREE_GUESSES {
            lockout.wrong(now, host(1), b"8001");
            assert_eq!(lockout.wait(now, host(1), b"8001"), None);
        }
        for seconds in [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] {
            lockout.wrong(now, host(1), b"8001");
            assert_eq!(lockout.wait(now, host(1), b"8001"), Some(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(lockout.wait(now, host(1), b"8001"), None, "the wait is over");
        }
        lockout.right(host(1), b"8001");
        assert_eq!(lockout.remembered(), 0);
    }

    #[test]
    fn a_guesser_locks_out_only_itself() {
        let mut lockout = Lockout::default();
        for _ in 0..20 {
            lockout.wrong(Instant::START, host(1), b"8001");
        }
        assert!(lockout.wait(Instant::START, host(1), b"8001").is_some());
        assert!(lockout.wait(Instant::START, host(2), b"8001").is_none());
        assert!(lockout.wait(Instant::START, host(1), b"8002").is_none());
    }

    #[test]
    fn a_guesser_is_forgotten_after_a_quiet_time() {
        let mut lockout = Lockout::default();
        lockout.wrong(Instant::START, host(1), b"8001");
        lockout.wrong(Instant::START + MEMORY, host(2), b"8002");
        assert_eq!(lockout.remembered(), 1);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_those_who_guess_most() {
        let mut lockout = Lockout::default();
        for _ in 0..10 {
            lockout.wrong(Instant::START, host(1), b"8001");
        }
        for name in 0..MAX_GUESSERS + 10 {
            lockout.wrong(Instant::START, host(2), name.to_string().as_bytes());
        }
        assert_eq!(lockout.remembered(), MAX_GUESSERS);
        assert!(lockout.wait(Instant::START, host(1), b"8001").is_some());
    }
}
