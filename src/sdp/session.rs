//! One leg's session over its whole life: what we sent last, so that the version grows exactly when it changes.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::negotiate::{self, Agreed, Direction, LocalMedia, LocalPayload, Refusal};

/// A leg's side of its session, with the memory that RFC 3264 8 asks for: the version in `o=`, payload numbers that
/// keep their meaning (T27), and lines that never go away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    local: LocalMedia,
    sent: Option<Bytes>,
}

impl Session {
    /// A session that has said nothing yet.
    pub fn new(address: IpAddr, port: u16, session_id: u64) -> Self {
        Self { local: LocalMedia::new(address, port, session_id), sent: None }
    }

    /// Our side as it would be offered now.
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// Our side is at another address from now on. The dialog is the same: the session keeps its id, and what is said next
    /// counts as a change.
    pub const fn move_to(&mut self, address: IpAddr, port: u16) {
        self.local.address = address;
        self.local.port = port;
    }

    /// Our offer, wanting `direction`.
    pub fn offer(&mut self, direction: Direction) -> Bytes {
        let mut local = LocalMedia { direction, ..self.local.clone() };
        let mut sdp = negotiate::offer(&local);
        if self.changes(&sdp) {
            local.version = local.version.saturating_add(1);
            sdp = negotiate::offer(&local);
        }
        self.local = local;
        self.sent = Some(sdp.clone());
        sdp
    }

    /// Answers the peer's offer, wanting `direction`. A refused offer changes nothing.
    pub fn answer(&mut self, offer: &[u8], direction: Direction) -> Result<Agreed, Refusal> {
        let mut local = LocalMedia { direction, ..self.local.clone() };
        let mut agreed = negotiate::answer(offer, &local)?;
        if agreed.sdp.as_ref().is_some_and(|sdp| self.changes(sdp)) {
            local.version = local.version.saturating_add(1);
            agreed = negotiate::answer(offer, &local)?;
        }
        self.local = local;
        self.sent.clone_from(&agreed.sdp);
        self.adopt(&agreed);
        Ok(agreed)
    }

    /// Concludes our latest offer with the peer's answer.
    pub fn conclude(&self, answer: &[u8]) -> Result<Agreed, Refusal> {
        negotiate::conclude(&self.local, answer)
    }

    /// Whether `sdp`, written with the version sent last, says something else than what was sent last.
    fn changes(&self, sdp: &Bytes) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent != sdp)
    }

    /// Later offers use the payload numbers and lines that this answer has settled (RFC 3264 8.2, 8.3.2; T27).
    fn adopt(&mut self, agreed: &Agreed) {
        self.local.layout = agreed.layout.clone();
        let settled = |codec| agreed.payloads.iter().find(|payload| payload.codec == codec);
        let taken = |number| agreed.payloads.iter().any(|payload| payload.receive_type == number);
        for LocalPayload { codec, number } in &mut self.local.codecs {
            match settled(*codec) {
                Some(payload) => *number = payload.receive_type,
                // A number of ours that the peer uses for another codec of this session would change its meaning.
                None if taken(*number) => *number = (96..128).find(|free| !taken(*free)).unwrap_or(*number),
                None => {}
            }
        }
    }
}
