use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, one, plain};
use super::{Api, Problem};

/// A named group of a project's nodes.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Pool {
    address: String,
    project: String,
    /// Its number in the project.
    index: i64,
    name: String,
    /// The most nodes.
    capacity: i32,
    /// Nodes that are in it.
    count: i32,
    created_at: i64,
    /// When it was closed; an open one has none.
    closed_at: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PoolQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this project.
    project: Option<String>,
}

macro_rules! pool {
    ($rest:literal) => {
        concat!(
            "SELECT to_jsonb(r) FROM (SELECT p.address, p.project, p.idx AS index, p.name, p.capacity, p.count, \
             p.created_at, p.account_closed_at AS closed_at FROM pool p ",
            $rest,
            ") r"
        )
    };
}

/// Pools, by project and index.
#[utoipa::path(get, path = "/api/v1/pools", tag = "nodes", params(PoolQuery),
    responses((status = 200, body = Page<Pool>), (status = 400, body = Problem)))]
pub async fn pools(State(api): State<Api>, Params(query): Params<PoolQuery>) -> Result<Json<Page<Pool>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [project, index] = page.key::<2>()?.unwrap_or(["", "-1"]);
    let rows = query_scalar(pool!(
        "WHERE (p.project, p.idx) > ($1, $2) AND ($3::text IS NULL OR p.project = $3) ORDER BY p.project, p.idx LIMIT $4"
    ))
    .bind(project)
    .bind(page.number(index)?)
    .bind(query.project)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    Ok(Json(Page::new(plain(rows), limit, |pool: &Pool| format!("{}.{}", pool.project, pool.index))))
}

/// One pool; its nodes are `/api/v1/nodes?pool=`.
#[utoipa::path(get, path = "/api/v1/pools/{address}", tag = "nodes",
    params(("address" = String, Path, description = "Address of the pool")),
    responses((status = 200, body = Pool), (status = 404, body = Problem)))]
pub async fn pool(State(api): State<Api>, Path(address): Path<String>) -> Result<Json<Pool>, Problem> {
    let found = one(api.store.pool(), pool!("WHERE p.address = $1"), &address).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no pool {address}")))
}
