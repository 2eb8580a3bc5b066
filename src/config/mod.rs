//! The configuration: TOML files in, the folders' own settings out, or a list of problems with their places.
//!
//! Decides: which keys exist, what they default to, and what is refused.
//! Invariants: all or nothing - a configuration with one problem is not used at all (fault F27); a problem names
//! file, line, column, key, what is wrong and what would be right; all problems of all files are told at once; a
//! secret stands in the environment or in a file of its own, never in these files, and weak ones are refused.
//! Does not do: anything at run time; a reload is another reading, compared with the one in use. Only `cli` imports this folder; the folders never see it.

mod check;
mod homes;
mod mapping;
mod placed;
mod problem;
mod profile;
mod prompts;
mod regions;
mod restart;
mod schema;
pub mod schemas;
mod secret;
mod settings;
mod source;
mod territories;
mod ticket_stores;
mod tokens;

#[cfg(test)]
mod tests;

pub use placed::Placed;
pub use problem::Problem;
pub use schema::{
    AdminSection, AgentEntry, AgentsFile, AuthKey, BlanksKey, CalledEntry, ConflictKey, FeatureCodeEntry, GroupEntry,
    HotlineEntry, HotlinesFile, HttpSection, InboundTable, LimitsSection, ListenEntry, LogLevel, LogSection, MainFile,
    MappedField, MappingFile, MediaSection, NextHop, NextHopRow, NumbersKey, OneOrMore, OutboundTable, ProfileFile,
    RegionEntry, RoleKey, SipSection, SoftphonesSection, StepEntry, StoreSection, SuccessKey, TargetEntry,
    TerritoriesFile, TerritoryEntry, TicketStoreEntry, TimeKey, TokenEntry, TransportKey, TrunkEntry, TrunksFile,
    ViaEntry,
};
pub use secret::{Credential, Ha1};
pub use source::Sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::api::Token;
use crate::routing::home::Homes;
use crate::routing::regions::Regions;

/// A configuration without problems: every file parsed, every name resolved, every secret read.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The main file.
    pub main: MainFile,
    /// The trunks.
    pub trunks: TrunksFile,
    /// The hotlines.
    pub hotlines: HotlinesFile,
    /// Groups and agents.
    pub agents: AgentsFile,
    /// Who serves which region.
    pub territories: TerritoriesFile,
    /// The regions there are.
    pub regions: Regions,
    /// Where numbers are at home.
    pub homes: Homes,
    /// SIP profiles by name.
    pub profiles: BTreeMap<String, ProfileFile>,
    /// Each agent's credential, by agent id.
    pub credentials: BTreeMap<String, Credential>,
    /// Who may use the HTTP interface.
    pub tokens: Vec<Token>,
    /// The ticket stores of `[[ticket_store]]`.
    stores: Vec<ticket_stores::TicketStore>,
    /// The folder of prompts, resolved.
    pub prompts: PathBuf,
    /// The main file.
    path: PathBuf,
    /// Its text, for the places of what cannot be reloaded.
    text: String,
}

impl Configuration {
    /// The folder of the databases.
    pub fn data_folder(&self) -> PathBuf {
        let beside = self.path.parent().unwrap_or_else(|| Path::new(""));
        beside.join(self.main.store.folder.get_ref())
    }

    /// What is wrong with that folder, found out when the daemon starts.
    pub fn data_folder_problem(&self, wrong: String) -> Problem {
        let (line, column) = problem::position(&self.text, self.main.store.folder.span().start);
        let right = "a folder that this daemon alone may write".to_owned();
        Problem { file: self.path.clone(), line, column, key: "store.folder".to_owned(), wrong, right }
    }
}

/// Reads and checks the configuration anew while `running` is in use (reload). All or nothing: what is wrong with it, or
/// needs a restart, is told, and `running` stays.
pub fn reload(running: &Configuration, sources: &Sources<'_>) -> Result<Configuration, Vec<Problem>> {
    let read = load(&running.path, sources)?;
    let problems = restart::needed(running, &read);
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// Reads and checks the configuration whose main file is `path`.
pub fn load(path: &Path, sources: &Sources<'_>) -> Result<Configuration, Vec<Problem>> {
    let mut reader = source::Reader::new(sources);
    let Some(main) = reader.read::<MainFile>(path) else {
        return Err(reader.problems);
    };
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let trunks = reader.read::<TrunksFile>(&folder.join(main.value.files.trunks.get_ref()));
    let hotlines = reader.read::<HotlinesFile>(&folder.join(main.value.files.hotlines.get_ref()));
    let agents = reader.read::<AgentsFile>(&folder.join(main.value.files.agents.get_ref()));
    let (Some(trunks), Some(hotlines), Some(agents)) = (trunks, hotlines, agents) else {
        return Err(sorted(reader.problems));
    };
    let places = territories::read(&mut reader, folder, &main);
    let profiles = profile::read_all(&mut reader, folder, &main, &trunks);
    let files = check::Files {
        main: &main,
        trunks: &trunks,
        hotlines: &hotlines,
        agents: &agents,
        territories: places.file.as_ref(),
        regions: &places.regions,
    };
    check::check(&files, &mut reader.problems);
    profile::check(&profiles, &trunks, &mut reader.problems);
    let credentials = secret::read_all(sources, folder, &agents, main.value.sip.realm.get_ref(), &mut reader.problems);
    let tokens = tokens::read_all(sources, folder, &main, &agents, &mut reader.problems);
    let stores = ticket_stores::read_all(&mut reader, sources, folder, &main, &hotlines);
    let prompts = folder.join(main.value.media.prompts.get_ref());
    prompts::check(sources, &main, &hotlines, &prompts, &mut reader.problems);
    if !reader.problems.is_empty() {
        return Err(sorted(reader.problems));
    }
    Ok(Configuration {
        path: path.to_owned(),
        text: main.text,
        main: main.value,
        trunks: trunks.value,
        hotlines: hotlines.value,
        agents: agents.value,
        territories: places.file.map(|file| file.value).unwrap_or_default(),
        regions: places.regions,
        homes: places.homes,
        profiles: profiles.into_iter().map(|(name, file)| (name, file.value)).collect(),
        credentials,
        tokens,
        stores,
        prompts,
    })
}

/// By place, as a person works through them.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    problems
}
