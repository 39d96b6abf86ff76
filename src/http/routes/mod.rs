//! One file a resource.

mod batch;
mod blocklists;
mod categories;
mod classify;
mod codes;
mod health;
mod metrics;
mod providers;
mod unmatched;

use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{AppState, openapi::Document};

/// Every documented route.
pub(super) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(classify::reply))
        .routes(routes!(classify::message))
        .routes(routes!(codes::list))
        .routes(routes!(codes::one))
        .routes(routes!(categories::list))
        .routes(routes!(categories::one))
        .routes(routes!(providers::list))
        .routes(routes!(providers::one))
        .routes(routes!(blocklists::list))
        .routes(routes!(blocklists::one))
        .routes(routes!(unmatched::list))
        .routes(routes!(batch::batch))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::scrape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Route;

    #[test]
    fn every_route_has_numbers_of_its_own() {
        let (_, document) = all().split_for_parts();
        let missing: Vec<&String> =
            document.paths.paths.keys().filter(|path| Route::of(path).as_str() != *path).collect();
        assert!(missing.is_empty(), "telemetry/requests.rs does not know {missing:?}");
    }
}
