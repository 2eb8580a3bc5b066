//! What was asked of one media thread and still holds: enough to ask it of another.

use std::collections::BTreeMap;

use crate::base::ids::{CallId, LegId};
use crate::media::order::Order;

/// The legs that a thread was told to open and not yet to close, with the latest order of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book(BTreeMap<LegId, Entry>);

/// One leg. A key that was being sent, and the wish to hear of its next packet, die with the thread: the one has sounded
/// for a moment, the other's deadline is the call's own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    call: CallId,
    open: Order,
    agree: Option<Order>,
    keys: Option<Order>,
    hear: Option<Order>,
}

impl Book {
    /// An empty one.
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes note of an order that is given to the thread.
    pub(super) fn note(&mut self, call: CallId, order: &Order) {
        let leg = order.leg();
        match order {
            Order::Open { .. } => {
                let entry = Entry { call, open: order.clone(), agree: None, keys: None, hear: None };
                // Said again by a call that was restored, it changes nothing.
                self.0.entry(leg).or_insert(entry);
            }
            Order::Close { .. } => {
                self.0.remove(&leg);
            }
            Order::Agree { .. } => self.change(leg, |entry| entry.agree = Some(order.clone())),
            Order::Keys { .. } => self.change(leg, |entry| entry.keys = Some(order.clone())),
            Order::Hear { .. } => self.change(leg, |entry| entry.hear = Some(order.clone())),
            Order::Key { .. } | Order::Await { .. } => {}
        }
    }

    /// Its legs.
    pub(super) fn legs(&self) -> Vec<(CallId, LegId)> {
        self.0.iter().map(|(leg, entry)| (entry.call, *leg)).collect()
    }

    /// The orders that bring another thread to where this one was: every leg is open before any is to be heard.
    pub(super) fn orders(&self) -> impl Iterator<Item = Order> {
        let sessions = self.0.values().flat_map(|entry| [Some(&entry.open), entry.agree.as_ref(), entry.keys.as_ref()]);
        sessions.chain(self.0.values().map(|entry| entry.hear.as_ref())).flatten().cloned()
    }

    fn change(&mut self, leg: LegId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.0.get_mut(&leg) {
            change(entry);
        }
    }
}
