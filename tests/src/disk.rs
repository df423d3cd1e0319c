//! Disks that do not take what is written, without root.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::server::{bare, owned};
use crate::{Server, program};

impl Server {
    /// Lets no file be written beyond so many bytes (`RLIMIT_FSIZE` of the live process):
    /// with 0 no file can be written at all. `None` lifts it.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap());
        // The soft limit alone, or it could not be lifted.
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    }
}

/// A server whose data folder is a disk of its own, and so small that it can be filled.
/// It is there as long as the server is alive.
pub struct SmallDisk {
    pub server: Server,
    folder: PathBuf,
}

impl SmallDisk {
    /// One of so many MiB; its log is on it too. `None` where the kernel lets nobody but
    /// root mount one, not even in a namespace of one's own.
    pub fn start(mib: u32, settings: &[&str]) -> Option<SmallDisk> {
        let namespace = ["--user", "--map-root-user", "--mount"];
        let mount = format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\"");
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut trial = Command::new("unshare");
        trial.args(namespace).args(["sh", "-c", &mount]).arg(&data);
        if !bare(&mut trial).status().is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = Command::new("unshare");
        let run = format!("{mount} && exec \"$@\" 2>>\"$0\"/log");
        command.args(namespace).args(["sh", "-c", &run]).arg(&data).arg(program("chatd"));
        let server = Server::launch(&mut command, crate::server::ANYWHERE, folder, owned(settings));
        // Seen from outside.
        let folder = PathBuf::from(format!("/proc/{}/root{}", server.pid(), data.display()));
        Some(SmallDisk { server, folder })
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.folder
    }

    /// Fills it to the last byte, that of the log included.
    pub fn fill(&self) {
        let mut filler = File::create(self.folder.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        let mut log = File::options().append(true).open(self.folder.join("log")).unwrap();
        while log.write_all(b"\n").is_ok() {}
    }

    /// Gives back what filled it.
    pub fn empty(&self) {
        std::fs::remove_file(self.folder.join("filler")).unwrap();
    }
}
