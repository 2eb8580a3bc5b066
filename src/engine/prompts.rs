//! The prompt folder: WAV files, read once at the start into what the media threads play.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::media::library::{Library, Recording};
use crate::media::tone::SAMPLE_RATE;

/// The longest prompt, in samples: ten minutes.
const SAMPLES_MAX: u32 = 600 * SAMPLE_RATE;

/// The most prompts in the folder.
const PROMPTS_MAX: usize = 1_000;

/// What is wrong with the prompt folder. Always the administrator's to put right; calls hear the built-in tone meanwhile.
#[derive(Debug, Error)]
pub enum PromptError {
    /// The folder cannot be read.
    #[error("the prompt folder {} cannot be read: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A prompt that is needed is not there.
    #[error("the prompt {name}.wav is missing in {}; scripts/prompts makes it", folder.display())]
    Missing {
        /// The prompt's name.
        name: String,
        /// Where it was sought.
        folder: PathBuf,
    },
    /// The file is no WAV file.
    #[error("{} is no WAV file: {source}", file.display())]
    NotWav {
        /// Which.
        file: PathBuf,
        /// Why.
        source: hound::Error,
    },
    /// The sound has another form than ours.
    #[error("{} has {channels} channel(s) of {bits} bit at {rate_hz} Hz; prompts are 1 channel of 16 bit at 8000 Hz", file.display())]
    Form {
        /// Which.
        file: PathBuf,
        /// Its channels.
        channels: u16,
        /// Its bits a sample.
        bits: u16,
        /// Its samples a second.
        rate_hz: u32,
    },
    /// The file is too long, or there are too many.
    #[error("{} is beyond the limit of {limit}", file.display())]
    TooMuch {
        /// Which.
        file: PathBuf,
        /// The limit in words.
        limit: &'static str,
    },
}

/// Reads every `.wav` file of `folder` and makes sure that those in `required` are among them.
pub fn load(folder: &Path, required: &[&str]) -> Result<Library, PromptError> {
    let unreadable = |source| PromptError::Folder { folder: folder.to_owned(), source };
    let mut prompts = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let name = file.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        let Some(name) = name.filter(|_| file.extension().is_some_and(|extension| extension == "wav")) else {
            continue;
        };
        if prompts.len() >= PROMPTS_MAX {
            return Err(PromptError::TooMuch { file, limit: "1000 prompts" });
        }
        prompts.insert(name, read(&file)?);
    }
    if let Some(name) = required.iter().find(|name| !prompts.contains_key(**name)) {
        return Err(PromptError::Missing { name: (*name).to_owned(), folder: folder.to_owned() });
    }
    Ok(Library::new(prompts))
}

fn read(file: &Path) -> Result<Recording, PromptError> {
    let not_wav = |source| PromptError::NotWav { file: file.to_owned(), source };
    let reader = hound::WavReader::open(file).map_err(not_wav)?;
    let form = reader.spec();
    let ours = (form.channels, form.bits_per_sample, form.sample_rate) == (1, 16, SAMPLE_RATE);
    if !ours || form.sample_format != hound::SampleFormat::Int {
        return Err(PromptError::Form {
            file: file.to_owned(),
            channels: form.channels,
            bits: form.bits_per_sample,
            rate_hz: form.sample_rate,
        });
    }
    if reader.len() > SAMPLES_MAX {
        return Err(PromptError::TooMuch { file: file.to_owned(), limit: "ten minutes" });
    }
    let samples: Result<Vec<i16>, hound::Error> = reader.into_samples().collect();
    Ok(Recording::from_samples(&samples.map_err(not_wav)?))
}
