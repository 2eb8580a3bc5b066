//! One person of the story in a process of its own: a telephone with its own SIP, a voice that is a tone, and ears.

mod digest;
mod sound;
mod telephone;
mod text;

use std::io::{BufRead, Write};
use std::net::UdpSocket;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;

use super::line::{Cue, Line, Script};
use telephone::Telephone;

/// How long one look at the socket takes: the person's reaction time.
const TICK: Duration = Duration::from_millis(5);

/// Plays the script that comes as the first line of standard input, until it is closed.
pub fn play() -> ExitCode {
    let mut lines = std::io::stdin().lock().lines();
    let Some(Ok(first)) = lines.next() else { return ExitCode::from(2) };
    let Ok(script) = serde_json::from_str::<Script>(&first) else { return ExitCode::from(2) };
    drop(lines);
    let (send, cues) = mpsc::channel();
    let reader = std::thread::Builder::new().name("cues".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(cue) = serde_json::from_str::<Cue>(&line) else { return };
            if send.send(cue).is_err() {
                return;
            }
        }
    });
    let played = reader.and_then(|_| act(script, &cues));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&Line::Failed { why: error.to_string() });
            ExitCode::FAILURE
        }
    }
}

fn act(script: Script, cues: &Receiver<Cue>) -> std::io::Result<()> {
    let socket = UdpSocket::bind(script.sip)?;
    socket.set_read_timeout(Some(TICK))?;
    let mut telephone = Telephone::new(script, socket.try_clone()?)?;
    telephone.begin()?;
    let mut buffer = vec![0; 65_535];
    loop {
        match cues.try_recv() {
            Ok(Cue::Call) => telephone.call()?,
            Ok(Cue::Transfer { to }) => telephone.transfer(&to)?,
            Ok(Cue::HangUp) => telephone.hang_up()?,
            Ok(Cue::Listen) => telephone.say_what_was_heard(),
            Err(TryRecvError::Empty) => {}
            // The director is gone: nobody is left to play for.
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
        match socket.recv_from(&mut buffer) {
            Ok((length, _)) => telephone.receive(buffer.get(..length).unwrap_or_default())?,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        telephone.tick()?;
    }
}

/// Says one line to the director.
fn say(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        // A director that is gone closes standard input as well, which ends the play.
        writeln!(std::io::stdout(), "{text}").ok();
    }
}
