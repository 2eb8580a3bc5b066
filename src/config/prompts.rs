//! The folder of prompts, and the files in it that the configuration names.

use std::path::Path;

use super::problem::Problem;
use super::schema::{HotlinesFile, MainFile};
use super::source::{Parsed, Sources};

/// The folder is there, and so is each announcement that a hotline has of its own. What is in the files is looked at when
/// they are read.
pub(super) fn check(
    sources: &Sources<'_>,
    main: &Parsed<MainFile>,
    hotlines: &Parsed<HotlinesFile>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) {
    if !(sources.is_folder)(folder) {
        let wrong = format!("there is no folder {}", folder.display());
        problems.push(main.problem(&main.value.media.prompts, "media.prompts", wrong, "the folder of WAV files"));
        return;
    }
    for name in hotlines.value.hotline.iter().filter_map(|hotline| hotline.announcement.as_ref()) {
        let file = name.get_ref();
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
        if file.is_empty() || !file.chars().all(plain) || !(sources.is_file)(&folder.join(format!("{file}.wav"))) {
            let wrong = format!("there is no {}.wav in {}", file.escape_debug(), folder.display());
            let right = "the name of a file of the prompt folder, without .wav";
            problems.push(hotlines.problem(name, "hotline.announcement", wrong, right));
        }
    }
}
