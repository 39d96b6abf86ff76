//! How long requests take, by route, method and class of status.

use std::time::Duration;

use super::{
    count::{Histogram, Level},
    exposition::{Exposition, Kind},
};

/// Every route that has numbers of its own; `other` is for pages, and `none` for paths that no route has. A test compares it
/// with the specification.
const ROUTES: [&str; 19] = [
    "/v1/classify/reply",
    "/v1/classify/message",
    "/v1/classify/batch",
    "/v1/codes/{code}",
    "/v1/codes",
    "/v1/categories/{id}",
    "/v1/categories",
    "/v1/providers/{id}",
    "/v1/providers",
    "/v1/blocklists/{id}",
    "/v1/blocklists",
    "/v1/unmatched",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/",
    "other",
    "none",
];

/// One of [`ROUTES`], by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route(usize);

impl Route {
    /// The route that answers at this path. What a person typed stays out of logs and metrics: paths become patterns.
    pub(crate) fn of(path: &str) -> Self {
        let known = |wanted: &str| ROUTES[..OTHER].iter().position(|pattern| *pattern == wanted);
        let place = known(path).or_else(|| match path.rsplit_once('/') {
            _ if path.starts_with("/docs") && matches!(path.as_bytes().get(5), None | Some(b'/')) => Some(OTHER),
            Some((above, below)) if !below.is_empty() => ROUTES[..OTHER].iter().position(|pattern| {
                pattern.strip_prefix(above).is_some_and(|rest| rest.starts_with("/{") && rest.ends_with('}'))
            }),
            _ => None,
        });
        Self(place.unwrap_or(NONE))
    }

    /// Its pattern.
    pub(crate) fn as_str(self) -> &'static str {
        ROUTES[self.0]
    }
}

/// The places of the last two of [`ROUTES`].
const OTHER: usize = ROUTES.len() - 2;
const NONE: usize = ROUTES.len() - 1;

const METHODS: [&str; 3] = ["GET", "POST", "other"];
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// A histogram for each combination; those that never were are not shown.
#[derive(Debug)]
pub(crate) struct Requests {
    durations: Vec<Histogram>,
    /// Requests that are being answered.
    pub(crate) in_flight: Level,
}

impl Default for Requests {
    fn default() -> Self {
        let cells = ROUTES.len() * METHODS.len() * CLASSES.len();
        Self { durations: (0..cells).map(|_| Histogram::default()).collect(), in_flight: Level::default() }
    }
}

impl Requests {
    /// Counts an answered request.
    pub(crate) fn answered(&self, route: Route, method: &str, status: u16, took: Duration) {
        let method = match method {
            // HEAD is answered as GET is.
            "GET" | "HEAD" => 0,
            "POST" => 1,
            _ => 2,
        };
        let class = match status {
            ..300 => 0,
            300..400 => 1,
            400..500 => 2,
            500.. => 3,
        };
        self.durations[(route.0 * METHODS.len() + method) * CLASSES.len() + class].record(took);
    }

    pub(super) fn write(&self, text: &mut Exposition) {
        text.metric(
            "http_server_request_duration_seconds",
            Kind::Histogram,
            "Time from a request's head until its answer's head stood, by route, method and class of status.",
        );
        for (at, histogram) in self.durations.iter().enumerate() {
            if histogram.cumulative().1 == 0 {
                continue;
            }
            let (rest, class) = (at / CLASSES.len(), CLASSES[at % CLASSES.len()]);
            let (route, method) = (ROUTES[rest / METHODS.len()], METHODS[rest % METHODS.len()]);
            text.histogram(&[("route", route), ("method", method), ("status", class)], histogram);
        }
        text.single(
            "http_server_active_requests",
            Kind::Gauge,
            "Requests that are being answered.",
            self.in_flight.get(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_its_pattern() {
        for (path, pattern) in [
            ("/", "/"),
            ("/v1/codes", "/v1/codes"),
            ("/v1/codes/5.1.1", "/v1/codes/{code}"),
            ("/v1/codes/", "none"),
            ("/v1/codes/5/1", "none"),
            ("/v1/codes/{code}", "/v1/codes/{code}"),
            ("/v1/classify/anna@example.org", "none"),
            ("/v1/unmatched", "/v1/unmatched"),
            ("/docs", "other"),
            ("/docs/", "other"),
            ("/docs/a/b.js", "other"),
            ("/docsx", "none"),
            ("/other", "none"),
            ("other", "none"),
            ("*", "none"),
            ("", "none"),
        ] {
            assert_eq!(Route::of(path).as_str(), pattern, "{path:?}");
        }
    }

    #[test]
    fn each_combination_is_counted_under_its_own_labels() {
        let requests = Requests::default();
        for (path, method, status) in [
            ("/v1/classify/reply", "POST", 200),
            ("/v1/classify/reply", "POST", 422),
            ("/v1/codes/550", "HEAD", 304),
            ("/docs/index.css", "GET", 200),
            ("/anna@example.org", "DELETE", 404),
            ("/readyz", "GET", 503),
        ] {
            requests.answered(Route::of(path), method, status, Duration::from_micros(7));
        }
        let mut text = Exposition::default();
        requests.write(&mut text);
        let text = text.finish();
        for labels in [
            "route=\"/v1/classify/reply\",method=\"POST\",status=\"2xx\"",
            "route=\"/v1/classify/reply\",method=\"POST\",status=\"4xx\"",
            "route=\"/v1/codes/{code}\",method=\"GET\",status=\"3xx\"",
            "route=\"other\",method=\"GET\",status=\"2xx\"",
            "route=\"none\",method=\"other\",status=\"4xx\"",
            "route=\"/readyz\",method=\"GET\",status=\"5xx\"",
        ] {
            assert!(text.contains(&format!("http_server_request_duration_seconds_count{{{labels}}} 1\n")), "{text}");
        }
        assert_eq!(text.matches("_count{").count(), 6);
    }
}
