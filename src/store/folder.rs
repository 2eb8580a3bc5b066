//! The folder of the databases: made if it is not there, writable, and one daemon's at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file whose lock says that a daemon has the folder. The lock dies with the process, however that dies.
const LOCK: &str = "lock";

/// A folder that is this daemon's for as long as it lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why a folder cannot be used: an error of the configuration, or of the machine.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, or nothing can be written into it.
    #[error("{}: {error}", path.display())]
    NotWritable {
        /// What was tried.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another daemon has it.
    #[error("{}: another daemon has it", .0.display())]
    Taken(PathBuf),
}

impl Folder {
    /// Makes the folder if it is not there, for this user alone because citizens' numbers stand in it, and takes it.
    pub fn take(path: &Path) -> Result<Self, FolderError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| FolderError::NotWritable { path, error }
        };
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
        }
        let file = path.join(LOCK);
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).open(&file).map_err(failed(&file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: fs::canonicalize(path).map_err(failed(path))?, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Taken(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(&file)(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::tests::Scratch;
    use super::*;

    #[test]
    fn a_folder_is_made_for_one_daemon_and_refused_where_it_cannot_be() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new("folder");
        let path = scratch.path().join("deep/data");
        let first = Folder::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(Folder::take(&path), Err(FolderError::Taken(_))), "a second daemon");
        drop(first);
        Folder::take(&path).unwrap();
        fs::write(scratch.path().join("file"), "x").unwrap();
        let refused = Folder::take(&scratch.path().join("file/data")).unwrap_err();
        assert!(matches!(refused, FolderError::NotWritable { .. }), "{refused}");
    }
}
