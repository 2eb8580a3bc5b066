//! What we say of ourselves: Via, Contact, Allow, Supported, product.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;

use super::body;
use super::settings::Settings;
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Headers, Name, Request, Response};

/// The methods that are handled inside and outside of dialogs. Exactly these (trap T46); a test sends each.
pub const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REFER, NOTIFY";
/// The option tags that we understand in Require.
pub const SUPPORTED: &[&str] = &["timer", "replaces", "norefersub"];

/// What we say of ourselves.
#[derive(Clone, Debug)]
pub struct Voice {
    product: Bytes,
    advertised: HashMap<(Transport, SocketAddr), SocketAddr>,
}

impl Voice {
    /// From the settings.
    pub fn new(settings: &Settings) -> Self {
        let advertised = settings
            .listeners
            .iter()
            .map(|listener| ((listener.transport, listener.address), listener.advertised.unwrap_or(listener.address)))
            .collect();
        Self { product: Bytes::from(settings.product.clone()), advertised }
    }

    /// The address that peers of this flow see us under.
    pub fn address(&self, flow: &Flow) -> SocketAddr {
        self.advertised.get(&(flow.transport, flow.local)).copied().unwrap_or(flow.local)
    }

    /// A Via of ours.
    pub fn via(&self, flow: &Flow, branch: &Bytes) -> String {
        let branch = String::from_utf8_lossy(branch);
        format!("SIP/2.0/{} {};branch={branch};rport", word(flow.transport), self.address(flow))
    }

    /// Our Contact on this flow. It says nothing of who is behind us (V42).
    pub fn contact(&self, flow: &Flow) -> String {
        match flow.transport {
            Transport::Udp => format!("<sip:lianxian@{}>", self.address(flow)),
            Transport::Tcp => format!("<sip:lianxian@{};transport=tcp>", self.address(flow)),
        }
    }

    /// What every message that makes or refreshes a dialog carries.
    pub fn introduce(&self, headers: &mut Headers, flow: &Flow) {
        headers.push(Name::Contact, self.contact(flow));
        headers.push(Name::Allow, self.allow());
        headers.push(Name::Supported, SUPPORTED.join(", "));
        headers.push(Name::UserAgent, self.product.clone());
    }

    /// The Allow value.
    pub fn allow(&self) -> &'static str {
        ALLOWED
    }

    /// The answer to an OPTIONS: what we can do (RFC 3261 11.2).
    pub fn options_answer(&self, request: &Request, flow: &Flow) -> Response {
        let mut response = Response::new(200, request);
        response.headers.push(Name::Contact, self.contact(flow));
        response.headers.push(Name::Allow, self.allow());
        response.headers.push(Name::Accept, body::ACCEPTED);
        response.headers.push(Name::Supported, SUPPORTED.join(", "));
        response
    }
}

fn word(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    }
}
