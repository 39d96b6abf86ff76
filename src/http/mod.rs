//! The service: [`app`] is the router, one file a resource under `routes`.
//!
//! | method and path | answers |
//! |---|---|
//! | `POST /v1/classify/reply` | what one reply means |
//! | `POST /v1/classify/message` | what one report mail means |
//! | `POST /v1/classify/batch` | what many of them mean, streamed |
//! | `GET /v1/codes`, `/v1/codes/{code}` | reply codes and enhanced codes |
//! | `GET /v1/categories`, `/v1/categories/{id}` | why deliveries fail, and how to mend it |
//! | `GET /v1/providers`, `/v1/providers/{id}` | who refuses, and what that means there |
//! | `GET /v1/blocklists`, `/v1/blocklists/{id}` | what a blocklist lists, and how to get off it |
//! | `GET /v1/unmatched` | the most frequent replies that no rule knows |
//! | `GET /metrics` | numbers for Prometheus |
//! | `GET /livez`, `/readyz` | whether the process lives, whether it takes requests |
//! | `GET /openapi.json`, `/docs` | the specification, and a page to try it on |
//!
//! Around them stands [`App`]: the [`gate`] asks for keys, holds rates, and turns away what is too much; the envelope completes
//! every answer.
//!
//! Every failure is a [`Problem`], whoever caused it; every answer carries `x-request-id` and `catalog-version`.

mod answer;
mod body;
mod envelope;
pub mod gate;
mod held;
pub mod keys;
mod language;
mod memory;
pub mod openapi;
mod overload;
mod packing;
mod problem;
mod query;
mod rate;
mod routes;
mod stream;

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use arc_swap::ArcSwap;
use axum::{
    Router,
    body::Body,
    http::Request,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use gate::{Connection, Door, Gate};
pub use problem::Problem;
use tokio::{sync::Semaphore, time::timeout};
use tower_service::Service;
use utoipa_swagger_ui::SwaggerUi;

use self::envelope::Envelope;
pub(crate) use self::held::until_its_end;
use crate::{batch, catalog::Catalog, limits::Limits, telemetry::Metrics};

/// What every request handler can reach. All that hold it share one.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    catalog: ArcSwap<Catalog>,
    limits: Limits,
    is_ready: AtomicBool,
    metrics: Arc<Metrics>,
    gate: Gate,
    /// As many as there are cores: what batches keep busy, however many of them there are.
    workers: Arc<Semaphore>,
}

impl AppState {
    /// A service that answers everybody from `catalog` within `limits`.
    pub fn new(catalog: Catalog, limits: Limits) -> Self {
        Self::behind(Gate::default(), catalog, limits)
    }

    /// The same behind a gate.
    pub fn behind(gate: Gate, catalog: Catalog, limits: Limits) -> Self {
        let catalog = Arc::new(catalog);
        Self(Arc::new(Shared {
            metrics: Arc::new(Metrics::new(catalog.clone())),
            catalog: ArcSwap::new(catalog),
            limits,
            is_ready: AtomicBool::new(true),
            gate,
            workers: Arc::new(Semaphore::new(batch::cores())),
        }))
    }

    /// Who is let in, and what was counted there.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The catalogue in force. A request takes it once and keeps it, so that it never sees half of two.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.load_full()
    }

    /// Makes `catalog` the one in force. Requests that run finish with the one they took.
    pub fn replace_catalog(&self, catalog: Catalog) {
        let catalog = Arc::new(catalog);
        self.0.metrics.take(catalog.clone());
        self.0.catalog.store(catalog);
    }

    /// The numbers that `/metrics` tells; every verdict that is given is counted there.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What batches share the cores by.
    fn workers(&self) -> Arc<Semaphore> {
        self.0.workers.clone()
    }

    /// Whether `/readyz` says so.
    pub fn is_ready(&self) -> bool {
        self.0.is_ready.load(Ordering::Relaxed)
    }

    /// Makes `/readyz` say no from now on, so that nobody sends new requests while the last ones finish.
    pub fn leave(&self) {
        self.0.is_ready.store(false, Ordering::Relaxed);
    }
}

/// The whole service, for callers.
pub fn app(state: AppState) -> App {
    App::new(state, Door::Main { has_admin: false })
}

/// The whole service: the routes, and what is the same for all of them.
///
/// The routes are axum's; what surrounds them is called by hand. As layers of a router each step would be boxed and cloned for each
/// request, which took more time than an answer itself.
#[derive(Clone, Debug)]
pub struct App {
    state: AppState,
    door: Door,
    routes: Router,
}

impl App {
    /// The service, for those who come in by this door.
    pub fn new(state: AppState, door: Door) -> Self {
        let (routes, _) = routes::all().split_for_parts();
        let routes = routes
            .route("/openapi.json", get(openapi::serve))
            .route("/", get(|| async { Redirect::temporary("/docs") }))
            .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .with_state(state.clone());
        Self { state, door, routes }
    }

    /// What its handlers can reach.
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    /// Answers a request that came over `connection`, where that matters.
    pub(crate) async fn answer(&self, request: Request<Body>, connection: Option<Connection>) -> Response {
        let envelope = Envelope::open(&self.state, &request);
        let response = self.pass(envelope.route(), request, connection).await;
        envelope.close(&self.state, response)
    }

    /// Runs the handler of a request that was let in. A panic is answered, and counted.
    async fn run(&self, request: Request<Body>) -> Response {
        let mut answer = pin!(self.routes.clone().call(request));
        let mut poll_answer = |context: &mut Context<'_>| {
            // What it leaves half done goes with it: no handler shares anything that is not safe to share between threads.
            catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))).unwrap_or_else(|panic| {
                self.state.metrics().panics.increment();
                Poll::Ready(Ok(problem::from_panic(panic.as_ref())))
            })
        };
        // Most are answered without a pause, and need no timer.
        let answered = match poll_fn(|context| Poll::Ready(poll_answer(context))).await {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => timeout(self.state.limits().request_time, poll_fn(poll_answer)).await,
        };
        match answered {
            Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
            Err(_) => problem::too_late().into_response(),
        }
    }
}

/// For whoever asks without a connection, as tests do.
impl Service<Request<Body>> for App {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let app = self.clone();
        Box::pin(async move { Ok(app.answer(request, None).await) })
    }
}

#[cfg(test)]
mod tests {
    use axum::{extract::State, http::HeaderMap, routing::MethodRouter};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    fn with_route(path: &str, handler: MethodRouter<AppState>, state: &AppState) -> App {
        let routes = Router::new().route(path, handler).with_state(state.clone());
        App { routes, ..app(state.clone()) }
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_a_problem_that_tells_nothing_of_it() {
        async fn panics() -> &'static str {
            panic!("anna@example.org")
        }
        let state = AppState::new(Catalog::built_in().unwrap(), Limits::default());
        let app = with_route("/panics", get(panics), &state);
        let answer = app.oneshot(Request::get("/panics").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["instance"], "/panics");
        assert!(!problem.to_string().contains("anna"));
        assert_eq!(state.metrics().panics.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_all_the_same() {
        let limits = Limits { request_time: std::time::Duration::from_secs(30), ..Limits::default() };
        let state = AppState::new(Catalog::built_in().unwrap(), limits);
        let app = with_route("/waits", get(std::future::pending::<&'static str>), &state);
        let began = tokio::time::Instant::now();
        let answer = app.oneshot(Request::get("/waits").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 408);
        assert_eq!(began.elapsed(), state.limits().request_time);
    }

    #[tokio::test]
    async fn an_answer_names_the_catalogue_it_is_from_though_another_came_meanwhile() {
        async fn straddles(State(state): State<AppState>) -> Response {
            let catalog = state.catalog();
            let folder = std::env::temp_dir().join(format!("retoure-straddles-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("another.toml"), "# of another version\n").unwrap();
            state.replace_catalog(Catalog::load(&folder).unwrap());
            std::fs::remove_dir_all(&folder).unwrap();
            answer::look_up(&catalog, &"old", "en", &HeaderMap::new())
        }
        let state = AppState::new(Catalog::built_in().unwrap(), Limits::default());
        let before = state.catalog().version().to_owned();
        let app = with_route("/straddles", get(straddles), &state);
        let answer = app.oneshot(Request::get("/straddles").body(Body::empty()).unwrap()).await.unwrap();
        assert_ne!(state.catalog().version(), before);
        assert_eq!(answer.headers()["catalog-version"], before.as_str());
        assert!(answer.headers()["etag"].to_str().unwrap().contains(&before));
    }
}
