//! A call as bytes, and back: what a restart does to each call, and a simulation at any event (I32).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Entry, Switch};
use crate::base::ids::CallId;
use crate::base::time::Instant;
use crate::call::Call;
use crate::sip::endpoint::LegCheckpoint;
use crate::switch::stock::Taken;
use crate::switch::usage::Usage;

/// A call with the dialogs of its legs.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    call: Call,
    /// Of every leg that has a dialog.
    legs: Vec<LegCheckpoint>,
}

/// Why a call could not be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// There is no such call.
    #[error("there is no call {0}")]
    NoSuchCall(CallId),
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Switch {
    /// A call as bytes: its state, its timers, its record, and the dialogs of its legs.
    pub fn checkpoint(&self, id: CallId) -> Option<Vec<u8>> {
        let call = self.calls.get(&id)?.call.clone();
        let legs = call.legs().filter_map(|leg| self.endpoint.export_leg(leg.id())).collect();
        serde_json::to_vec(&Checkpoint { call, legs }).ok()
    }

    /// Writes a call down, forgets it, and reads it back. The outside must not notice.
    pub fn drop_and_restore(&mut self, now: Instant, id: CallId) -> Result<(), RestoreError> {
        let now = self.at(now);
        let bytes = self.checkpoint(id).ok_or(RestoreError::NoSuchCall(id))?;
        let Checkpoint { call, legs }: Checkpoint = serde_json::from_slice(&bytes)?;
        for leg in call.legs() {
            self.endpoint.drop_leg(leg.id());
        }
        let usage = self.calls.remove(&id).map(|entry| entry.usage).unwrap_or_default();
        for leg in legs {
            self.endpoint.import_leg(leg);
        }
        assert_eq!(usage, Usage::of(&call), "a call that was read back uses what it used before");
        self.calls.insert(id, Entry { call, usage });
        self.account(now, id, &Taken::default());
        self.settle(now);
        Ok(())
    }

    /// Every call there is.
    pub fn call_ids(&self) -> impl Iterator<Item = CallId> + '_ {
        self.calls.keys().copied()
    }
}
