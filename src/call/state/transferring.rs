//! Caller and agent stay joined while the target is hunted.

use serde::{Deserialize, Serialize};

use super::{Confirming, Forsaken, Releasing, State};
use crate::base::ids::{CommandId, LegId};
use crate::call::action::Action;
use crate::call::command::{Accepted, Command, Refusal};
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::{Hunt, Outcome, Turn};
use crate::call::notice::What;
use crate::call::pair::{After, Mood, Pair};
use crate::call::record::{self, LegEnd};
use crate::call::silence::{self, Left};
use crate::call::timer::Timer;
use crate::call::transfer::{self, Transfer, Wish};
use crate::media::fact::Fact;
use crate::sip::fact::LegFact;

/// Caller and agent talk or hold as before; beside them the target is hunted, once through the plan. Nobody is released
/// before the target has answered, and if nobody answers, nothing has happened to the two (traps T12, T15).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transferring {
    pair: Pair,
    mood: Mood,
    transfer: Transfer,
    hunt: Hunt,
}

impl Transferring {
    /// A turn of the hunt: it goes on, or nobody is left and caller and agent are simply in talk.
    pub(in crate::call) fn go_on(
        cx: &mut Context<'_>,
        pair: Pair,
        mood: Mood,
        transfer: Transfer,
        turn: Turn,
    ) -> State {
        match turn {
            Turn::Searching(hunt) => {
                transfer.note(cx, &[], &hunt);
                State::Transferring(Self { pair, mood, transfer, hunt })
            }
            Turn::Exhausted(spent) => {
                transfer.failed(cx, spent.code());
                pair.stay(mood)
            }
        }
    }

    pub(super) const fn pair(&self) -> Pair {
        self.pair
    }

    pub(super) const fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if self.hunt.has(leg) => self.on_target(cx, leg, fact),
            Event::Media { leg, fact } if self.hunt.has(leg) => self.on_target_sound(cx, leg, fact),
            Event::Timer(Timer::Hunt { hunt, wait }) if hunt == self.hunt.id() => {
                let before = self.hunt.ringing().collect::<Vec<_>>();
                let turn = self.hunt.clone().on_wait(cx, wait);
                self.after(cx, &before, turn.into())
            }
            Event::Leg { .. }
            | Event::Media { .. }
            | Event::Timer(_)
            | Event::Command { .. }
            | Event::SeatFree
            | Event::Begin => self.on_pair(cx, event),
        }
    }

    // --- the target ---

    fn on_target(self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> State {
        self.transfer.hear(cx, leg, &fact);
        let before = self.hunt.ringing().collect::<Vec<_>>();
        let outcome = self.hunt.clone().on_leg(cx, leg, fact);
        self.after(cx, &before, outcome)
    }

    fn after(self, cx: &mut Context<'_>, before: &[LegId], outcome: Outcome) -> State {
        let Self { pair, mood, transfer, .. } = self;
        match outcome {
            Outcome::Searching(hunt) => {
                transfer.note(cx, before, &hunt);
                State::Transferring(Self { pair, mood, transfer, hunt })
            }
            Outcome::Found { leg, hunt } => Confirming::begin(cx, pair, mood, leg, transfer, hunt),
            Outcome::Exhausted(spent) => {
                transfer.note(cx, before, spent.hunt());
                transfer.failed(cx, spent.code());
                pair.stay(mood)
            }
        }
    }

    /// Its early media is heard by nobody: caller and agent are in talk.
    fn on_target_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact) -> State {
        match silence::on_fact(cx, leg, fact, None) {
            // A callee without sound is no callee: the next one.
            Left::OpenFailed => {
                let before = self.hunt.ringing().collect::<Vec<_>>();
                let turn = self.hunt.clone().give_up_callee(cx);
                self.after(cx, &before, turn.into())
            }
            Left::Nothing | Left::PromptEnded => State::Transferring(self),
        }
    }

    // --- caller and agent ---

    fn on_pair(self, cx: &mut Context<'_>, event: Event) -> State {
        match self.pair.take(cx, event, self.mood) {
            After::Joined(mood) => State::Transferring(Self { mood, ..self }),
            After::CallerGone => self.abandon(cx),
            After::PartyHungUp(cause) => {
                cx.over(self.pair.party, LegEnd::HungUp(cause));
                self.forsake(cx)
            }
            After::PartyLost(loss) => {
                cx.publish(What::PartyLost { leg: self.pair.party, loss });
                cx.over(self.pair.party, LegEnd::Lost(loss));
                self.forsake(cx)
            }
            After::PartyUnheard => {
                cx.release(self.pair.party, record::UNAVAILABLE);
                self.forsake(cx)
            }
            After::Wanted(Wish::Command(id, Command::CancelTransfer { transfer, by }))
                if transfer == self.transfer.id =>
            {
                if transfer::may_command(cx, self.pair.party, &by) {
                    self.cancel(cx, id)
                } else {
                    cx.refuse_command(id, Refusal::NotYourCall);
                    State::Transferring(self)
                }
            }
            After::Wanted(wish) => {
                transfer::put_off(cx, self.pair.party, wish, Refusal::NoSuchTransfer);
                State::Transferring(self)
            }
        }
    }

    /// A BYE of the transferor in mid-transfer frees the transferor only: the caller stays, dialling goes on (trap T1).
    fn forsake(self, cx: &mut Context<'_>) -> State {
        Forsaken::begin(cx, self.pair.caller, self.transfer, self.hunt)
    }

    fn abandon(mut self, cx: &mut Context<'_>) -> State {
        self.hunt.let_go(cx, &record::NORMAL);
        self.transfer.abandoned(cx);
        Releasing::all(cx, &record::NORMAL)
    }

    fn cancel(mut self, cx: &mut Context<'_>, id: CommandId) -> State {
        let accepted = Accepted::Cancelled { call: cx.call, transfer: self.transfer.id };
        cx.out.push(Action::Reply { id, reply: Ok(accepted) });
        self.hunt.let_go(cx, &record::NORMAL);
        self.transfer.cancelled(cx);
        self.pair.stay(self.mood)
    }
}
