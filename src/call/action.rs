//! What a call wants done: orders, which never fail; failure comes back as an event.

use crate::base::ids::{CommandId, LegId};
use crate::call::command::Reply;
use crate::call::notice::Notice;
use crate::media;
use crate::sip::order::{LegOrder, OutgoingInvite};
use crate::tickets::entry::Entry;

/// One order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send an INVITE on a new leg.
    Invite(Box<OutgoingInvite>),
    /// Do something on an existing leg.
    Leg {
        /// Which leg.
        leg: LegId,
        /// What.
        order: LegOrder,
    },
    /// Do something to the sound.
    Media(media::order::Order),
    /// Write down what has happened, and what the ticket stores are to learn of it. Whether it has been written comes back.
    Record(Box<Entry>),
    /// Tell the world.
    Publish(Notice),
    /// Answer a command.
    Reply {
        /// Which.
        id: CommandId,
        /// Accepted, or why not.
        reply: Reply,
    },
}

/// The orders of one event, in order. They are carried out after the handler has returned, or not at all when it
/// panicked.
#[derive(Debug, Default)]
pub struct Actions(Vec<Action>);

impl Actions {
    /// Adds an order.
    pub fn push(&mut self, action: Action) {
        self.0.push(action);
    }

    /// What has been ordered so far.
    pub fn iter(&self) -> impl Iterator<Item = &Action> {
        self.0.iter()
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = std::vec::IntoIter<Action>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().collect())
    }
}
