//! Which hotline's records go to which ticket store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ids::HotlineId;
use crate::tickets::parcel::BUILTIN;

/// The ticket store of each hotline, by name; those that are not named here have the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sinks {
    of_hotlines: BTreeMap<HotlineId, Arc<str>>,
    in_flight: BTreeMap<Arc<str>, usize>,
}

impl Sinks {
    /// As the configuration names them.
    pub fn new(of_hotlines: impl IntoIterator<Item = (HotlineId, Arc<str>)>) -> Self {
        Self { of_hotlines: of_hotlines.into_iter().collect(), in_flight: BTreeMap::new() }
    }

    /// How many events may be on their way to each ticket store at a time; to others as many as is usual.
    pub fn with_limits(mut self, in_flight: impl IntoIterator<Item = (Arc<str>, usize)>) -> Self {
        self.in_flight = in_flight.into_iter().collect();
        self
    }

    /// These limits.
    pub(super) fn limits(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.in_flight.iter().map(|(store, limit)| (store, *limit))
    }

    /// The ticket store of a hotline.
    pub fn of(&self, hotline: &HotlineId) -> Arc<str> {
        self.of_hotlines.get(hotline).map_or_else(|| BUILTIN.into(), Arc::clone)
    }
}
