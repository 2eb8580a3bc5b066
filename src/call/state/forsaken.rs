//! The agent has gone before the target answered; the transfer goes on.

use serde::{Deserialize, Serialize};

use super::{Entrusted, Recovering, Releasing, State};
use crate::base::ids::{CommandId, LegId};
use crate::call::action::Action;
use crate::call::comfort;
use crate::call::command::{Accepted, By, Command, Refusal};
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::{Hunt, Spent, Turn};
use crate::call::record;
use crate::call::search::{self, Found};
use crate::call::transfer::{self, Transfer, Wish};

/// The caller hears ringback while the target is hunted further. If nobody takes the call, the caller is given back: to
/// the agent who had it first, that agent's group, the duty desk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Forsaken {
    caller: LegId,
    transfer: Transfer,
    hunt: Hunt,
}

impl Forsaken {
    /// The agent has gone; its leg is out of the books.
    pub(super) fn begin(cx: &mut Context<'_>, caller: LegId, mut transfer: Transfer, hunt: Hunt) -> State {
        transfer.forsaken(cx);
        Self { caller, transfer, hunt }.stay(cx)
    }

    /// A target had answered and did not take the call: a turn of the hunt.
    pub(super) fn go_on(cx: &mut Context<'_>, caller: LegId, transfer: Transfer, turn: Turn) -> State {
        match turn {
            Turn::Searching(hunt) => {
                transfer.note(cx, &[], &hunt);
                Self { caller, transfer, hunt }.stay(cx)
            }
            Turn::Exhausted(spent) => give_back(cx, caller, &transfer, &spent),
        }
    }

    fn stay(self, cx: &mut Context<'_>) -> State {
        comfort::carry_on(cx, self.caller, self.hunt.rings());
        State::Forsaken(self)
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) const fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Command { id, command } => self.on_command(cx, id, command),
            Event::Leg { .. } | Event::Media { .. } | Event::Timer(_) | Event::SeatFree | Event::Begin => {
                self.search(cx, event)
            }
        }
    }

    fn search(self, cx: &mut Context<'_>, event: Event) -> State {
        let Self { caller, transfer, hunt } = self;
        if let Event::Leg { leg, fact } = &event
            && hunt.has(*leg)
        {
            transfer.hear(cx, *leg, fact);
        }
        let before = hunt.ringing().collect::<Vec<_>>();
        match search::handle(cx, caller, hunt, event) {
            Found::Nobody(hunt) => {
                transfer.note(cx, &before, &hunt);
                State::Forsaken(Self { caller, transfer, hunt })
            }
            Found::Person { leg, hunt } => Entrusted::begin(cx, caller, leg, transfer, hunt),
            Found::Exhausted(spent) => {
                transfer.note(cx, &before, spent.hunt());
                give_back(cx, caller, &transfer, &spent)
            }
            Found::CallerGone => {
                transfer.abandoned(cx);
                Releasing::all(cx, &record::NORMAL)
            }
        }
    }

    /// The agent has gone: only the console may still give the transfer up. The caller is given back.
    fn on_command(mut self, cx: &mut Context<'_>, id: CommandId, command: Command) -> State {
        match command {
            Command::CancelTransfer { transfer, by: By::Console } if transfer == self.transfer.id => {
                let accepted = Accepted::Cancelled { call: cx.call, transfer };
                cx.out.push(Action::Reply { id, reply: Ok(accepted) });
                self.hunt.let_go(cx, &record::NORMAL);
                self.transfer.cancelled(cx);
                return recover(cx, self.caller, &self.transfer);
            }
            Command::CancelTransfer { by: By::Agent(_), .. } => cx.refuse_command(id, Refusal::NotYourCall),
            Command::CancelTransfer { .. } | Command::Transfer { .. } => {
                transfer::put_off(cx, self.caller, Wish::Command(id, command), Refusal::NoSuchTransfer);
            }
        }
        State::Forsaken(self)
    }
}

fn give_back(cx: &mut Context<'_>, caller: LegId, transfer: &Transfer, spent: &Spent) -> State {
    transfer.failed(cx, spent.code());
    recover(cx, caller, transfer)
}

fn recover(cx: &mut Context<'_>, caller: LegId, transfer: &Transfer) -> State {
    transfer.given_back(cx);
    let first = cx.record.first_agent();
    let hunt = Hunt::for_caller(cx, first);
    Recovering::begin(cx, caller, hunt)
}
