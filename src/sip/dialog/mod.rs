//! Dialogs: what two ends have in common (RFC 3261 12).
//!
//! Decides: which tags, sequence numbers, route set and target a request inside a dialog carries; how fresh names are
//! made; when a crossing offer is tried again; when a session has to be refreshed.
//! Invariants: our own CSeq strictly grows; a lower CSeq of the peer never acts (I5); tags and branches have 64 random
//! bits (V23); the route set is fixed when the dialog is made, the target moves with each target refresh.
//! Does not do: what a leg does with a method (that is `verb`), transactions.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod glare;
pub mod mint;
pub mod session_timer;
pub mod target;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sip::message::{Headers, Method, Name, NameAddr, Request, Response, Uri};

/// One dialog, early or confirmed, seen from our end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: Bytes,
    /// Our tag.
    pub local_tag: Bytes,
    /// The peer's tag. `None` for a peer that follows RFC 2543 (RFC 3261 12.1.1).
    pub remote_tag: Option<Bytes>,
    /// Our From value, with tag, as it was first written.
    local: Bytes,
    /// The peer's value, with tag, as it was first written.
    remote: Bytes,
    /// The remote target: the peer's Contact.
    target: Uri,
    /// The route set, in the order of our requests.
    routes: Vec<NameAddr>,
    /// The CSeq number of our latest request.
    local_number: u32,
    /// The CSeq number of the peer's latest request.
    remote_number: Option<u32>,
}

impl fmt::Debug for Dialog {
    /// Who talks to whom is nobody's business in a log (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialog")
            .field("call_id", &self.call_id)
            .field("local_number", &self.local_number)
            .field("remote_number", &self.remote_number)
            .finish_non_exhaustive()
    }
}

/// How a request of the peer stands in the sequence of its dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// It is newer than all before it.
    New,
    /// It is out of order: 500, no effect (RFC 3261 12.2.2).
    Old,
}

impl Dialog {
    /// The dialog that a response to our INVITE makes (RFC 3261 12.1.2). `None` if the response lacks what it takes.
    pub fn of_response(response: &Response, fallback_target: Option<&Uri>) -> Option<Self> {
        let headers = &response.headers;
        let to = headers.to().ok()?;
        let from = headers.from().ok()?;
        // A defect in a Record-Route must not leave an answered peer without its ACK.
        let mut routes = headers.record_routes().unwrap_or_default();
        routes.reverse();
        Some(Self {
            call_id: headers.call_id().ok()?,
            local_tag: from.tag()?.clone(),
            remote_tag: to.tag().cloned(),
            local: headers.get(&Name::From)?.clone(),
            remote: headers.get(&Name::To)?.clone(),
            target: contact(headers).or_else(|| fallback_target.cloned())?,
            routes,
            local_number: headers.cseq().ok()?.number,
            remote_number: None,
        })
    }

    /// The dialog that our response to the peer's INVITE makes (RFC 3261 12.1.1).
    pub fn of_request(request: &Request, local_tag: Bytes) -> Option<Self> {
        let headers = &request.headers;
        let from = headers.from().ok()?;
        let mut to = headers.to().ok()?;
        to.set_tag(local_tag.clone());
        Some(Self {
            call_id: headers.call_id().ok()?,
            local_tag,
            remote_tag: from.tag().cloned(),
            local: to.to_bytes(),
            remote: headers.get(&Name::From)?.clone(),
            // RFC 2543 peers send no Contact; their From is the best guess.
            target: contact(headers).unwrap_or_else(|| from.uri.clone()),
            routes: headers.record_routes().ok()?,
            local_number: 0,
            remote_number: Some(headers.cseq().ok()?.number),
        })
    }

    /// The 2xx confirms what this early dialog began: sequence numbers go on.
    pub fn continue_from(&mut self, early: &Self) {
        self.local_number = self.local_number.max(early.local_number);
        self.remote_number = early.remote_number;
    }

    /// A new request of ours inside the dialog, without Via.
    pub fn request(&mut self, method: Method) -> Request {
        // 2^31 requests in one dialog are out of reach; the peer's numbers never enter this one.
        self.local_number += 1;
        self.numbered(method, self.local_number)
    }

    /// The ACK of the 2xx to our INVITE with this CSeq number (RFC 3261 13.2.2.4), without Via.
    pub fn ack(&self, number: u32) -> Request {
        self.numbered(Method::Ack, number)
    }

    /// Whether a request belongs to this dialog: Call-ID and both tags (trap T25, T29).
    pub fn matches(&self, request: &Request) -> bool {
        let headers = &request.headers;
        let from_tag = headers.from().ok().and_then(|from| from.tag().cloned());
        headers.call_id().is_ok_and(|call_id| call_id == self.call_id) && from_tag == self.remote_tag
    }

    /// Takes the CSeq number of a request of the peer.
    pub fn sequence(&mut self, request: &Request) -> Sequence {
        let Ok(cseq) = request.headers.cseq() else { return Sequence::Old };
        if self.remote_number.is_some_and(|latest| cseq.number <= latest) {
            return Sequence::Old;
        }
        self.remote_number = Some(cseq.number);
        Sequence::New
    }

    /// A target refresh: the peer's new Contact, if it sent one (RFC 3261 12.2.1.2, 12.2.2).
    pub fn refresh_target(&mut self, headers: &Headers) {
        if let Some(target) = contact(headers) {
            self.target = target;
        }
    }

    /// The URI that decides the next hop of our requests.
    pub fn next_hop(&self) -> &Uri {
        target::next_hop(&self.target, &self.routes)
    }

    /// The CSeq number of our latest request.
    pub fn local_number(&self) -> u32 {
        self.local_number
    }

    fn numbered(&self, method: Method, number: u32) -> Request {
        let name = String::from_utf8_lossy(method.as_bytes()).into_owned();
        let mut request = Request::new(method, self.target.clone());
        target::address(&mut request, &self.target, &self.routes);
        request.headers.push(Name::MaxForwards, "70");
        request.headers.push(Name::From, self.local.clone());
        request.headers.push(Name::To, self.remote.clone());
        request.headers.push(Name::CallId, self.call_id.clone());
        request.headers.push(Name::CSeq, format!("{number} {name}"));
        request
    }
}

/// The one Contact of a dialog-making message.
fn contact(headers: &Headers) -> Option<Uri> {
    headers.contacts().ok()?.into_iter().next().map(|contact| contact.uri.without_headers())
}
