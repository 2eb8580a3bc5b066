//! Where a request inside a dialog goes: route set and remote target (RFC 3261 12.2.1.1, trap T25).

use bytes::Bytes;

use crate::sip::message::{Name, NameAddr, Request, Uri};

/// Writes Request-URI and Route headers of a request inside a dialog.
pub fn address(request: &mut Request, target: &Uri, routes: &[NameAddr]) {
    let Some((first, rest)) = routes.split_first() else {
        request.uri = target.clone();
        return;
    };
    if first.uri.param("lr").is_some() {
        request.uri = target.clone();
        for route in routes {
            request.headers.push(Name::Route, route.to_bytes());
        }
        return;
    }
    // A strict router (RFC 2543) wants itself in the Request-URI and the target at the end of the route.
    request.uri = first.uri.clone().without_headers();
    request.uri.remove_param("method");
    for route in rest {
        request.headers.push(Name::Route, route.to_bytes());
    }
    request.headers.push(Name::Route, bracketed(target));
}

/// The URI that decides the next hop: the first route, or the target.
pub fn next_hop<'a>(target: &'a Uri, routes: &'a [NameAddr]) -> &'a Uri {
    routes.first().map_or(target, |route| &route.uri)
}

fn bracketed(uri: &Uri) -> Bytes {
    let inner = uri.to_bytes();
    let mut value = Vec::with_capacity(inner.len() + 2);
    value.push(b'<');
    value.extend_from_slice(&inner);
    value.push(b'>');
    Bytes::from(value)
}
