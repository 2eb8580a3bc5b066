//! Two offers that cross: how long to wait before ours is tried again (RFC 3261 14.1, trap T11).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::entropy::Entropy;

/// Who made the Call-ID of the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallIdOwner {
    /// We did: our INVITE started it.
    Us,
    /// The peer did.
    Peer,
}

/// How often an offer is tried before the call is told 491.
pub const ATTEMPTS: u8 = 8;

/// The wait after a 491: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in units of 10 ms.
pub fn back_off(owner: CallIdOwner, entropy: &mut Entropy) -> Duration {
    let units = match owner {
        CallIdOwner::Us => 210 + entropy.below(191),
        CallIdOwner::Peer => entropy.below(201),
    };
    Duration::from_millis(units * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_the_call_id_waits_longer_than_the_other() {
        let mut entropy = Entropy::from_number(7);
        for _ in 0..1000 {
            let ours = back_off(CallIdOwner::Us, &mut entropy);
            assert!((Duration::from_millis(2100)..=Duration::from_secs(4)).contains(&ours));
            assert!(back_off(CallIdOwner::Peer, &mut entropy) <= Duration::from_secs(2));
        }
    }
}
