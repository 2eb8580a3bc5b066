//! `lianxian check`: what is wrong with the configuration.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::{Form, MISCONFIGURED, tell};
use crate::config::{self, Problem, Sources, schemas};
use crate::engine::prompts;

/// Prompts that calls may play.
pub(super) const PROMPTS: [&str; 4] = ["please_wait", "hold_music", "code_accepted", "code_refused"];

/// Checks the configuration whose main file is `path`.
pub(super) fn check(path: &Path, form: Form) -> ExitCode {
    let problems = problems(path);
    match form {
        Form::Text if problems.is_empty() => {
            writeln!(std::io::stdout(), "{}: good", path.display()).ok();
        }
        Form::Text => tell(&problems),
        Form::Json => {
            #[derive(Serialize)]
            struct Answer<'a> {
                good: bool,
                problems: &'a [Problem],
            }
            let answer = Answer { good: problems.is_empty(), problems: &problems };
            if let Ok(text) = serde_json::to_string(&answer) {
                writeln!(std::io::stdout(), "{text}").ok();
            }
        }
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(MISCONFIGURED) }
}

/// Writes the JSON schemas of the configuration's files, for editors.
pub(super) fn write_schemas(folder: &Path) -> ExitCode {
    for (name, schema) in schemas::all() {
        let path = folder.join(format!("{name}.schema.json"));
        if let Err(error) = std::fs::write(&path, schemas::text(&schema)) {
            writeln!(std::io::stderr(), "{}: {error}", path.display()).ok();
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn problems(path: &Path) -> Vec<Problem> {
    let configuration = match config::load(path, &Sources::system()) {
        Ok(configuration) => configuration,
        Err(problems) => return problems,
    };
    match prompts::load(&configuration.prompts, &PROMPTS) {
        Ok(_) => Vec::new(),
        Err(error) => vec![prompt_problem(path, &error)],
    }
}

/// What is wrong with the prompt folder, said like every other problem.
pub(super) fn prompt_problem(path: &Path, error: &prompts::PromptError) -> Problem {
    Problem {
        file: path.to_owned(),
        line: 1,
        column: 1,
        key: "media.prompts".to_owned(),
        wrong: error.to_string(),
        right: "a folder as scripts/prompts makes it".to_owned(),
    }
}
