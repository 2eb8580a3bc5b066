//! Space that is kept on the disk for the worst day: a file that is removed when the disk is full (fault F17).

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::statvfs;

/// The ballast of one folder.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// The ballast of a folder: so many bytes, 0 for none.
    pub(super) fn of(folder: &Path, bytes: u64) -> Self {
        Self { path: folder.join("ballast"), bytes }
    }

    /// Puts it on the disk if it is not there and there is room for twice as much: it is not to fill the disk itself.
    pub(super) fn lay(&self) {
        if self.is_laid() || self.bytes == 0 || free_bytes(&self.path) / 2 < self.bytes {
            return;
        }
        match self.allocate() {
            Ok(()) => tracing::info!(event = "ballast_laid", bytes = self.bytes),
            Err(error) => {
                tracing::warn!(event = "ballast_not_laid", %error);
                // Half a ballast is none, and the disk needs the room.
                fs::remove_file(&self.path).ok();
            }
        }
    }

    /// Gives its space to the outbox; `false` if there was none to give.
    pub(super) fn give_up(&self) -> bool {
        let given = self.is_laid() && fs::remove_file(&self.path).is_ok();
        if given {
            tracing::error!(event = "ballast_given_up", bytes = self.bytes, "the disk is full");
        }
        given
    }

    fn is_laid(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.len() == self.bytes)
    }

    fn allocate(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        posix_fallocate(&file, 0, i64::try_from(self.bytes).unwrap_or(i64::MAX))?;
        file.sync_all()
    }
}

/// What is free on the disk of a file or folder for whoever is not root; 0 if it cannot be told.
pub(super) fn free_bytes(path: &Path) -> u64 {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    statvfs(folder).map_or(0, |disk| disk.blocks_available() * disk.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::tests::Scratch;

    #[test]
    fn a_ballast_is_laid_once_given_up_once_and_laid_again() {
        let scratch = Scratch::new("ballast");
        let ballast = Ballast::of(scratch.path(), 1 << 20);
        assert!(!ballast.give_up(), "there is none yet");
        ballast.lay();
        assert_eq!(fs::metadata(scratch.path().join("ballast")).unwrap().len(), 1 << 20);
        assert!(ballast.give_up());
        assert!(!ballast.give_up(), "it has been given");
        ballast.lay();
        assert!(ballast.is_laid());
    }

    #[test]
    fn a_ballast_that_would_fill_the_disk_is_not_laid() {
        let scratch = Scratch::new("ballast");
        let ballast = Ballast::of(scratch.path(), free_bytes(scratch.path()));
        ballast.lay();
        assert!(!ballast.is_laid());
    }
}
