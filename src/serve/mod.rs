//! Runs the service until it is told to leave: loads the catalogue, listens, answers, and leaves without dropping a request.
//!
//! Leaving has three steps. `/readyz` says 503, so that balancers turn away, while requests are still taken, each the last on its
//! connection; then nothing new is taken and what runs may finish; then what still runs is cut.

mod accept;
mod listener;
mod notify;
mod signals;
mod stall;

use std::{future::Future, io, process::ExitCode, time::Duration};

pub use accept::Server;
use anyhow::Context;
pub use listener::{CannotListen, Listener};
use listenfd::ListenFd;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{net::TcpListener, sync::oneshot};

use self::signals::Signals;
use crate::{
    catalog::Catalog,
    http::{
        self, App, AppState,
        gate::{Door, Gate},
        keys::Keys,
    },
    reload,
    settings::{Settings, Unusable},
};

/// Files that are open besides connections, with some room.
const OTHER_FILES: usize = 64;

/// How long connections take, and how many there are.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Connections open at once.
    pub max_connections: usize,
    /// For the header of a connection's first request.
    pub header: Duration,
    /// For each further header, the pause before it included.
    pub idle: Duration,
    /// For the other end to take some of its answer.
    pub write: Duration,
    /// For running requests to finish, once nothing new is taken.
    pub shutdown: Duration,
}

impl Timing {
    fn new(settings: &Settings) -> Self {
        Self {
            max_connections: settings.load.max_connections,
            header: Duration::from_secs(settings.bounds.header_seconds),
            idle: Duration::from_secs(settings.bounds.idle_seconds),
            write: Duration::from_secs(settings.bounds.write_seconds),
            shutdown: Duration::from_secs(settings.listening.shutdown_seconds),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            max_connections: 4096,
            header: seconds(10),
            idle: seconds(75),
            write: seconds(60),
            shutdown: seconds(20),
        }
    }
}

/// Whether these settings can be used, without using them.
///
/// # Errors
/// [`Unusable`] when they contradict each other or no keys are where they should be.
pub fn check(settings: &Settings) -> Result<Option<Keys>, Unusable> {
    settings.check()?;
    Keys::read(&settings.access).map_err(Unusable)
}

/// Loads the catalogue, listens, and answers until SIGTERM or SIGINT; then finishes what runs.
///
/// # Errors
/// When the settings cannot be used, the catalogue has faults or the address cannot be listened on.
pub fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let keys = check(settings)?;
    // Takes variables out of the environment, which must be done while there is one thread.
    let passed = ListenFd::from_env();
    let source = reload::Source::new(settings.catalog.clone());
    let catalog = source.load()?;
    raise_open_files(settings.load.max_connections + accept::SURPLUS_CONNECTIONS + OTHER_FILES);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = settings.load.threads {
        runtime.worker_threads(threads.get());
    }
    // Timers and new connections are looked at after so many requests; the usual 61 would be a tenth of a second of long ones.
    runtime.event_interval(15);
    let runtime = runtime.enable_all().build().context("no threads could be started")?;
    let left = runtime.block_on(serve(settings, source, catalog, keys, passed));
    // What has not finished by now is cut.
    runtime.shutdown_background();
    left
}

async fn serve(
    settings: &Settings,
    source: reload::Source,
    catalog: Catalog,
    keys: Option<Keys>,
    passed: ListenFd,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let (listener, admin) = listener::open(settings, passed).await?;
    let labels = keys.as_ref().map(|keys| keys.labels().into_iter().map(str::to_owned).collect::<Vec<_>>());
    let gate = Gate::new(keys, &settings.load, &settings.limits());
    let state = AppState::behind(gate, catalog, settings.limits());
    // Who sees in the log that it listens may send SIGHUP.
    tokio::spawn(source.watch(state.clone(), reload::POLL));
    tokio::spawn(signals::reload_keys(state.clone(), settings.access.clone()));
    tracing::info!(
        address = %listener,
        admin_address = admin.as_ref().map(tracing::field::display),
        catalog_version = state.catalog().version(),
        codes = state.catalog().codes().count(),
        phrases = state.catalog().phrases().len(),
        keys = labels.as_ref().map(tracing::field::debug),
        "{}", match &listener {
            Listener::Tcp(_) => format!("listening; try http://{listener}/docs"),
            Listener::Unix(..) => "listening".to_owned(),
        }
    );
    let timing = Timing::new(settings);
    let (stop, stopped) = oneshot::channel::<()>();
    let (stop_admin, admin_stopped) = oneshot::channel::<()>();
    let door = Door::Main { has_admin: admin.is_some() };
    let server = Server::new(listener, App::new(state.clone(), door), timing.clone());
    let server = tokio::spawn(server.run(async { _ = stopped.await }));
    let admin = admin.map(|listener| Server::new(listener, App::new(state.clone(), Door::Admin), timing));
    let admin = admin.map(|admin| tokio::spawn(admin.run(async { _ = admin_stopped.await })));
    notify::tell("READY=1");

    signals.told_to_leave().await;
    state.leave();
    notify::tell("STOPPING=1");
    let drain_seconds = settings.listening.drain_seconds;
    tracing::info!(drain_seconds, "leaving: /readyz says 503 from now on; signal again to leave at once");
    let leave = async {
        tokio::time::sleep(Duration::from_secs(drain_seconds)).await;
        tracing::info!("leaving: no new requests are taken, those that run are finished");
        drop(stop);
        server.await.context("the server failed")?;
        // Health and metrics stay to be seen until the last request is done.
        drop(stop_admin);
        match admin {
            Some(admin) => admin.await.context("the server for operators failed"),
            None => Ok(()),
        }
    };
    tokio::select! {
        left = leave => left.map(|()| ExitCode::SUCCESS),
        signal = signals.told_to_leave() => {
            tracing::warn!("left at once, as told; requests that ran were cut");
            Ok(ExitCode::from(128 + signal))
        }
    }
}

/// Answers on `listener` until `leaving` is over; then takes nothing new, finishes what runs, and returns.
///
/// # Errors
/// None so far: what goes wrong with one connection is no reason to stop.
pub async fn answer(
    listener: TcpListener,
    state: AppState,
    leaving: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let server = Server::new(Listener::Tcp(listener), http::app(state.clone()), Timing::default());
    server
        .run(async move {
            leaving.await;
            state.leave();
        })
        .await;
    Ok(())
}

/// Each connection is an open file, and the usual bound on these, 1024, is for programs that use `select`. It is raised as far as
/// it may be.
fn raise_open_files(needed: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = needed as u64;
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
        let raised = setrlimit(Resource::Nofile, limit);
        if raised.is_err() || limit.current < Some(needed) {
            tracing::warn!(
                needed,
                open_files = limit.current,
                "fewer files may be open than --max-connections asks for"
            );
        }
    }
}
