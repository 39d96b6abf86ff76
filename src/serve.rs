//! Runs the service until it is told to leave.

use std::{future::Future, io};

use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    http::{self, AppState},
    reload,
    settings::Settings,
};

/// Loads the catalogue, listens, and answers until SIGTERM or SIGINT; then finishes what runs.
///
/// # Errors
/// When the catalogue has faults or the address cannot be listened on.
pub fn run(settings: &Settings) -> anyhow::Result<()> {
    let source = reload::Source::new(settings.catalog.clone());
    let catalog = source.load()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads could be started")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is the port taken?", settings.listen))?;
        let address = listener.local_addr()?;
        tracing::info!(
            address = %address,
            catalog_version = catalog.version(),
            codes = catalog.codes().count(),
            phrases = catalog.phrases().len(),
            "listening; try http://{address}/docs"
        );
        let state = AppState::new(catalog, settings.limits());
        tokio::spawn(source.watch(state.clone(), reload::POLL));
        answer(listener, state, told_to_leave()).await.context("the server failed")
    })
}

/// Answers on `listener` until `leaving` is over; then takes nothing new, finishes what runs, and returns.
///
/// # Errors
/// When the listener fails.
pub async fn answer(
    listener: TcpListener,
    state: AppState,
    leaving: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = http::app(state.clone());
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            leaving.await;
            state.leave();
            tracing::info!("leaving: no new requests are taken, those that run are finished");
        })
        .await
}

/// SIGINT is a person's Ctrl-C; SIGTERM is sent by systemd, Docker and Kubernetes.
async fn told_to_leave() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
