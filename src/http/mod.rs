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
//! | `GET /livez`, `/readyz` | whether the process lives, whether it takes requests |
//! | `GET /openapi.json`, `/docs` | the specification, and a page to try it on |
//!
//! Every failure is a [`Problem`], whoever caused it; every answer carries `x-request-id` and `catalog-version`.

mod answer;
mod body;
mod envelope;
mod language;
pub mod openapi;
mod packing;
mod problem;
mod query;
mod routes;
mod stream;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use axum::{Router, extract::DefaultBodyLimit, middleware, response::Redirect, routing::get};
pub use problem::Problem;
use tokio::sync::Semaphore;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa_swagger_ui::SwaggerUi;

use crate::{batch, catalog::Catalog, limits::Limits};

/// What every request handler can reach.
#[derive(Clone, Debug)]
pub struct AppState {
    catalog: Arc<ArcSwap<Catalog>>,
    limits: Limits,
    ready: Arc<AtomicBool>,
    /// As many as there are cores: what batches keep busy, however many of them there are.
    workers: Arc<Semaphore>,
}

impl AppState {
    /// A service that answers from `catalog` within `limits`.
    pub fn new(catalog: Catalog, limits: Limits) -> Self {
        Self {
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            limits,
            ready: Arc::new(AtomicBool::new(true)),
            workers: Arc::new(Semaphore::new(batch::cores())),
        }
    }

    /// The catalogue in force. A request takes it once and keeps it, so that it never sees half of two.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
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
        .layer(CatchPanicLayer::custom(problem::from_panic))
        // Bounds the time until an answer begins. A stream's begins at once, and bounds itself.
        .layer(timeout)
        .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
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
            .layer(CatchPanicLayer::custom(problem::from_panic))
            .layer(middleware::from_fn_with_state(state, envelope::wrap));
        let answer = router.oneshot(Request::get("/panics").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["instance"], "/panics");
        assert!(!problem.to_string().contains("anna"));
    }
}
