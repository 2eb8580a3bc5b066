//! The daemon's one loop and its hands: the clock, the tasks, the media workers, the execution of what the switch asks.
//!
//! Decides: nothing about calls. It waits, hands one input to the switch, carries out all outputs in order, and asks
//! for the next deadline (the single-mutation rule).
//! Invariants: only [`clock`] reads the system clock; every task and thread is named and watched ([`tasks`], trap E5);
//! no output waits for a disk; every queue between the loop and the world has a limit.
//! Does not do: signalling, media arithmetic, configuration.

pub mod clock;
mod execute;
pub mod handle;
pub mod health;
pub mod media_workers;
pub mod prompts;
mod ration;
pub mod reload;
pub mod run;
pub mod shutdown;
pub mod tasks;
