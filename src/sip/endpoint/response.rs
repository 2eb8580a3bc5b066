//! Responses that arrive: to their transaction, or, for a 2xx that nobody waits for, to an ACK and a BYE (I3).

use super::Endpoint;
use bytes::Bytes;

use crate::base::time::Instant;
use crate::sip::dialog::Dialog;
use crate::sip::fact::{Cause, Observation, Peer};
use crate::sip::flow::Flow;
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{Owner, TxId, What};
use crate::sip::verb::calling::cancellation;
use crate::sip::verb::context;

impl Endpoint {
    /// A response has arrived.
    pub(super) fn on_response(&mut self, now: Instant, flow: Flow, response: Response) {
        // RFC 3261 8.1.3.3: a second Via means that it was for somebody else.
        if response.headers.values(&Name::Via).nth(1).is_some() {
            return self.core.observe(Observation::Ignored { why: "a response for somebody else" });
        }
        let admission = &self.core.admission;
        let from = flow.remote.ip().to_canonical();
        // Only the host that was asked may answer, or another one of the same trunk.
        let admits = |peer: &Peer, asked: &Flow| {
            asked.remote.ip().to_canonical() == from
                || match peer {
                    Peer::Trunk(trunk) => admission.belongs(trunk, from),
                    Peer::Softphone(_) => false,
                }
        };
        let stray = is_invite_success(&response).then(|| response.clone());
        if self.core.transactions.receive_response(now, response, admits) {
            return;
        }
        match stray {
            Some(response) => self.on_stray_success(now, flow, &response),
            None => self.core.observe(Observation::Ignored { why: "a response to no request of ours" }),
        }
    }

    /// News of a transaction that no leg owns any more.
    pub(super) fn orphan_news(&mut self, now: Instant, tx: TxId, what: What) {
        match what {
            What::Response(response) if Class::of(response.code) == Class::Provisional => self.recall(now, tx),
            What::Response(response) if is_invite_success(&response) => {
                let Some(invite) = self.core.transactions.invited(tx) else { return };
                let inside = is_inside(invite);
                let Some(dialog) = Dialog::of_response(&response, Some(&invite.uri)) else { return };
                let Some((flow, peer)) = self.core.transactions.path_of(tx) else { return };
                if self.core.transactions.forks(tx) >= self.core.limits.forks {
                    return self.core.observe(Observation::Ignored { why: "more forks than any honest INVITE has" });
                }
                self.core.acknowledge(tx, &dialog, dialog.local_number(), flow);
                // A re-INVITE's dialog has ended by a BYE already.
                if !inside {
                    self.end_stray(now, dialog, flow, peer);
                }
            }
            What::Response(_) | What::TimedOut | What::TransportFailed | What::Settled => {}
        }
    }

    /// The first response to an INVITE that was given up is a provisional one: the telephone has only now begun to ring,
    /// for nobody. RFC 3261 9.1: now a CANCEL may be sent.
    fn recall(&mut self, now: Instant, tx: TxId) {
        let Some(invite) = self.core.transactions.recalled(tx).filter(|invite| !is_inside(invite)) else { return };
        let cancel = cancellation(invite, &Cause { sip: Some(408), q850: None });
        let Some((flow, peer)) = self.core.transactions.path_of(tx) else { return };
        self.core.start_cancel(now, cancel, flow, peer, Owner::Nobody);
    }

    /// A 2xx to an INVITE of ours whose transaction is forgotten: the peer believes in a call that is none.
    fn on_stray_success(&mut self, now: Instant, flow: Flow, response: &Response) {
        let ours = response.headers.call_id().is_ok_and(|call_id| self.core.mint.knows_call_id(&call_id));
        let (Some(peer), true) = (self.proven(&flow), ours) else {
            return self.core.observe(Observation::Ignored { why: "a response to no request of ours" });
        };
        let Some(dialog) = Dialog::of_response(response, None) else { return };
        if self.by_tag.contains_key(&dialog.local_tag) {
            // The leg lives: this is a repetition that came after 64*T1. Its dialog is not touched.
            return self.core.observe(Observation::Ignored { why: "a very late 2xx" });
        }
        self.core.acknowledge(TxId(0), &dialog, dialog.local_number(), flow);
        let name = stray_name(&dialog);
        if self.ended.peer_of(&name).is_some() {
            // The 2xx comes again because our ACK was lost; the BYE has its own transaction (invariant I5).
            return;
        }
        self.ended.remember(now, name, peer.clone());
        self.end_stray(now, dialog, flow, peer);
    }

    fn end_stray(&mut self, now: Instant, mut dialog: Dialog, flow: Flow, peer: Peer) {
        let bye = context::bye(&mut dialog, &Cause { sip: Some(487), q850: None });
        self.core.start(now, bye, flow, peer, Owner::Nobody);
    }
}

/// Under which a stray dialog is remembered: both tags, which no tag of ours looks like; forks differ in the second.
fn stray_name(dialog: &Dialog) -> Bytes {
    let remote = dialog.remote_tag.as_deref().unwrap_or_default();
    [dialog.local_tag.as_ref(), b";", remote].concat().into()
}

/// Whether an INVITE was sent inside a dialog.
fn is_inside(invite: &Request) -> bool {
    invite.headers.to().is_ok_and(|to| to.tag().is_some())
}

fn is_invite_success(response: &Response) -> bool {
    Class::of(response.code) == Class::Success
        && response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
}
