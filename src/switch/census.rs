//! How much there is of everything, to be compared with the baseline (I9).

use crate::sip;

/// How much there is of everything that a call can leave behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Calls.
    pub calls: usize,
    /// Legs that belong to a call.
    pub legs: usize,
    /// Calls with a deadline.
    pub deadlines: usize,
    /// Calls that wait for a seat.
    pub waiting: usize,
    /// Agents who are engaged.
    pub engaged_agents: usize,
    /// Legs on trunks.
    pub trunk_legs: u32,
    /// INVITEs to gateways that have no final response.
    pub gateway_legs: usize,
    /// Port pairs that are taken; those in quarantine are free again as far as calls are concerned.
    pub ports: usize,
    /// The SIP side.
    pub sip: sip::endpoint::Census,
}
