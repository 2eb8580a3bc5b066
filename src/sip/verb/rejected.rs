//! After our refusal of the peer's INVITE, until its ACK.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::{Input, State};
use crate::sip::fact::LegFact;
use crate::sip::transaction::table::{TxId, What};

/// We have refused the peer's INVITE; its ACK is awaited, at most for 64*T1 (Timer H).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    invite: TxId,
}

impl Rejected {
    /// The refusal has been sent.
    pub fn new(invite: TxId) -> Self {
        Self { invite }
    }

    /// Takes one input.
    pub fn handle(self, cx: &mut Context<'_>, input: Input<'_>) -> State {
        match input {
            Input::News { tx, what } if tx == self.invite => match what {
                What::Settled | What::TimedOut | What::TransportFailed => {
                    cx.fact(LegFact::Released);
                    State::Over
                }
                What::Response(_) => State::Rejected(self),
            },
            Input::Request { tx, request } | Input::Refer { tx, request, .. } => {
                cx.answer(tx, request, 481);
                State::Rejected(self)
            }
            Input::News { .. } | Input::Ack(_) | Input::Cancelled { .. } | Input::Timer(_) => State::Rejected(self),
            Input::Order(_) => {
                cx.ignore("an order for a leg that has been refused");
                State::Rejected(self)
            }
        }
    }
}
