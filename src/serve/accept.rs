//! Takes connections and answers what is asked on them, HTTP/1.1 with keep-alive.
//!
//! Beyond the bound on connections, a few more are taken for one answer each: health and metrics as ever, 503 for all else. Only
//! beyond those do connections wait to be taken.

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{
    Listener, Timing,
    listener::Accepted,
    stall::{Progress, Unstalled},
};
use crate::http::{App, gate::Connection, until_its_end};

/// Connections beyond the bound that get one answer each.
pub(super) const SURPLUS_CONNECTIONS: usize = 64;

/// A request's line and header fields have at most as many bytes together, else 431.
const HEADER_BYTES: usize = 64 << 10;

/// Answers on one address.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    app: Arc<App>,
    timing: Timing,
    places: Arc<Semaphore>,
    surplus: Arc<Semaphore>,
}

impl Server {
    /// Answers what `app` answers, on `listener`.
    pub fn new(listener: Listener, app: App, timing: Timing) -> Self {
        Self {
            listener,
            app: Arc::new(app),
            places: Arc::new(Semaphore::new(timing.max_connections)),
            surplus: Arc::new(Semaphore::new(SURPLUS_CONNECTIONS)),
            timing,
        }
    }

    /// Answers until `stop` is over; then takes nothing new, and finishes what runs as far as there is time.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let place = tokio::select! {
                place = self.place() => place,
                () = &mut stop => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok(accepted) => self.take(accepted, place, connections.watcher()),
                Err(error) => rest_after(&error).await,
            }
        }
        // The kernel has accepted more than we have; a listener that closes would break them off.
        while let Some(accepted) = self.waiting().await {
            self.take(accepted, self.place().await, connections.watcher());
        }
        let Self { listener, timing, .. } = self;
        drop(listener);
        if time::timeout(timing.shutdown, connections.shutdown()).await.is_err() {
            tracing::warn!("some requests were not done in time and are cut");
        }
    }

    /// A place for one more connection.
    async fn place(&self) -> Place {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Place { _permit: Some(place), is_surplus: false };
        }
        Place { _permit: Arc::clone(&self.surplus).acquire_owned().await.ok(), is_surplus: true }
    }

    /// A connection that is there already.
    async fn waiting(&self) -> Option<Accepted> {
        tokio::select! {
            biased;
            accepted = self.listener.accept() => accepted.ok(),
            () = std::future::ready(()) => None,
        }
    }

    fn take(&self, accepted: Accepted, place: Place, watcher: Watcher) {
        let connection = Connection { peer: accepted.peer(), is_surplus: place.is_surplus };
        match accepted {
            Accepted::Tcp(stream, _) => {
                // An answer is written in one go; there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                self.spawn(stream, connection, place, watcher);
            }
            Accepted::Unix(stream) => self.spawn(stream, connection, place, watcher),
        }
    }

    fn spawn<S>(&self, stream: S, connection: Connection, place: Place, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let gate = self.app.state().gate();
        let origin = (connection.is_surplus || gate.needs_peers()).then_some(connection);
        let (app, progress) = (Arc::clone(&self.app), Progress::new());
        let stream = TokioIo::new(Unstalled::new(stream, Arc::clone(&progress), self.timing.write));
        let asked = Arc::clone(&progress);
        let service = service_fn(move |request: Request<Incoming>| {
            let (app, busy) = (Arc::clone(&app), asked.begin());
            async move { Ok::<_, Infallible>(until_its_end(app.answer(request.map(Body::new), origin).await, busy)) }
        });
        let served = http1::Builder::new()
            .keep_alive(!connection.is_surplus)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(stream, service);
        let (app, header, idle) = (Arc::clone(&self.app), self.timing.header, self.timing.idle);
        tokio::spawn(async move {
            let _place = place;
            let _open = app.state().gate().counters.connections.enter();
            // What goes wrong here, the other end knows, and has often caused: it went, was too slow or spoke no HTTP.
            tokio::select! {
                biased;
                _ = watcher.watch(served) => {}
                () = progress.too_long(header, idle) => {}
            }
        });
    }
}

/// One of the connections that may be open.
struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    is_surplus: bool,
}

/// Out of files or memory, the next attempt would fail as well; other errors are those of one connection.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "connections cannot be taken; trying again");
        time::sleep(Duration::from_millis(100)).await;
    }
}
