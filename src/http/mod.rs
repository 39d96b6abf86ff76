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
//! The [`gate`] before them asks for keys, holds rates, and turns away what is too much.
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

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use axum::{Router, body::Body, extract::DefaultBodyLimit, middleware, response::Redirect, routing::get};
use gate::{Door, Gate};
pub use problem::Problem;
use tokio::sync::Semaphore;
use tower_http::{
    catch_panic::{CatchPanicLayer, ResponseForPanic},
    timeout::TimeoutLayer,
};
use utoipa_swagger_ui::SwaggerUi;

use self::held::until_its_end;
use crate::{batch, catalog::Catalog, limits::Limits, telemetry::Metrics};

/// What every request handler can reach.
#[derive(Clone, Debug)]
pub struct AppState {
    catalog: Arc<ArcSwap<Catalog>>,
    limits: Limits,
    ready: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    gate: Arc<Gate>,
    door: Door,
    /// As many as there are cores: what batches keep busy, however many of them there are.
    workers: Arc<Semaphore>,
}

impl AppState {
    /// A service that answers from `catalog` within `limits`.
    pub fn new(catalog: Catalog, limits: Limits) -> Self {
        let catalog = Arc::new(catalog);
        let metrics = Arc::new(Metrics::new(catalog.clone()));
        Self {
            catalog: Arc::new(ArcSwap::new(catalog)),
            limits,
            ready: Arc::new(AtomicBool::new(true)),
            metrics,
            gate: Arc::default(),
            door: Door::Main { has_admin: false },
            workers: Arc::new(Semaphore::new(batch::cores())),
        }
    }

    /// The same behind another gate.
    #[must_use]
    pub fn with_gate(self, gate: Gate) -> Self {
        Self { gate: Arc::new(gate), ..self }
    }

    /// The same service, for those who come in by this door.
    #[must_use]
    pub fn with_door(self, door: Door) -> Self {
        Self { door, ..self }
    }

    /// Who is let in, and what was counted there.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The door by which requests come in.
    pub fn door(&self) -> Door {
        self.door
    }

    /// The catalogue in force. A request takes it once and keeps it, so that it never sees half of two.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Makes `catalog` the one in force. Requests that run finish with the one they took.
    pub fn replace_catalog(&self, catalog: Catalog) {
        let catalog = Arc::new(catalog);
        self.metrics.take(catalog.clone());
        self.catalog.store(catalog);
    }

    /// The numbers that `/metrics` tells; every verdict that is given is counted there.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What batches share the cores by.
    fn workers(&self) -> Arc<Semaphore> {
        self.workers.clone()
    }

    /// Whether `/readyz` says so.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Makes `/readyz` say no from now on, so that nobody sends new requests while the last ones finish.
    pub fn leave(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}

/// The whole service.
pub fn app(state: AppState) -> Router {
    let (router, _) = routes::all().split_for_parts();
    let timeout = TimeoutLayer::with_status_code(axum::http::StatusCode::REQUEST_TIMEOUT, state.limits.request_time);
    router
        .route("/openapi.json", get(openapi::serve))
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        // Each route bounds its own body, by what it takes.
        .layer(DefaultBodyLimit::disable())
        .layer(catch_panics(&state))
        // Bounds the time until an answer begins. A stream's begins at once, and bounds itself.
        .layer(timeout)
        .layer(middleware::from_fn_with_state(state.clone(), gate::pass))
        .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
        .with_state(state)
}

/// Answers and counts panics.
fn catch_panics(state: &AppState) -> CatchPanicLayer<impl ResponseForPanic<ResponseBody = Body> + use<>> {
    let metrics = state.metrics.clone();
    CatchPanicLayer::custom(move |panic| {
        metrics.panics.increment();
        problem::from_panic(panic)
    })
}

#[cfg(test)]
mod tests {
    use axum::{
        extract::State,
        http::{HeaderMap, Request},
        response::Response,
    };
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_as_a_problem_that_tells_nothing_of_it() {
        async fn panics() -> &'static str {
            panic!("anna@example.org")
        }
        let state = AppState::new(Catalog::built_in().unwrap(), Limits::default());
        let router = Router::new()
            .route("/panics", get(panics))
            .layer(catch_panics(&state))
            .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap));
        let answer = router.oneshot(Request::get("/panics").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["instance"], "/panics");
        assert!(!problem.to_string().contains("anna"));
        assert_eq!(state.metrics().panics.get(), 1);
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
        let router = Router::new()
            .route("/straddles", get(straddles))
            .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
            .with_state(state.clone());
        let answer = router.oneshot(Request::get("/straddles").body(Body::empty()).unwrap()).await.unwrap();
        assert_ne!(state.catalog().version(), before);
        assert_eq!(answer.headers()["catalog-version"], before.as_str());
        assert!(answer.headers()["etag"].to_str().unwrap().contains(&before));
    }
}
