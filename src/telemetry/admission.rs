//! What happens at the gate before the routes: who is turned away, and why.

use super::{
    count::{Counter, Level},
    exposition::{Exposition, Kind},
};

/// Counted from the start on.
#[derive(Debug, Default)]
pub struct Admission {
    /// Requests turned away because too many were in work, or too many connections open: 503.
    pub shed: Counter,
    /// Requests over their caller's rate: 429.
    pub rate_limited: Counter,
    /// Requests without a key, or with a wrong one: 401.
    pub unauthorized: Counter,
    /// Connections that are open now.
    pub connections: Level,
}

impl Admission {
    pub(super) fn write(&self, text: &mut Exposition) {
        for (name, help, count) in [
            ("retoure_requests_shed_total", "Requests turned away because of overload (503).", &self.shed),
            ("retoure_requests_rate_limited_total", "Requests over a rate limit (429).", &self.rate_limited),
            ("retoure_requests_unauthorized_total", "Requests without a right key (401).", &self.unauthorized),
        ] {
            text.single(name, Kind::Counter, help, count.get());
        }
        text.single("retoure_open_connections", Kind::Gauge, "Connections that are open.", self.connections.get());
    }
}
