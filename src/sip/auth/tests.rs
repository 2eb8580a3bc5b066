use md5::Md5;
use sha2::{Digest, Sha256};

use super::*;
use crate::sip::message::Method;

const REALM: &str = "12345.example";

/// A softphone that knows how to answer: its own arithmetic, not the product's.
#[derive(Clone)]
struct Phone {
    user: &'static str,
    password: &'static str,
    method: Method,
    uri: &'static str,
    count: &'static str,
    algorithm: Algorithm,
}

fn phone() -> Phone {
    Phone {
        user: "8001",
        password: "correct horse",
        method: Method::Register,
        uri: "sip:12345.example",
        count: "00000001",
        algorithm: Algorithm::Sha256,
    }
}

impl Phone {
    fn request(&self, challenges: &[Bytes]) -> Request {
        let named = format!("algorithm={}", self.algorithm.token());
        let challenge = challenges.iter().map(|value| std::str::from_utf8(value).unwrap());
        let challenge = challenge.into_iter().find(|value| value.contains(&named)).expect("an algorithm we know");
        let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        let hash = |text: String| -> String {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            match self.algorithm {
                Algorithm::Sha256 => hex(&Sha256::digest(text)),
                Algorithm::Md5 => hex(&Md5::digest(text)),
            }
        };
        let ha1 = hash(format!("{}:{REALM}:{}", self.user, self.password));
        let ha2 = hash(format!("{}:{}", std::str::from_utf8(self.method.as_bytes()).unwrap(), self.uri));
        let response = hash(format!("{ha1}:{nonce}:{}:0a4f113b:auth:{ha2}", self.count));
        let mut request = Request::new(self.method.clone(), Uri::parse(self.uri.as_bytes()).unwrap());
        let (user, uri, count) = (self.user, self.uri, self.count);
        let value = format!(
            "Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", {named}, cnonce=\"0a4f113b\", qop=auth, nc={count}"
        );
        request.headers.push(Name::Authorization, value);
        request
    }
}

fn settings() -> Settings {
    Settings::new(REALM).with_password(AgentId::from("8001"), "correct horse")
}

fn authenticator() -> Authenticator {
    Authenticator::new(settings(), Entropy::from_number(7))
}

fn host(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

/// Asks, is challenged, answers.
fn attempt(auth: &mut Authenticator, now: Instant, phone: &Phone) -> Verdict {
    let challenge = auth.challenge(now, host(1), Because::NoCredentials);
    auth.verify(now, &phone.request(&challenge), host(1))
}

#[test]
fn the_challenge_offers_both_algorithms_the_better_first() {
    let challenge = authenticator().challenge(at(0), host(1), Because::NoCredentials);
    let text: Vec<&str> = challenge.iter().map(|value| std::str::from_utf8(value).unwrap()).collect();
    assert!(text[0].starts_with("Digest realm=\"12345.example\", qop=\"auth\", nonce=\""));
    assert!(text[0].ends_with("\", algorithm=SHA-256") && text[1].ends_with("\", algorithm=MD5"), "{text:?}");
    assert_eq!(text.len(), 2);
}

#[test]
fn the_right_secret_is_granted_under_either_algorithm() {
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let granted = attempt(&mut authenticator(), at(0), &Phone { algorithm, ..phone() });
        assert_eq!(granted, Verdict::Granted(AgentId::from("8001")));
    }
}

#[test]
fn a_wrong_secret_and_an_unknown_name_are_denied_alike() {
    for wrong in [
        Phone { password: "wrong", ..phone() },
        Phone { user: "9999", ..phone() },
        Phone { user: "nobody", ..phone() },
        Phone { user: "", ..phone() },
    ] {
        let mut auth = authenticator();
        assert_eq!(attempt(&mut auth, at(0), &wrong), Verdict::Denied, "{}", wrong.user);
        assert_eq!(auth.remembered(), (0, 1));
    }
}

#[test]
fn credentials_for_something_else_are_denied() {
    let mut auth = authenticator();
    let challenge = auth.challenge(at(0), host(1), Because::NoCredentials);
    let request = phone().request(&challenge);
    for (method, uri) in [
        (Method::Invite, "sip:12345.example"),
        (Method::Register, "sip:evil.example"),
        (Method::Register, "sip:0044@12345.example"),
    ] {
        let mut other = Request::new(method, Uri::parse(uri.as_bytes()).unwrap());
        other.headers.push(Name::Authorization, request.headers.get(&Name::Authorization).unwrap().clone());
        assert_eq!(auth.verify(at(0), &other, host(1)), Verdict::Denied, "{uri}");
    }
    assert!(matches!(auth.verify(at(0), &request, host(1)), Verdict::Granted(_)));
}

#[test]
fn a_request_without_credentials_for_us_is_challenged() {
    let mut auth = authenticator();
    let bare = Request::new(Method::Register, Uri::parse(b"sip:12345.example").unwrap());
    assert_eq!(auth.verify(at(0), &bare, host(1)), Verdict::Absent);
    for value in ["NoOneKnowsThisScheme opaque-data=here", "Digest realm=\"elsewhere\"", "", "Digest"] {
        let mut request = bare.clone();
        request.headers.push(Name::Authorization, value.as_bytes());
        assert_eq!(auth.verify(at(0), &request, host(1)), Verdict::Absent, "{value}");
    }
    assert_eq!(auth.remembered(), (0, 0), "who proves nothing costs no memory");
}

#[test]
fn v38_a_count_is_good_once() {
    let mut auth = authenticator();
    let challenge = auth.challenge(at(0), host(1), Because::NoCredentials);
    let verify =
        |auth: &mut Authenticator, count| auth.verify(at(1), &Phone { count, ..phone() }.request(&challenge), host(1));
    assert!(matches!(verify(&mut auth, "00000001"), Verdict::Granted(_)));
    assert_eq!(verify(&mut auth, "00000001"), Verdict::Stale, "a replay");
    assert!(matches!(verify(&mut auth, "00000002"), Verdict::Granted(_)));
    assert_eq!(verify(&mut auth, "2"), Verdict::Stale, "no count");
}

#[test]
fn v38_a_replay_does_not_wipe_the_slate_of_a_guesser() {
    let mut auth = authenticator();
    let challenge = auth.challenge(at(0), host(1), Because::NoCredentials);
    let overheard = phone().request(&challenge);
    assert!(matches!(auth.verify(at(0), &overheard, host(1)), Verdict::Granted(_)));
    for _ in 0..6 {
        assert_eq!(auth.verify(at(1), &overheard, host(1)), Verdict::Stale);
        assert_eq!(attempt(&mut auth, at(1), &Phone { password: "wrong", ..phone() }), Verdict::Denied);
    }
    assert!(matches!(auth.verify(at(1), &overheard, host(1)), Verdict::LockedOut { .. }));
}

#[test]
fn a_nonce_grows_stale_and_the_challenge_says_so() {
    let mut auth = authenticator();
    let challenge = auth.challenge(at(0), host(1), Because::NoCredentials);
    let request = phone().request(&challenge);
    assert_eq!(auth.verify(at(300), &request, host(1)), Verdict::Stale);
    assert_eq!(auth.verify(at(1), &request, host(2)), Verdict::Stale, "overheard by another host");
    let again = auth.challenge(at(300), host(1), Because::StaleNonce);
    assert!(again.iter().all(|value| value.ends_with(b", stale=true")));
    assert!(matches!(auth.verify(at(301), &phone().request(&again), host(1)), Verdict::Granted(_)));
}

#[test]
fn a_guess_on_a_bad_nonce_tells_nothing() {
    let mut auth = authenticator();
    let forged: Bytes = "Digest realm=\"x\", nonce=\"00112233\", algorithm=SHA-256".into();
    for password in ["wrong", "correct horse"] {
        let guess = Phone { password, ..phone() }.request(std::slice::from_ref(&forged));
        assert_eq!(auth.verify(at(0), &guess, host(1)), Verdict::Stale);
    }
    assert_eq!(auth.remembered(), (0, 0), "and a forged source address locks nobody out");
}

#[test]
fn v38_guessing_locks_out_known_and_unknown_names_alike_and_only_the_guesser() {
    let lock = |user| {
        let mut auth = authenticator();
        let guess = Phone { user, password: "wrong", ..phone() };
        let verdicts: Vec<Verdict> = (0..9).map(|_| attempt(&mut auth, at(0), &guess)).collect();
        (auth, verdicts)
    };
    let (mut known, verdicts) = lock("8001");
    assert_eq!(verdicts[..6], vec![Verdict::Denied; 6]);
    assert_eq!(verdicts[6..], vec![Verdict::LockedOut { retry_after: Duration::from_secs(10) }; 3]);
    assert_eq!(verdicts, lock("9999").1);
    let locked = Verdict::LockedOut { retry_after: Duration::from_secs(1) };
    assert_eq!(attempt(&mut known, at(9), &phone()), locked, "even the right secret has to wait");
    let elsewhere = known.challenge(at(9), host(2), Because::NoCredentials);
    assert!(matches!(known.verify(at(9), &phone().request(&elsewhere), host(2)), Verdict::Granted(_)));
    assert!(matches!(attempt(&mut known, at(10), &phone()), Verdict::Granted(_)));
    assert_eq!(known.remembered().1, 0, "the right secret wipes the slate");
}

#[test]
fn a_secret_stored_as_one_hash_narrows_what_is_offered_to_all() {
    let md5 = Ha1::of_password(Algorithm::Md5, "8002", REALM, "secret");
    let account = Account { md5: Some(md5), sha256: None };
    let mut settings = settings();
    settings.accounts.insert(AgentId::from("8002"), account);
    let sha256 = Some(Ha1::of_password(Algorithm::Sha256, "8003", REALM, "secret"));
    let mut apart = settings.clone();
    apart.accounts.insert(AgentId::from("8003"), Account { md5: None, sha256 });
    assert!(apart.offered().is_empty(), "no challenge that all of them can answer");
    let mut auth = Authenticator::new(settings, Entropy::from_number(7));
    assert_eq!(auth.challenge(at(0), host(1), Because::NoCredentials).len(), 1);
    let old = Phone { user: "8002", password: "secret", algorithm: Algorithm::Md5, ..phone() };
    assert_eq!(attempt(&mut auth, at(0), &old), Verdict::Granted(AgentId::from("8002")));
    assert!(Account::of_hashes(None, None).is_none());
    assert!(Account::of_hashes(Some("zz"), None).is_none());
    assert!(Account::of_hashes(Some("939e7578ed9e3c518a452acee763bce9"), None).is_some());
}

#[test]
fn no_secret_is_printed() {
    let text = format!("{:?} {:?}", settings(), authenticator());
    assert!(!text.contains("correct") && !text.contains("secret"), "{text}");
    let ha1 = Md5::digest("8001:12345.example:correct horse");
    assert!(!text.contains(&ha1.iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
}
