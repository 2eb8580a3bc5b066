//! After our BYE, until its final response (RFC 3261 15.1.1).

use serde::{Deserialize, Serialize};

use super::context::{Context, bye};
use super::{Input, State};
use crate::sip::dialog::Dialog;
use crate::sip::fact::{Cause, LegFact};
use crate::sip::message::{Method, Request};
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{TxId, What};

/// We have sent BYE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    dialog: Dialog,
    bye: TxId,
}

impl Leaving {
    /// Sends the BYE.
    pub fn start(cx: &mut Context<'_>, mut dialog: Dialog, cause: &Cause) -> State {
        let request = bye(&mut dialog, cause);
        let flow = cx.flow(&dialog);
        cx.timers.clear();
        let bye = cx.start(request, flow);
        State::Leaving(Box::new(Self { dialog, bye }))
    }

    /// Whether a request belongs to the dialog.
    pub fn matches(&self, request: &Request) -> bool {
        self.dialog.matches(request)
    }

    /// The dialog.
    pub(super) const fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Takes one input.
    pub fn handle(self: Box<Self>, cx: &mut Context<'_>, input: Input<'_>) -> State {
        match input {
            Input::News { tx, what } if tx == self.bye => match what {
                What::Response(response) if Class::of(response.code) == Class::Provisional => State::Leaving(self),
                // Any final answer will do: 481 says the same, and a 401 is never given our credentials (V8).
                What::Response(_) | What::TimedOut | What::TransportFailed | What::Settled => {
                    cx.fact(LegFact::Released);
                    State::Over
                }
            },
            Input::News { tx, what: What::Response(response) } if is_invite_success(&response) => {
                let tag = response.headers.to().ok().and_then(|to| to.tag().cloned());
                if tag == self.dialog.remote_tag {
                    // The answer to our re-INVITE crossed our BYE: it is ACKed all the same (I3).
                    let number = response.headers.cseq().map_or(0, |cseq| cseq.number);
                    cx.acknowledge(tx, &self.dialog, number);
                } else {
                    cx.decline_success(tx, &response, &Cause { sip: Some(487), q850: None });
                }
                State::Leaving(self)
            }
            Input::Request { tx, request } | Input::Refer { tx, request, .. } => {
                // Crossing BYEs are both answered (F32); everything else comes too late.
                let code = if request.method == Method::Bye { 200 } else { 481 };
                cx.answer(tx, request, code);
                State::Leaving(self)
            }
            Input::Order(_) => {
                cx.ignore("an order for a leg that has been hung up");
                State::Leaving(self)
            }
            Input::News { .. } | Input::Ack(_) | Input::Cancelled { .. } | Input::Timer(_) => State::Leaving(self),
        }
    }
}

fn is_invite_success(response: &crate::sip::message::Response) -> bool {
    Class::of(response.code) == Class::Success
        && response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
}
