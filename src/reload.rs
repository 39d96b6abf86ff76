//! Takes a changed overlay without a restart: on SIGHUP, and on its own when the directory changes.
//!
//! The directory is looked at every few seconds rather than watched by inotify: that costs next to nothing, needs no
//! dependency, works on every file system (network ones and bind mounts lose events), and sees the `..data` link that
//! Kubernetes swaps under a mounted `ConfigMap`. A new overlay is loaded and proven on a thread of its own; if it has any
//! fault, all are logged and the old catalogue stays in force.

use std::{
    fs,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    catalog::{Catalog, CatalogError},
    http::AppState,
    report,
    telemetry::Reload,
};

/// The directory is looked at this often. A change is taken when it has been still for as long.
pub const POLL: Duration = Duration::from_secs(2);

/// Faults of one overlay that are logged; who has more sees the rest by `retoure check`.
const MAX_LOGGED_FAULTS: usize = 100;

/// Folders within folders, as the catalogue's loader takes them.
const MAX_DEPTH: usize = 8;

/// Where the catalogue comes from, and how that looked when it was last read.
#[derive(Debug)]
pub struct Source {
    overlay: Option<PathBuf>,
    /// From before the reading: what changes meanwhile is another change.
    read: u64,
}

impl Source {
    /// The built-in catalogue, with `overlay` laid over it.
    pub fn new(overlay: Option<PathBuf>) -> Self {
        let read = overlay.as_deref().map_or(0, stamp);
        Self { overlay, read }
    }

    /// Loads the catalogue.
    ///
    /// # Errors
    /// All faults, with file and line.
    pub fn load(&self) -> Result<Catalog, CatalogError> {
        match &self.overlay {
            Some(overlay) => load(overlay),
            None => Catalog::built_in(),
        }
    }

    /// Keeps the catalogue of `state` at what stands in the overlay, which is looked at every `poll`; never ends. Without an
    /// overlay SIGHUP changes nothing, but it is taken, since it would end the process otherwise: from the call on, not only once
    /// the task has begun.
    pub fn watch(self, state: AppState, poll: Duration) -> impl Future<Output = ()> + Send {
        self.watch_with(HangUp::new(), state, poll)
    }

    async fn watch_with(mut self, mut hang_up: HangUp, state: AppState, poll: Duration) {
        let Some(overlay) = self.overlay.take() else {
            loop {
                hang_up.received().await;
                tracing::info!("SIGHUP: there is no overlay to read; the built-in catalogue stays in force");
            }
        };
        let (mut seen, mut is_owed) = (self.read, false);
        loop {
            let is_asked_for = tokio::select! {
                () = hang_up.received() => true,
                () = tokio::time::sleep(poll) => false,
            };
            if is_asked_for {
                tracing::info!("SIGHUP: reading the overlay");
            }
            let path = overlay.clone();
            let now = tokio::task::spawn_blocking(move || stamp(&path)).await.unwrap_or_default();
            // Files that still change are left for the next look: somebody is copying.
            let is_still = now == std::mem::replace(&mut seen, now);
            if is_asked_for || is_owed || (is_still && now != self.read) {
                is_owed = once(&state, &overlay, now).await == Reload::Torn;
                self.read = now;
            }
        }
    }
}

/// Loads the catalogue with `overlay` and proves it, as a server should before it takes it: the loader has tried the phrases'
/// examples, here every dialect reads its own.
fn load(overlay: &Path) -> Result<Catalog, CatalogError> {
    let catalog = Catalog::load(overlay)?;
    report::prove(&catalog)?;
    Ok(catalog)
}

/// Reads the overlay once, and takes it if it is sound and other than what is in force. `before` is its stamp: what changes
/// while it is read may be half old and half new, so it is neither taken nor refused.
async fn once(state: &AppState, overlay: &Path, before: u64) -> Reload {
    let path = overlay.to_owned();
    let loaded = tokio::task::spawn_blocking(move || {
        let loaded = load(&path);
        (loaded, stamp(&path) == before)
    });
    let result = match loaded.await.map(|(loaded, is_whole)| is_whole.then_some(loaded)) {
        Ok(None) => {
            tracing::info!("the overlay changed while it was read; it is read again");
            Reload::Torn
        }
        Ok(Some(Ok(catalog))) if catalog.version() == state.catalog().version() => {
            tracing::info!(catalog_version = catalog.version(), "the overlay is what is in force already");
            Reload::Unchanged
        }
        Ok(Some(Ok(catalog))) => {
            let (version, phrases) = (catalog.version().to_owned(), catalog.phrases().len());
            state.replace_catalog(catalog);
            tracing::info!(catalog_version = version, phrases, "a new catalogue is in force");
            Reload::Taken
        }
        Ok(Some(Err(error))) => {
            for fault in error.faults.iter().take(MAX_LOGGED_FAULTS) {
                tracing::error!(file = fault.file, line = fault.line, what = fault.what, "a fault in the overlay");
            }
            let faults = error.faults.len();
            tracing::error!(faults, "the overlay is refused; the old catalogue stays in force");
            Reload::Refused
        }
        Err(_) => {
            tracing::error!("loading the overlay failed in the program itself; the old catalogue stays in force");
            Reload::Refused
        }
    };
    state.metrics().reloaded(result);
    result
}

/// What a change would change: names, sizes, times and link targets of all below `overlay`.
fn stamp(overlay: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    // A directory that cannot be read differs from what it was; loading it says why.
    walk(overlay, 0, &mut hasher).map_err(|error| error.kind()).hash(&mut hasher);
    hasher.finish()
}

fn walk(folder: &Path, depth: usize, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    // The order of a directory is no property of its content.
    paths.sort();
    for path in paths {
        path.hash(hasher);
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            // Hidden ones are not loaded, but `..data` is where a ConfigMap's files lead.
            fs::read_link(&path).ok().hash(hasher);
            continue;
        }
        // The end of all links: two versions of a file may have the same size and time.
        fs::canonicalize(&path).ok().hash(hasher);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, depth + 1, hasher)?;
            }
        } else {
            (metadata.len(), metadata.modified().ok()).hash(hasher);
        }
    }
    Ok(())
}

/// SIGHUP, where there is one.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify, limits::Limits, smtp::Reply};

    const GOOD: &str = "[[phrase]]\nid = \"policy/test-partner\"\ncategory = \"policy\"\nany = [\"quuxified by partner\"]\n\
        weight = 0.95\nsource = \"observed\"\nexamples = [\"550 5.7.1 Quuxified by partner gateway\"]\n";

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("retoure-reload-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, content: &str) {
            fs::create_dir_all(self.0.join(name).parent().unwrap()).unwrap();
            fs::write(self.0.join(name), content).unwrap();
        }

        async fn taken_by(&self, state: &AppState) -> Reload {
            once(state, &self.0, stamp(&self.0)).await
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn state() -> AppState {
        AppState::new(Catalog::built_in().unwrap(), Limits::default())
    }

    fn category_of(state: &AppState, reply: &str) -> String {
        let catalog = state.catalog();
        let reply = Reply::parse(reply);
        let decision = classify::weigh(&catalog, &classify::Evidence::of(&reply));
        catalog.category(decision.category.unwrap()).id.clone()
    }

    #[tokio::test]
    async fn a_sound_overlay_is_taken_a_broken_one_is_refused_whole() {
        let (state, folder) = (state(), Folder::new("once"));
        let reply = "550 quuxified by partner";
        assert_ne!(category_of(&state, reply), "policy");
        folder.write("partner.toml", GOOD);
        assert_eq!(folder.taken_by(&state).await, Reload::Taken);
        assert_eq!(category_of(&state, reply), "policy");

        // One good file does not come in with a bad one.
        folder.write("another.toml", &GOOD.replace("test-partner", "other").replace("quuxified", "wibbled"));
        folder.write("broken.toml", "[[phrase]]\nid = \"policy/broken\"\n");
        assert_eq!(folder.taken_by(&state).await, Reload::Refused);
        assert_eq!(category_of(&state, reply), "policy");
        assert_ne!(category_of(&state, "550 wibbled by partner"), "policy");

        fs::remove_file(folder.0.join("broken.toml")).unwrap();
        fs::remove_file(folder.0.join("another.toml")).unwrap();
        assert_eq!(folder.taken_by(&state).await, Reload::Unchanged);
        let text = state.metrics().text(state.catalog().version(), &state.gate().counters);
        for line in [
            "retoure_catalog_reloads_total{result=\"ok\"} 1\n",
            "retoure_catalog_reloads_total{result=\"refused\"} 1\n",
            "retoure_catalog_last_reload_successful 1\n",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[tokio::test]
    async fn an_overlay_that_changes_while_it_is_read_is_not_taken_by_halves() {
        let (state, folder) = (state(), Folder::new("torn"));
        let before = stamp(&folder.0);
        folder.write("partner.toml", GOOD);
        assert_eq!(once(&state, &folder.0, before).await, Reload::Torn);
        assert_ne!(category_of(&state, "550 quuxified by partner"), "policy");
        assert_eq!(folder.taken_by(&state).await, Reload::Taken);
    }

    #[tokio::test]
    async fn a_dialect_whose_example_does_not_hold_is_refused() {
        let (state, folder) = (state(), Folder::new("dialect"));
        let dialect = "[[dialect]]\nid = \"test_mailer\"\nname = \"Test mailer\"\nsource = \"observed\"\n\
            signs = { from = [\"quux-daemon\"] }\n";
        folder.write("mailer.toml", dialect);
        assert_eq!(folder.taken_by(&state).await, Reload::Refused);
        assert!(state.catalog().dialects().iter().all(|dialect| dialect.id != "test_mailer"));
    }

    #[test]
    fn a_stamp_changes_with_content_names_and_links_alone() {
        let folder = Folder::new("stamp");
        folder.write("a.toml", "");
        let empty = stamp(&folder.0);
        assert_eq!(stamp(&folder.0), empty);
        folder.write("a.toml", "# one more line\n");
        let longer = stamp(&folder.0);
        assert_ne!(longer, empty);
        folder.write("below/b.toml", "");
        let more = stamp(&folder.0);
        assert_ne!(more, longer);
        fs::rename(folder.0.join("below/b.toml"), folder.0.join("below/c.toml")).unwrap();
        assert_ne!(stamp(&folder.0), more);
        assert_ne!(stamp(&folder.0.join("missing")), stamp(&folder.0));
    }

    /// As Kubernetes mounts a `ConfigMap`: files are links into `..data`, which is a link to the version in force.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_swapped_link_is_noticed() {
        use std::os::unix::fs::symlink;
        let (state, folder) = (state(), Folder::new("configmap"));
        folder.write("..1/partner.toml", "# nothing\n");
        folder.write("..2/partner.toml", GOOD);
        symlink("..1", folder.0.join("..data")).unwrap();
        symlink("..data/partner.toml", folder.0.join("partner.toml")).unwrap();
        let source = Source::new(Some(folder.0.clone()));
        state.replace_catalog(source.load().unwrap());
        let before = state.catalog().version().to_owned();
        let watching = tokio::spawn(source.watch(state.clone(), Duration::from_millis(5)));
        symlink("..2", folder.0.join("..next")).unwrap();
        fs::rename(folder.0.join("..next"), folder.0.join("..data")).unwrap();
        while state.catalog().version() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(category_of(&state, "550 quuxified by partner"), "policy");
        watching.abort();
    }
}
