//! Real sockets on loopback, each party on its own address.

mod media_plane;
mod transport;
