//! Real sockets on loopback, each party on its own address.

mod daemon;
mod media_plane;
mod transport;
