use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sqlx::query_scalar;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageQuery, Params, one, plain};
use super::{Api, Problem};

/// How uptime and task scores become points.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Formula {
    w_uptime: u32,
    w_task: u32,
    cap: String,
    min_uptime_bps: u16,
}

/// Who defines workloads, sells licences, funds rewards and settles epochs.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Project {
    address: String,
    index: i64,
    name: String,
    uri: String,
    owner: String,
    settler: String,
    collection: String,
    distribution: String,
    reward_mint: String,
    payment_mint: String,
    price: String,
    licences_max: i64,
    licences_sold: i64,
    nodes: i64,
    formula: Formula,
    max_epoch_budget: String,
    reward_mode: i32,
    first_epoch: i64,
    created_at: i64,
    /// By `fund_project`.
    funded_total: String,
    /// Budgets of all settlements.
    settled_total: String,
    /// Node pools of all active roots.
    allocated: String,
    claimed: String,
}

macro_rules! project {
    ($rest:literal) => {
        concat!(
            "SELECT to_jsonb(r) FROM (SELECT p.address, p.idx AS index, p.name, p.uri, p.owner, p.settler, p.collection, \
             p.distribution, p.reward_mint, p.payment_mint, p.price::text AS price, p.licences_max, p.licences_sold, \
             (SELECT count(*) FROM node n WHERE n.project = p.address) AS nodes, p.formula, \
             p.max_epoch_budget::text AS max_epoch_budget, p.reward_mode, p.first_epoch, p.created_at, \
             p.funded_total::text AS funded_total, \
             (SELECT COALESCE(sum(e.budget), 0) FROM epoch e WHERE e.project = p.address \
             AND e.status <> 'voided')::text AS settled_total, \
             COALESCE(d.allocated, 0)::text AS allocated, COALESCE(d.claimed, 0)::text AS claimed \
             FROM project p LEFT JOIN distribution d ON d.address = p.distribution ",
            $rest,
            ") r"
        )
    };
}

/// All projects, oldest first.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = Page<Project>), (status = 400, body = Problem)))]
pub async fn projects(State(api): State<Api>, Params(page): Params<PageQuery>) -> Result<Json<Page<Project>>, Problem> {
    let limit = page.limit()?;
    let [index] = page.key::<1>()?.unwrap_or(["-1"]);
    let rows = query_scalar(project!("WHERE p.idx > $1 ORDER BY p.idx LIMIT $2"))
        .bind(page.number(index)?)
        .bind(limit)
        .fetch_all(api.store.pool())
        .await?;
    Ok(Json(Page::new(plain(rows), limit, |project: &Project| project.index.to_string())))
}

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "Its address")),
    responses((status = 200, body = Project), (status = 404, body = Problem)))]
pub async fn project(State(api): State<Api>, Path(address): Path<String>) -> Result<Json<Project>, Problem> {
    let found = one(api.store.pool(), project!("WHERE p.address = $1"), &address).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no project {address}")))
}

/// A licence as it was sold.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Licence {
    address: String,
    project: String,
    serial: i64,
    /// Who bought it first, or was given it.
    buyer: String,
    is_gift: bool,
    /// None of a gift.
    payment_mint: Option<String>,
    price: String,
    sold_at: i64,
    /// The node that it is bound to, and by whom.
    node: Option<String>,
    holder: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LicenceQuery {
    limit: Option<u32>,
    after: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// Bought by this wallet.
    buyer: Option<String>,
}

/// Licences sold, by project and serial.
#[utoipa::path(get, path = "/api/v1/licences", tag = "projects", params(LicenceQuery),
    responses((status = 200, body = Page<Licence>), (status = 400, body = Problem)))]
pub async fn licences(
    State(api): State<Api>,
    Params(query): Params<LicenceQuery>,
) -> Result<Json<Page<Licence>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let [project, serial] = page.key::<2>()?.unwrap_or(["", "-1"]);
    let rows = query_scalar(
        "SELECT to_jsonb(r) FROM (SELECT l.address, l.project, l.serial, l.buyer, l.is_gift, l.payment_mint, l.price::text AS price, \
         l.sold_at, n.address AS node, n.holder FROM licence l LEFT JOIN node n ON n.licence = l.address \
         WHERE (l.project, l.serial) > ($1, $2) AND ($3::text IS NULL OR l.project = $3) AND ($4::text IS NULL OR l.buyer = $4) \
         ORDER BY l.project, l.serial LIMIT $5) r",
    )
    .bind(project)
    .bind(page.number(serial)?)
    .bind(query.project)
    .bind(query.buyer)
    .bind(limit)
    .fetch_all(api.store.pool())
    .await?;
    Ok(Json(Page::new(plain(rows), limit, |licence: &Licence| format!("{}.{}", licence.project, licence.serial))))
}
