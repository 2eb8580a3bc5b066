//! The log: one JSON object a line on standard output, never waited for.

use std::io::{self, Write};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

use crate::config::LogLevel;

/// Lines that wait for a slow reader of the log; further ones are dropped and counted (fault F18).
const LINES: usize = 16_384;

/// The running log. What is still waiting is written when it is dropped.
pub(super) struct Log {
    /// How many lines were dropped.
    pub(super) dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Starts the log.
pub(super) fn start(level: LogLevel) -> Log {
    let (lines, writer) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES)
        .thread_name("log")
        .finish(Escaping { inner: io::stdout() });
    let dropped = lines.error_counter();
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level).with_writer(lines).finish();
    // A second log in one process is a test's; the first one stays.
    tracing::subscriber::set_global_default(subscriber).ok();
    Log { dropped, _writer: writer }
}

/// Escapes what JSON allows in a line but a terminal or a reader would obey: control characters and changes of the
/// writing direction (V30). They stand only within strings there, so `\u` escapes are always right.
struct Escaping<W> {
    inner: W,
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let Ok(text) = std::str::from_utf8(line) else {
            self.inner.write_all(String::from_utf8_lossy(line).as_bytes())?;
            return Ok(line.len());
        };
        if text.contains(is_dangerous) {
            let mut safe = String::with_capacity(text.len() + 16);
            for character in text.chars() {
                if is_dangerous(character) {
                    safe.push_str(&format!("\\u{:04x}", u32::from(character)));
                } else {
                    safe.push(character);
                }
            }
            self.inner.write_all(safe.as_bytes())?;
        } else {
            self.inner.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Control characters but the line's end; line and paragraph separators; everything that turns the direction. All of
/// them have four hexadecimal digits.
fn is_dangerous(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn v30_hostile_text_makes_one_line_of_valid_json_without_control_characters() {
        let shared = Shared::default();
        let writer = shared.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || Escaping { inner: writer.clone() })
            .finish();
        let hostile = format!("a\r\n{{\"level\":\"ERROR\"}}\u{1b}[31m\u{202e}\0\u{85}\u{2028}王{}", "x".repeat(65_536));
        tracing::subscriber::with_default(subscriber, || tracing::info!(event = "test", reason = hostile.as_str()));
        let written = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches('\n').count(), 1, "one record, one line");
        assert!(!written.trim_end().contains(is_dangerous));
        let record: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(record["reason"].as_str(), Some(hostile.as_str()), "nothing is lost, only escaped");
        assert_eq!(record["level"], "INFO");
    }
}
