//! The gate before all routes: it asks for the key, holds callers to their rate, and turns away what is too much.
//!
//! | what is asked for | key | rate and load |
//! |---|---|---|
//! | `/livez`, `/readyz` | open | never turned away |
//! | `/metrics` | asked for; open on the address for operators | never turned away |
//! | `/`, `/docs`, `/openapi.json` | open: they say nothing that this repository does not | as all others |
//! | all others | asked for, where keys are configured | answered with 429 and 503 |

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use tokio::{sync::OwnedSemaphorePermit, time};

use super::{
    App, Problem, answer,
    keys::{Keys, Shown},
    memory::Memory,
    overload::{Pressure, Turnstile},
    packing,
    rate::{Caller, RateLimit},
    until_its_end,
};
use crate::{
    limits::Limits,
    settings::{Access, Load},
    telemetry::{Admission, Route},
};

/// Bodies beyond this size are worked on by other threads: it takes as long as answering ten others, or a thousand.
const LONG_BODY_BYTES: usize = 4 << 10;

/// Who is refused is told so after that time: sixteen callers who ask again at once, whatever `Retry-After` says, would else use up a
/// third of what answers the others.
const PAUSE: Duration = Duration::from_millis(10);

/// Which of the addresses a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The one for callers; `/metrics` is there unless operators have their own.
    Main {
        /// Whether they have.
        has_admin: bool,
    },
    /// The one for operators: health and metrics, without a key.
    Admin,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The address of the other end, where it has one.
    pub peer: Option<IpAddr>,
    /// Whether it is one connection too many.
    pub is_surplus: bool,
}

/// Who is let in, and how many at once.
#[derive(Debug)]
pub struct Gate {
    keys: Option<ArcSwap<Keys>>,
    rate: Option<RateLimit>,
    in_flight: Turnstile,
    /// Work that keeps a thread busy for long has threads of its own, as many as there are processors.
    heavy: Turnstile,
    max_in_flight: usize,
    pressure: Pressure,
    /// Bodies that are held at once.
    pub(super) memory: Memory,
    /// What happened so far.
    pub counters: Admission,
}

impl Gate {
    /// A gate for callers with `keys`, or for everybody.
    pub fn new(keys: Option<Keys>, load: &Load, limits: &Limits) -> Self {
        let queue = Duration::from_millis(load.queue_milliseconds);
        let threads = load.threads.or(std::thread::available_parallelism().ok()).map_or(1, usize::from);
        Self {
            keys: keys.map(ArcSwap::from_pointee),
            rate: load.rate_limit.map(|a_second| RateLimit::new(a_second, load.rate_burst)),
            in_flight: Turnstile::new(load.max_in_flight, queue),
            heavy: Turnstile::new(threads, queue),
            max_in_flight: load.max_in_flight,
            pressure: Pressure::new(Duration::from_millis(load.max_lag_milliseconds), threads),
            memory: Memory::new(limits.body_memory_bytes),
            counters: Admission::default(),
        }
    }

    /// Takes the keys anew from where the settings say.
    ///
    /// # Errors
    /// A sentence that says what is wrong with them; those before stay in force.
    pub fn reload_keys(&self, access: &Access) -> Result<(), String> {
        if let (Some(in_force), Some(keys)) = (&self.keys, Keys::read(access)?) {
            tracing::info!(keys = ?keys.labels(), "keys read again");
            in_force.store(Arc::new(keys));
        }
        Ok(())
    }

    /// Requests that are in work now.
    pub fn in_flight(&self) -> usize {
        self.max_in_flight.saturating_sub(self.in_flight.free())
    }

    /// Whether requests must carry where they came from.
    pub fn needs_peers(&self) -> bool {
        self.rate.is_some()
    }

    fn check_key(&self, request: &Request) -> Shown {
        // Without keys everybody is let in; who it is does not matter then.
        self.keys.as_ref().map_or(Shown::None, |keys| keys.load().shown(request.headers()))
    }

    /// A place to work in. What is worked on by other threads waits for those, in [`Gate::work`].
    async fn enter(&self, work: Work) -> Result<OwnedSemaphorePermit, Problem> {
        let refuses = match work {
            Work::Short => self.pressure.refuses(),
            // It takes its place when its body is there; what would find none then need not be read for that.
            Work::Long => self.heavy.refuses(),
            Work::Batch => false,
        };
        if refuses {
            return Err(self.shed());
        }
        self.in_flight.pass().await.ok_or_else(|| self.shed())
    }

    /// Does work on a body of so many bytes: at once, or, where it takes long, where it holds up nobody else.
    ///
    /// # Errors
    /// When too much is waiting already that takes long.
    pub(super) async fn work<R: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Problem> {
        if bytes <= LONG_BODY_BYTES {
            return Ok(work());
        }
        let place = self.heavy.pass().await.ok_or_else(|| self.shed())?;
        let work = move || {
            // Held until the work is done, though the caller may have gone by then.
            let _place = place;
            work()
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => Ok(done),
            // The panic goes on in the request's own task, where it is answered and counted as any other.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service has left")),
            },
        }
    }

    /// One more turned away.
    pub(super) fn shed(&self) -> Problem {
        self.counters.shed.increment();
        let detail = "more is asked than can be answered at once; expected the same request again a little later";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
    }
}

/// A gate that lets everybody in, within the usual bounds.
impl Default for Gate {
    fn default() -> Self {
        let load = Load {
            threads: None,
            max_connections: 4096,
            max_in_flight: 512,
            queue_milliseconds: 100,
            max_lag_milliseconds: 0,
            rate_limit: None,
            rate_burst: None,
        };
        Self::new(None, &load, &Limits::default())
    }
}

impl App {
    /// Lets a request pass, or says why not. While the service is leaving, each answer is the last on its connection.
    pub(super) async fn pass(&self, route: Route, request: Request, connection: Option<Connection>) -> Response {
        let state = &self.state;
        let admitted = match admit(self, &request, connection) {
            Ok(Admitted::Always) => Ok(None),
            Ok(Admitted::WhereIsRoom(work)) => {
                state.gate().enter(work).await.map(Some).map_err(IntoResponse::into_response)
            }
            Err(refused) => Err(*refused),
        };
        let mut response = match admitted {
            Ok(place) => {
                let accepted =
                    answer::check_accepted(route, request.headers()).map_err(|refusal| refusal.into_response().into());
                // Unpacked only now: what is thrown away is not worth it.
                let unpacked: Result<_, Box<Response>> = accepted.and_then(|()| packing::unpack(request));
                match unpacked {
                    // A stream is in work until its last line is written.
                    Ok(request) => until_its_end(self.run(request).await, place),
                    Err(refusal) => *refusal,
                }
            }
            Err(refused) => {
                throw_away(request.into_body()).await;
                refused
            }
        };
        if !state.is_ready() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Reads the body of a request that is refused, for a while: a client that still writes when the connection closes would see a
/// broken pipe instead of the answer. Takes [`PAUSE`] at least.
pub(super) async fn throw_away(mut body: Body) {
    const BYTES: usize = 64 << 20;
    const TIME: Duration = Duration::from_secs(5);
    let mut all = pin!(async {
        let mut total = 0;
        while let Some(Ok(frame)) = body.frame().await {
            total += frame.data_ref().map_or(0, Bytes::len);
            if total > BYTES {
                break;
            }
        }
    });
    // One timer where the body is there already, as it mostly is: refusing must cost much less than answering.
    let mut pause = pin!(time::sleep(PAUSE));
    tokio::select! {
        biased;
        () = &mut all => pause.await,
        // Whether there was time enough does not change the answer.
        () = &mut pause => drop(time::timeout(TIME, all).await),
    }
}

/// How a request is let in that may be.
enum Admitted {
    /// However much there is to do.
    Always,
    /// When its turn comes.
    WhereIsRoom(Work),
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// What is done at once.
    Short,
    /// What other threads do.
    Long,
    /// What other threads do bit by bit, as it comes.
    Batch,
}

fn admit(app: &App, request: &Request, connection: Option<Connection>) -> Result<Admitted, Box<Response>> {
    let gate = app.state.gate();
    let path = request.uri().path();
    let is_health = matches!(path, "/livez" | "/readyz");
    let is_metrics = path == "/metrics";
    match app.door {
        Door::Admin if is_health || is_metrics => return Ok(Admitted::Always),
        Door::Admin => {
            let detail = "this address is for operators; expected GET /metrics, /livez or /readyz";
            return Err(Problem::new(StatusCode::NOT_FOUND, detail).into_response().into());
        }
        Door::Main { has_admin: true } if is_metrics => {
            let detail = "metrics have an address of their own; expected the one that --admin-listen names";
            return Err(Problem::new(StatusCode::NOT_FOUND, detail).into_response().into());
        }
        Door::Main { .. } if is_health => return Ok(Admitted::Always),
        Door::Main { .. } => {}
    }
    let needs_key =
        gate.keys.is_some() && !matches!(path, "/" | "/docs" | "/openapi.json") && !path.starts_with("/docs/");
    let shown = if needs_key { gate.check_key(request) } else { Shown::None };
    if let (Some(rate), false) = (&gate.rate, is_metrics) {
        let caller = match shown {
            Shown::Right(number) => Caller::Key(number),
            Shown::Wrong | Shown::None => Caller::from_peer(connection.and_then(|connection| connection.peer)),
        };
        rate.take(caller).map_err(|wait| {
            gate.counters.rate_limited.increment();
            let detail = "too many requests; expected no more than this service allows a caller each second";
            let seconds = wait.as_secs_f64().ceil().clamp(1.0, 3600.0) as u16;
            Box::new(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(seconds).into_response())
        })?;
    }
    if needs_key && !matches!(shown, Shown::Right(_)) {
        gate.counters.unauthorized.increment();
        return Err(unauthorized(shown).into());
    }
    if is_metrics {
        return Ok(Admitted::Always);
    }
    if connection.is_some_and(|connection| connection.is_surplus) {
        return Err(gate.shed().into_response().into());
    }
    let is_long = request.body().size_hint().lower() > LONG_BODY_BYTES as u64;
    Ok(Admitted::WhereIsRoom(match path {
        "/v1/classify/batch" => Work::Batch,
        "/v1/classify/reply" | "/v1/classify/message" if is_long => Work::Long,
        _ => Work::Short,
    }))
}

/// 401 for a wrong key as well as for none: RFC 9110 §15.5.2, and RFC 6750 §3.1 (`invalid_token`). 403 would say that another
/// key does not help.
fn unauthorized(shown: Shown) -> Response {
    let (challenge, detail) = match shown {
        Shown::Wrong => {
            ("Bearer realm=\"retoure\", error=\"invalid_token\"", "the key is not one of this service's, or no longer")
        }
        Shown::None | Shown::Right(_) => ("Bearer realm=\"retoure\"", "there is no key"),
    };
    let detail =
        format!("{detail}; expected `Authorization: Bearer` or `X-API-Key` with one that its operator has given out");
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
