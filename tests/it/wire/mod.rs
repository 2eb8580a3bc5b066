//! Real sockets on loopback, each party on its own address.

mod transport;
