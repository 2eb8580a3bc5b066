//! Which hotline's records go to which ticket store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ids::HotlineId;

/// The built-in ticket store.
pub(super) const BUILT_IN: &str = "builtin";

/// Not a ticket store: events of such a hotline stay in the outbox, for `lianxian outbox export` (R46).
pub(super) const KEPT: &str = "none";

/// The ticket store of each hotline, by name; those that are not named here have the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sinks(BTreeMap<HotlineId, Arc<str>>);

impl Sinks {
    /// As the configuration names them.
    pub fn new(of_hotlines: impl IntoIterator<Item = (HotlineId, Arc<str>)>) -> Self {
        Self(of_hotlines.into_iter().collect())
    }

    /// The ticket store of a hotline.
    pub fn of(&self, hotline: &HotlineId) -> Arc<str> {
        self.0.get(hotline).map_or_else(|| BUILT_IN.into(), Arc::clone)
    }
}
