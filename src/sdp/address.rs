//! What kind of address an SDP names: the fact; whether it may be used is decided by the call (V25).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AddressClass {
    /// A single host, which may be sent to if the peer's networks hold it.
    Unicast,
    /// 127.0.0.0/8 or ::1: ourselves, a media loop unless the peer is a test on this machine.
    Loopback,
    /// 169.254.0.0/16 or fe80::/10: meaningless beyond one wire.
    LinkLocal,
    /// 224.0.0.0/4 or ff00::/8: never sent to.
    Multicast,
    /// 255.255.255.255: never sent to.
    Broadcast,
    /// 0.0.0.0 or ::, the hold of RFC 2543: nothing is sent.
    Unspecified,
}

/// The class of `address`. An IPv4 address mapped into IPv6 has the class of the IPv4 address.
pub fn address_class(address: IpAddr) -> AddressClass {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_unspecified() => AddressClass::Unspecified,
        IpAddr::V4(v4) if v4.is_loopback() => AddressClass::Loopback,
        IpAddr::V4(v4) if v4.is_broadcast() => AddressClass::Broadcast,
        IpAddr::V4(v4) if v4.is_multicast() => AddressClass::Multicast,
        IpAddr::V4(v4) if v4.is_link_local() => AddressClass::LinkLocal,
        IpAddr::V6(v6) if v6.is_unspecified() => AddressClass::Unspecified,
        IpAddr::V6(v6) if v6.is_loopback() => AddressClass::Loopback,
        IpAddr::V6(v6) if v6.is_multicast() => AddressClass::Multicast,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => AddressClass::LinkLocal,
        IpAddr::V4(_) | IpAddr::V6(_) => AddressClass::Unicast,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_class() {
        for (text, class) in [
            ("192.0.2.1", AddressClass::Unicast),
            ("10.0.0.1", AddressClass::Unicast),
            ("2001:db8::1", AddressClass::Unicast),
            ("127.0.0.1", AddressClass::Loopback),
            ("127.9.9.9", AddressClass::Loopback),
            ("::1", AddressClass::Loopback),
            ("::ffff:127.0.0.1", AddressClass::Loopback),
            ("169.254.1.1", AddressClass::LinkLocal),
            ("fe80::1", AddressClass::LinkLocal),
            ("224.0.0.1", AddressClass::Multicast),
            ("239.255.255.255", AddressClass::Multicast),
            ("ff02::1", AddressClass::Multicast),
            ("::ffff:224.0.0.1", AddressClass::Multicast),
            ("255.255.255.255", AddressClass::Broadcast),
            ("0.0.0.0", AddressClass::Unspecified),
            ("::", AddressClass::Unspecified),
        ] {
            assert_eq!(address_class(text.parse().unwrap()), class, "{text}");
        }
    }
}
