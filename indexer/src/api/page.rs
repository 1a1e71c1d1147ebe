//! Keyset pages.

use axum::extract::{FromRequestParts, Query};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;
use sqlx::query_scalar;
use sqlx::types::Json;
use utoipa::{IntoParams, ToSchema};

use super::Problem;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 500;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items of a page: 1 to 500, 50 by default.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `after` for the following page; null on the last one.
    pub next: Option<String>,
}

impl PageQuery {
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(i64::from(limit)),
            limit => Err(Problem::bad_request("limit", format!("limit is {limit}; 1 to {LIMIT_MAX} are possible"))),
        }
    }

    /// The parts of `after`, of which there must be `N`. `None` on the first page.
    pub fn key<const N: usize>(&self) -> Result<Option<[&str; N]>, Problem> {
        let Some(after) = &self.after else { return Ok(None) };
        let parts: Vec<&str> = after.split('.').collect();
        parts.try_into().map(Some).map_err(|_| bad_after(after))
    }

    /// A number of `after`.
    pub fn number(&self, part: &str) -> Result<i64, Problem> {
        part.parse().map_err(|_| bad_after(self.after.as_deref().unwrap_or_default()))
    }
}

fn bad_after(after: &str) -> Problem {
    Problem::bad_request("after", format!("{after:?} is no page: pass the next of the page before, unchanged"))
}

impl<T> Page<T> {
    /// `next` is the key of the last item if the page is full.
    pub fn new(items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let next = if items.len() as i64 == limit { items.last().map(key) } else { None };
        Self { items, next }
    }
}

/// A query string, refused with a problem document.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

/// The row of a query by one text key, as the JSON that the query makes.
pub async fn one<T>(pool: &PgPool, sql: &'static str, key: &str) -> Result<Option<T>, Problem>
where
    T: for<'de> Deserialize<'de> + Send + Unpin + 'static,
{
    let row: Option<Json<T>> = query_scalar(sql).bind(key).fetch_optional(pool).await?;
    Ok(row.map(|Json(row)| row))
}

/// Rows out of their JSON.
pub fn plain<T>(rows: Vec<Json<T>>) -> Vec<T> {
    rows.into_iter().map(|Json(row)| row).collect()
}
