//! The gateways of a trunk, and which of them is tried first (RFC 2782).

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One address that requests to a trunk may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// Where it is.
    pub address: SocketAddr,
    /// A lower number is tried first.
    pub priority: u16,
    /// Its share among those of the same priority; 0 is next to none.
    pub weight: u16,
}

impl Gateway {
    /// Gateways that are tried in the order in which they stand.
    pub fn in_order(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<Self> {
        let gateway = |(priority, address)| Self { address, priority, weight: 1 };
        (0..=u16::MAX).zip(addresses).map(gateway).collect()
    }
}

/// The first to be tried: of the lowest priority one by weight (RFC 2782). `random` is any number.
pub fn pick<'a>(gateways: impl IntoIterator<Item = &'a Gateway>, random: u64) -> Option<&'a Gateway> {
    let all: Vec<&Gateway> = gateways.into_iter().collect();
    let first = all.iter().map(|gateway| gateway.priority).min()?;
    let mut equals: Vec<&Gateway> = all.into_iter().filter(|gateway| gateway.priority == first).collect();
    // RFC 2782: those of weight 0 stand at the beginning, so that they have a small chance.
    equals.sort_by_key(|gateway| gateway.weight != 0);
    let sum: u64 = equals.iter().map(|gateway| u64::from(gateway.weight)).sum();
    let mut mark = random % (sum + 1);
    equals.into_iter().find(|gateway| {
        let hit = mark <= u64::from(gateway.weight);
        mark = mark.saturating_sub(gateway.weight.into());
        hit
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn gateway(host: u8, priority: u16, weight: u16) -> Gateway {
        Gateway { address: ([192, 0, 2, host], 5060).into(), priority, weight }
    }

    #[test]
    fn a_lower_priority_comes_first_whatever_the_weights() {
        let all = [gateway(1, 20, 60_000), gateway(2, 10, 0), gateway(3, 10, 0)];
        for random in 0..100 {
            assert_eq!(pick(&all, random).map(|gateway| gateway.priority), Some(10));
        }
        assert_eq!(pick([], 7), None);
    }

    #[test]
    fn equals_share_by_weight() {
        let all = [gateway(1, 10, 3), gateway(2, 10, 1)];
        let mut shares: BTreeMap<SocketAddr, u32> = BTreeMap::new();
        for random in 0..5_000 {
            *shares.entry(pick(&all, random).expect("one of two").address).or_default() += 1;
        }
        let (heavy, light) = (shares[&all[0].address], shares[&all[1].address]);
        assert!(heavy > 3 * light && light > 500, "{heavy} to {light}");
    }

    #[test]
    fn in_order_means_one_after_the_other() {
        let all = Gateway::in_order([1, 2, 3].map(|host| ([192, 0, 2, host], 5060).into()));
        for random in 0..10 {
            assert_eq!(pick(&all, random), all.first());
            assert_eq!(pick(all.iter().skip(1), random), all.get(1));
        }
    }
}
