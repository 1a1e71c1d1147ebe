//! Errors of the jobs API: the oracle's problem documents, with the [`Reason`] that a message is counted by.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use muster_protocol::reason::Reason;

use super::TakeError;
use super::core::Refusal;
use super::store::StoreError;
use crate::http::problem;

/// What was wrong, for people and for programs.
#[derive(Debug)]
pub struct Problem {
    shown: problem::Problem,
    /// None for what is no message: a read of something that is not here.
    counted: Option<Reason>,
}

impl Problem {
    pub fn new(status: StatusCode, reason: Reason, detail: impl Into<String>) -> Self {
        Self { shown: problem::Problem::new(status, reason.name(), detail), counted: Some(reason) }
    }

    /// A thing that is not here.
    pub fn not_found(detail: impl Into<String>) -> Self {
        problem::Problem::not_found("not_found", detail).into()
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Reason::Malformed, detail)
    }

    /// Not the sender's fault, and worth another try.
    pub fn busy(detail: impl Into<String>) -> Self {
        let shown = problem::Problem::unavailable(Reason::Overloaded.name(), detail, 1);
        Self { shown, counted: Some(Reason::Overloaded) }
    }
}

impl From<problem::Problem> for Problem {
    fn from(shown: problem::Problem) -> Self {
        Self { shown, counted: None }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The details are the operator's.
        tracing::error!(%error, "the job store failed");
        Self::busy("the oracle's database does not answer, try again")
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::UnknownJob | Refusal::UnknownAssignment | Refusal::NoDescriptor => StatusCode::NOT_FOUND,
            Refusal::WrongDescriptor | Refusal::BadAssignment(_) | Refusal::UnknownNode => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Refusal::NotOracle | Refusal::NotAssigned => StatusCode::FORBIDDEN,
            Refusal::TooLate { .. }
            | Refusal::Settled
            | Refusal::Cancelled { .. }
            | Refusal::Conflict
            | Refusal::StaleSeq { .. } => StatusCode::CONFLICT,
            Refusal::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Wire(_) => match refusal.reason() {
                Reason::BadSignature | Reason::WrongDomain => StatusCode::FORBIDDEN,
                Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            },
        };
        Self::new(status, refusal.reason(), refusal.to_string())
    }
}

impl From<TakeError> for Problem {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Refused(refusal) => refusal.into(),
            TakeError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.shown.into_response();
        if let Some(reason) = self.counted {
            response.extensions_mut().insert(reason);
        }
        response
    }
}
