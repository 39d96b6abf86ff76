//! Takes connections and answers what is asked on them, HTTP/1.1 with keep-alive.
//!
//! Beyond the bound on connections, a few more are taken for one answer each: health and metrics as ever, 503 for all else. Only
//! beyond those do connections wait to be taken.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request, response::Response, routing::future::RouteFuture};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{Listener, Timing, listener::Accepted, stall::Unstalled};
use crate::http::{self, AppState, gate::Connection};

/// Connections beyond the bound that get one answer each.
pub(super) const SURPLUS_CONNECTIONS: usize = 64;

/// A request's line and header fields have at most as many bytes together, else 431.
const HEADER_BYTES: usize = 64 << 10;

/// Answers on one address.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    state: AppState,
    app: Router,
    timing: Timing,
    places: Arc<Semaphore>,
    surplus: Arc<Semaphore>,
}

impl Server {
    /// The service of `state`, on `listener`.
    pub fn new(listener: Listener, state: AppState, timing: Timing) -> Self {
        Self {
            listener,
            app: http::app(state.clone()),
            state,
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
        let is_wanted = connection.is_surplus || self.state.gate().needs_peers();
        let asked = Arc::new(AtomicBool::new(false));
        let service =
            Visit { app: self.app.clone(), connection: is_wanted.then_some(connection), asked: Arc::clone(&asked) };
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.timing.idle)
            .keep_alive(!connection.is_surplus)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(Unstalled::new(stream, self.timing.write)), service);
        let (state, header) = (self.state.clone(), self.timing.header);
        tokio::spawn(async move {
            let _place = place;
            let _open = state.gate().counters.connections.enter();
            let mut served = pin!(watcher.watch(served));
            // What goes wrong here, the other end knows, and has often caused: it went, was too slow or spoke no HTTP.
            tokio::select! {
                _ = &mut served => {}
                () = time::sleep(header) => if asked.load(Ordering::Relaxed) {
                    let _ = served.await;
                },
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

/// Hands the requests of one connection to the routes.
struct Visit {
    app: Router,
    connection: Option<Connection>,
    asked: Arc<AtomicBool>,
}

impl hyper::service::Service<Request<Incoming>> for Visit {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.asked.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        if let Some(connection) = self.connection {
            request.extensions_mut().insert(connection);
        }
        tower_service::Service::call(&mut self.app.clone(), request)
    }
}
