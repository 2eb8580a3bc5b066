//! `[[ticket_store]]`, with their secrets, certificates and mappings, and which hotline has which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::schema::{AuthKey, ConflictKey, HotlinesFile, MainFile, MappingFile, TicketStoreEntry};
use super::secret::Written;
use super::source::{Parsed, Reader, Sources};
use super::{Configuration, Placed, Problem, mapping};
use crate::base::ids::HotlineId;
use crate::delivery::{Answers, Auth, Replays, Said, Secret, Settings, Target, Trust};
use crate::store::outbox::Sinks;
use crate::tickets::mapping::Mapping;
use crate::tickets::parcel::{BUILTIN, NOWHERE};

/// A ticket store of the configuration.
#[derive(Clone, Debug)]
pub(super) struct TicketStore {
    settings: Settings,
    /// How many events may be on their way to it at a time.
    in_flight: usize,
}

impl Configuration {
    /// Every ticket store: those of `[[ticket_store]]`, and the built-in one at our own listener, which is shown the
    /// given token. Without `[http]` there is no built-in one.
    pub fn ticket_stores(&self, own: &Secret) -> Vec<Settings> {
        let builtin = self.main.http.as_ref().and_then(|http| {
            let target = Target::new(&format!("http://{}/v1/tickets", http.listen.get_ref()), false).ok()?;
            Some(Settings {
                name: BUILTIN.into(),
                target,
                auth: Auth::Bearer(own.clone()),
                trust: Trust::System,
                connect_timeout: Duration::from_secs(5),
                timeout: Duration::from_secs(30),
                answers: Answers::default(),
                mapping: None,
            })
        });
        builtin.into_iter().chain(self.stores.iter().map(|store| store.settings.clone())).collect()
    }

    /// The ticket store of each hotline, by its name. [`NOWHERE`]: its events stay in the outbox, for export (R46).
    pub fn ticket_store_of(&self) -> BTreeMap<HotlineId, Arc<str>> {
        let rows = self.hotlines.hotline.iter();
        rows.map(|row| {
            let named = row.ticket_store.get_ref().as_str();
            let unreachable = named == BUILTIN && self.main.http.is_none();
            let store = if unreachable { NOWHERE } else { named };
            (HotlineId::from(row.number.get_ref().as_str()), Arc::from(store))
        })
        .collect()
    }

    /// The same for the outbox, with how many events may be on their way to each.
    pub fn sinks(&self) -> Sinks {
        let limits = self.stores.iter().map(|store| (Arc::clone(&store.settings.name), store.in_flight));
        Sinks::new(self.ticket_store_of()).with_limits(limits.chain([(Arc::from(BUILTIN), BUILTIN_IN_FLIGHT)]))
    }
}

/// The built-in one takes as many as it is given; a few at a time keep its disk busy.
const BUILTIN_IN_FLIGHT: usize = 32;

/// The most ticket stores.
const STORES: usize = 100;

/// What is read from.
struct Reading<'a> {
    sources: &'a Sources<'a>,
    folder: &'a Path,
    main: &'a Parsed<MainFile>,
}

/// Reads every ticket store and notes what is wrong with it.
pub(super) fn read_all(
    reader: &mut Reader<'_>,
    sources: &Sources<'_>,
    folder: &Path,
    main: &Parsed<MainFile>,
    hotlines: &Parsed<HotlinesFile>,
) -> Vec<TicketStore> {
    let reading = Reading { sources, folder, main };
    let mut stores = Vec::new();
    let mut names = BTreeSet::from([BUILTIN, NOWHERE]);
    for (number, entry) in main.value.ticket_store.iter().enumerate() {
        let name = entry.name.get_ref().as_str();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || name.len() > 32 || !name.chars().all(plain) || !names.insert(name) || number >= STORES {
            let right = "1 to 32 of a-z A-Z 0-9 - _ ., another name for each (not builtin, none), at most 100";
            reader.problems.push(reading.problem(&entry.name, "name", format!("`{}`", name.escape_debug()), right));
        }
        stores.extend(reading.store(entry, reader));
    }
    for row in &hotlines.value.hotline {
        let named = row.ticket_store.get_ref();
        if !names.contains(named.as_str()) {
            let wrong = format!("there is no ticket store `{}`", named.escape_debug());
            let right = "the name of a [[ticket_store]], \"builtin\", or \"none\"";
            reader.problems.push(hotlines.problem(&row.ticket_store, "hotline.ticket_store", wrong, right));
        }
    }
    stores
}

impl Reading<'_> {
    fn problem<T>(&self, place: &Placed<T>, key: &str, wrong: impl Into<String>, right: &str) -> Problem {
        self.main.problem(place, format!("ticket_store.{key}"), wrong, right)
    }

    fn store(&self, entry: &TicketStoreEntry, reader: &mut Reader<'_>) -> Option<TicketStore> {
        let parts = (self.target(entry), self.auth(entry), self.trust(entry, reader), self.in_bounds(entry));
        let mapping = self.mapping(entry, reader);
        let (Ok(target), Ok(auth), Ok(trust), Ok(())) = parts else {
            let (target, auth, trust, bounds) = parts;
            let wrong = [target.err(), auth.err(), trust.err(), bounds.err()];
            reader.problems.extend(wrong.into_iter().flatten().map(|problem| *problem));
            return None;
        };
        let success = entry.success.as_ref();
        let settings = Settings {
            name: entry.name.get_ref().as_str().into(),
            target,
            auth,
            trust,
            connect_timeout: Duration::from_secs(u64::from(*entry.connect_timeout_s.get_ref())),
            timeout: Duration::from_secs(u64::from(*entry.timeout_s.get_ref())),
            answers: Answers {
                success: success.map(|said| Said { member: said.member.clone(), value: said.value.clone() }),
                receipt: entry.receipt.clone(),
                replays: match entry.conflict {
                    ConflictKey::Refused => Replays::Refused,
                    ConflictKey::Taken => Replays::Taken,
                },
            },
            mapping,
        };
        Some(TicketStore { settings, in_flight: usize::from(*entry.in_flight.get_ref()) })
    }

    fn target(&self, entry: &TicketStoreEntry) -> Result<Target, Box<Problem>> {
        Target::new(entry.url.get_ref(), entry.allow_plaintext).map_err(|error| {
            let right = "https://HOST/PATH; http only to this machine, or with allow_plaintext = true";
            Box::new(self.problem(&entry.url, "url", error.to_string(), right))
        })
    }

    fn auth(&self, entry: &TicketStoreEntry) -> Result<Auth, Box<Problem>> {
        let refuse = |key: &str, wrong: &str, right: &str| Err(Box::new(self.problem(&entry.name, key, wrong, right)));
        if entry.auth == AuthKey::None {
            let given = entry.secret.is_some() || entry.secret_file.is_some();
            return if given {
                refuse("auth", "a secret that is not used", "auth = \"bearer\"")
            } else {
                Ok(Auth::None)
            };
        }
        match (entry.auth, &entry.header) {
            (AuthKey::Key, None) => {
                return refuse("header", "auth = \"key\" without a header", "header = \"x-api-key\"");
            }
            (AuthKey::Key, Some(header)) if !is_own_header(header.get_ref()) => {
                let wrong = format!("`{}` is no header for a key", header.get_ref().escape_debug());
                return Err(Box::new(self.problem(header, "header", wrong, "a name such as x-api-key")));
            }
            (AuthKey::Bearer | AuthKey::Hmac, Some(_)) => {
                return refuse("header", "is not used by this auth", "auth = \"key\", or no header");
            }
            (AuthKey::None | AuthKey::Bearer | AuthKey::Key | AuthKey::Hmac, _) => {}
        }
        let written = Written {
            file: self.main,
            noun: "secret",
            key: "ticket_store",
            whose: (&entry.name, format!("ticket store {}", entry.name.get_ref())),
            secret: entry.secret.as_ref(),
            secret_file: entry.secret_file.as_ref(),
            other: "auth = \"none\"",
        };
        let (text, place, key) = written.read(self.sources, self.folder)?;
        if text.is_empty() || text.len() > 4_096 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let right = "1 to 4096 printable characters without spaces";
            return Err(Box::new(self.main.problem(place, key, "empty, too long or not fit for a header", right)));
        }
        let secret = Secret::new(text);
        Ok(match (entry.auth, &entry.header) {
            (AuthKey::Bearer, _) => Auth::Bearer(secret),
            (AuthKey::Hmac, _) => Auth::Hmac(secret),
            (AuthKey::Key, Some(header)) => Auth::Key { header: header.get_ref().clone(), key: secret },
            (AuthKey::None, _) | (AuthKey::Key, None) => Auth::None,
        })
    }

    fn trust(&self, entry: &TicketStoreEntry, reader: &Reader<'_>) -> Result<Trust, Box<Problem>> {
        let Some(file) = &entry.ca_file else { return Ok(Trust::System) };
        let path = self.folder.join(file.get_ref());
        let read = reader.bytes(&path).map_err(|error| error.to_string());
        read.and_then(|pem| Trust::only(&pem).map_err(|error| error.to_string())).map_err(|wrong| {
            let wrong = format!("{}: {wrong}", path.display());
            Box::new(self.problem(file, "ca_file", wrong, "a file of certificates in PEM"))
        })
    }

    fn in_bounds(&self, entry: &TicketStoreEntry) -> Result<(), Box<Problem>> {
        for (value, key, bounds) in [
            (&entry.connect_timeout_s, "connect_timeout_s", 1..=60),
            (&entry.timeout_s, "timeout_s", 1..=120),
            (&entry.in_flight, "in_flight", 1..=64),
        ] {
            if !bounds.contains(value.get_ref()) {
                let (wrong, right) = (value.get_ref().to_string(), format!("{} to {}", bounds.start(), bounds.end()));
                return Err(Box::new(self.problem(value, key, wrong, &right)));
            }
        }
        Ok(())
    }

    /// None, if there is none or something is wrong with it; then that is noted.
    fn mapping(&self, entry: &TicketStoreEntry, reader: &mut Reader<'_>) -> Option<Mapping> {
        let file = reader.read::<MappingFile>(&self.folder.join(entry.mapping.as_ref()?.get_ref()))?;
        mapping::build(&file, &mut reader.problems)
    }
}

/// A name that no header of ours or of HTTP's has.
fn is_own_header(name: &str) -> bool {
    const TAKEN: [&str; 8] = [
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "connection",
        "idempotency-key",
        "accept",
        "authorization",
    ];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) && !TAKEN.contains(&&*name.to_ascii_lowercase())
}
