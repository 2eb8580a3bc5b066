//! One attempt.

use std::error::Error;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, redirect, retry};
use sha2::Sha256;

use super::answer::{clean, retry_after, verdict};
use super::not_now;
use super::settings::{Auth, Settings, Trust};
use crate::base::time::WallClock;
use crate::tickets::ids::EventId;
use crate::tickets::parcel::{Parcel, Verdict};

/// The longest answer that is read, in octets: a receipt is a line, an error page a few kilobytes.
pub(super) const LONGEST_ANSWER: usize = 64 * 1_024;

/// How long a connection is kept for the next event. Shorter than servers keep theirs, so that it is rarely closed under
/// us; where it is, the event is sent again.
const KEPT: Duration = Duration::from_secs(10);

/// The receipt of an event that its ticket store does not want to hear of.
const LEFT_OUT: &str = "not sent: the mapping leaves such events out";

/// A ticket store and the client that speaks to it.
#[derive(Debug)]
pub(super) struct Address {
    settings: Settings,
    /// Or why there is none.
    client: Result<Client, String>,
}

impl Address {
    pub(super) fn new(settings: Settings) -> Self {
        let client = client(&settings).map_err(|error| reason(&error));
        Self { settings, client }
    }

    pub(super) async fn attempt(&self, parcel: &Parcel, now: WallClock) -> Verdict {
        let client = match &self.client {
            Ok(client) => client,
            Err(why) => return not_now(&format!("no client could be set up: {why}")),
        };
        let body = match self.settings.mapping.as_ref().map(|mapping| mapping.write(&parcel.body)) {
            None => parcel.body.to_string(),
            Some(Ok(Some(body))) => body,
            Some(Ok(None)) => return Verdict::Taken { receipt: LEFT_OUT.to_owned() },
            Some(Err(why)) => return Verdict::Refused { why: why.to_string() },
        };
        let Some(headers) = self.headers(parcel.event, &body, now) else {
            return not_now("the secret does not fit into a header");
        };
        let request = client.post(self.settings.target.url().clone()).headers(headers);
        match request.body(body).send().await {
            Ok(response) => self.answered(response, now).await,
            Err(error) => not_now(&reason(&error)),
        }
    }

    async fn answered(&self, response: Response, now: WallClock) -> Verdict {
        let status = response.status().as_u16();
        let after = retry_after(response.headers().get(RETRY_AFTER).map(HeaderValue::as_bytes), now.unix_ms);
        match body(response).await {
            Ok(body) => verdict(&self.settings.answers, status, after, &body),
            // Cut off in the middle: what it meant to say is not known, whatever its status was.
            Err(why) => Verdict::NotNow { why: format!("{status}, but {why}"), after },
        }
    }

    fn headers(&self, event: EventId, body: &str, now: WallClock) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("idempotency-key", event.to_string().parse().ok()?);
        match &self.settings.auth {
            Auth::None => {}
            Auth::Bearer(token) => {
                headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", token.reveal()))?);
            }
            Auth::Key { header, key } => {
                headers.insert(header.parse::<HeaderName>().ok()?, secret(key.reveal())?);
            }
            Auth::Hmac(key) => {
                let timestamp = (now.unix_ms / 1_000).to_string();
                let signature = signature(key.reveal(), &self.settings.target.path_and_query(), &timestamp, body);
                headers.insert("x-lianxian-timestamp", timestamp.parse().ok()?);
                headers.insert("x-lianxian-signature", signature.parse().ok()?);
            }
        }
        Some(headers)
    }
}

fn client(settings: &Settings) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .user_agent(concat!("lianxian/", env!("CARGO_PKG_VERSION")))
        // V34: whoever answers for the configured host does not choose another one for us.
        .redirect(redirect::Policy::none())
        .no_proxy()
        // One attempt is one attempt: the outbox counts them.
        .retry(retry::never())
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .pool_idle_timeout(KEPT);
    match &settings.trust {
        // Without TLS no certificate is needed, and a machine that has none is no reason not to start.
        Trust::System if !settings.target.is_encrypted() => builder.tls_certs_only([]),
        Trust::System => builder,
        Trust::Only(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem)?),
    }
    .build()
}

/// The whole body, if it comes and is not too long.
async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// HMAC-SHA256 over method, path, timestamp and body.
pub(super) fn signature(key: &str, path: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    for part in ["POST", "\n", path, "\n", timestamp, "\n", body] {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value: HeaderValue = text.parse().ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Why an attempt failed, down to the cause; without the URL, which may have a key in its query.
fn reason(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() { kind.to_owned() } else { format!("{kind}: {}", clean(&cause.to_string())) }
}
