//! The phone registers, with its own digest (RFC 8760, SHA-256).

use std::time::Duration;

use lianxian::base::time::Instant;
use sha2::{Digest, Sha256};

use super::super::sip_writer::SipText;
use super::{Phone, Todo};

/// A softphone's registration.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The user name of the digest.
    pub user: String,
    /// The password.
    pub password: String,
    /// How long each registration is asked to last.
    pub expires_s: u32,
    /// When the last 200 came.
    pub registered_at: Option<Instant>,
    /// Refusals in a row.
    pub refused: u32,
    call_id: String,
    cseq: u32,
    nonce_count: u32,
}

impl Registration {
    /// A registration not yet made.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            expires_s: 3600,
            registered_at: None,
            refused: 0,
            call_id: String::new(),
            cseq: 0,
            nonce_count: 0,
        }
    }
}

impl Phone {
    /// Registers, or refreshes.
    pub fn register(&mut self, now: Instant) {
        let request = self.register_request(None);
        self.ask(now, request);
    }

    fn register_request(&mut self, authorization: Option<String>) -> SipText {
        let (via, contact, token) = (self.via(), self.contact(), self.token());
        let from_tag = self.token();
        let (id, number, host, server) = (self.id, self.number.clone(), self.server.ip(), self.server);
        let registration = self.registration.as_mut().expect("only softphones register");
        if registration.call_id.is_empty() {
            registration.call_id = token;
        }
        registration.cseq += 1;
        let mut request = SipText::request("REGISTER", &format!("sip:{server}"))
            .with("Via", via)
            .with("Max-Forwards", "70")
            .with("From", format!("<sip:{number}@{host}>;tag={from_tag}"))
            .with("To", format!("<sip:{number}@{host}>"))
            .with("Call-ID", registration.call_id.clone())
            .with("CSeq", format!("{} REGISTER", registration.cseq))
            .with("Contact", contact)
            .with("User-Agent", format!("{}{id}x telephone of a clerk, firmware 1.2.3", super::super::MARK))
            .with("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, SUBSCRIBE, MESSAGE")
            .with("Supported", "replaces, outbound, path, gruu, timer, 100rel, norefersub")
            .with("Expires", registration.expires_s.to_string());
        if let Some(value) = authorization {
            request = request.with("Authorization", value);
        }
        request
    }

    pub(super) fn on_registered(&mut self, now: Instant, response: &SipText) {
        let code = response.code().unwrap_or(0);
        let uri = format!("sip:{}", self.server);
        let registration = self.registration.as_mut().expect("only softphones register");
        match code {
            200 => {
                registration.registered_at = Some(now);
                registration.refused = 0;
                if registration.expires_s == 0 {
                    return;
                }
                let refresh = Duration::from_secs(u64::from(registration.expires_s) / 2);
                self.later(now + refresh, Todo::Register);
            }
            401 if registration.refused < 3 => {
                registration.refused += 1;
                registration.nonce_count += 1;
                let challenge =
                    response.all("www-authenticate").find(|value| value.contains("SHA-256")).unwrap_or_default();
                let authorization = authorize(registration, challenge, "REGISTER", &uri);
                let request = self.register_request(Some(authorization));
                self.ask(now, request);
            }
            _ => {
                registration.refused += 1;
                self.later(now + Duration::from_secs(5), Todo::Register);
            }
        }
    }
}

fn quoted<'a>(challenge: &'a str, name: &str) -> &'a str {
    challenge
        .split([',', ' '])
        .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        .map_or("", |value| value.trim_matches('"'))
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn authorize(registration: &Registration, challenge: &str, method: &str, uri: &str) -> String {
    let (realm, nonce) = (quoted(challenge, "realm"), quoted(challenge, "nonce"));
    let first = hash(&format!("{}:{realm}:{}", registration.user, registration.password));
    let second = hash(&format!("{method}:{uri}"));
    let count = format!("{:08x}", 1);
    let client = format!("c{:08x}", registration.nonce_count);
    let response = hash(&format!("{first}:{nonce}:{count}:{client}:auth:{second}"));
    format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm=SHA-256, qop=auth, nc={count}, cnonce=\"{client}\"",
        registration.user
    )
}
