//! Floor 4: HTTP on `listen.admin`: metrics, health, status.
//!
//! | path | answers |
//! |---|---|
//! | `/metrics` | the exposition of [`Metrics`] |
//! | `/healthz` | 200 while the process lives |
//! | `/readyz` | 200 while queries are answered by a loaded snapshot and logged; else 503 and what is missing |
//! | `/api/v1/status` | what is in force, as JSON |
//! | `/api/v1/openapi.json` | what the API is |
//! | `/` | what is in force, for people |
//!
//! Errors are `application/problem+json` (RFC 9457). Nothing here changes anything: every path is read only.

mod connection;
mod openapi;
mod page;
mod problem;
mod routes;
mod status;

use std::fmt;
use std::sync::Arc;

pub use self::connection::serve;
pub use self::openapi::document as openapi;
pub use self::status::{ConfigInForce, InForce, ListRenewal, Listening, Readiness, Reload, Status, ZoneInForce};
use crate::metrics::Metrics;

/// What the doors here ask the house. The questions are put on the runtime's own threads for each request: answers must be at hand.
pub struct House {
    metrics: Arc<Metrics>,
    ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
    status: Box<dyn Fn() -> Status + Send + Sync>,
}

impl House {
    /// A house that answers `/readyz` and `cordon_ready` by `ready` and tells of itself by `status`.
    pub fn new(
        metrics: Arc<Metrics>,
        ready: impl Fn() -> Readiness + Send + Sync + 'static,
        status: impl Fn() -> Status + Send + Sync + 'static,
    ) -> Arc<House> {
        let ready: Arc<dyn Fn() -> Readiness + Send + Sync> = Arc::new(ready);
        let asked = Arc::clone(&ready);
        metrics.ready_from(move || asked().is_ready());
        Arc::new(House { metrics, ready, status: Box::new(status) })
    }
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
