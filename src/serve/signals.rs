//! Signals. SIGINT is a person's Ctrl-C; SIGTERM is sent by systemd, Docker and Kubernetes; SIGHUP says by old custom that files
//! have changed.

use std::{fs, future::Future, io, os::unix::fs::MetadataExt, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{http::AppState, settings::Access};

/// The signals that tell the service to leave.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of them, and tells its number.
    pub(super) async fn told_to_leave(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }
}

/// How often the files of keys are looked at: Kubernetes swaps a secret without telling anybody.
const LOOK_AT_KEYS: Duration = Duration::from_secs(10);

/// Reads the keys anew on SIGHUP, which is listened for from the call on, and when their files have changed; for ever.
pub(super) fn reload_keys(state: AppState, access: Access) -> impl Future<Output = ()> + Send {
    reload_keys_on(signal(SignalKind::hangup()), state, access)
}

async fn reload_keys_on(hang_up: io::Result<Signal>, state: AppState, access: Access) {
    let Ok(mut hang_up) = hang_up else {
        return tracing::warn!("SIGHUP cannot be listened for; keys are not read again");
    };
    let mut before = stamps(&access);
    loop {
        let is_told = tokio::select! {
            _ = hang_up.recv() => true,
            () = tokio::time::sleep(LOOK_AT_KEYS) => false,
        };
        let now = stamps(&access);
        if is_told || now != before {
            before = now;
            if let Err(wrong) = state.gate().reload_keys(&access) {
                tracing::error!("{wrong}; the keys from before stay in force");
            }
        }
    }
}

/// What changes when a file does: another file by the same name, its size or its time.
fn stamps(access: &Access) -> Vec<Option<(u64, u64, i64, i64)>> {
    let files = [&access.api_keys_file, &access.api_key_file].into_iter().flatten();
    let stamp = |found: fs::Metadata| (found.ino(), found.size(), found.mtime(), found.mtime_nsec());
    files.map(|file| fs::metadata(file).ok().map(stamp)).collect()
}
