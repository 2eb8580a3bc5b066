//! What the media plane tells the call.

use serde::{Deserialize, Serialize};

/// Something that happened to a leg's media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The sockets could not be bound, or the leg's media has failed for good.
    OpenFailed,
    /// The first valid packet since the leg was opened, or since the call last asked for it (`Order::Await`).
    FirstPacket,
    /// No valid packet for 5 s although the peer may send, but its reports (RTCP) show that it is there.
    Paused {
        /// Whether the leg has ever sent a valid packet.
        ever_heard: bool,
    },
    /// No valid packet for this long although the peer may send, and no report: 5 s after it started or stopped, or 10 s
    /// after the last report of a peer that had paused.
    Silent {
        /// How long, in milliseconds.
        for_ms: u32,
        /// Whether the leg has ever sent a valid packet; if not, the sound is one-way or missing.
        ever_heard: bool,
    },
    /// Valid packets again after `Paused` or `Silent`.
    Resumed,
    /// A key, once each, in order, at its end (RFC 4733, or in the voice).
    Key {
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Milliseconds.
        duration_ms: u32,
    },
    /// A prompt that was to be played once has ended.
    PromptEnded,
}
