// The page of the indexer: reads /api/v1 every five seconds and fills the tables. Text only ever goes in as text.
"use strict";

const REFRESH_MS = 5000;
const NONE = "\u2013";
// Tokens have six decimals in a network made by this project's tools; amounts are exact in the title.
const DECIMALS = 6;

async function get(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok && response.status !== 503) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function tokens(amount) {
  if (amount === null || amount === undefined) return NONE;
  const text = String(amount).padStart(DECIMALS + 1, "0");
  const whole = text.slice(0, -DECIMALS).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = text.slice(-DECIMALS).replace(/0+$/, "");
  return fraction ? `${whole}.${fraction}` : whole;
}

function percent(bps) {
  return `${(bps / 100).toFixed(1)} %`;
}

function short(text) {
  if (!text) return document.createTextNode(NONE);
  const element = document.createElement("abbr");
  element.title = text;
  element.textContent = text.length > 12 ? `${text.slice(0, 4)}\u2026${text.slice(-4)}` : text;
  return element;
}

function time(seconds) {
  return new Date(seconds * 1000).toLocaleString();
}

function cell(value, isHeader) {
  const element = document.createElement(isHeader ? "th" : "td");
  if (isHeader) element.scope = "row";
  if (value instanceof Node) element.append(value);
  else if (value && typeof value === "object") {
    element.className = "number";
    element.textContent = value.number;
    if (value.title) element.title = value.title;
  } else element.textContent = value ?? NONE;
  return element;
}

function amount(base) {
  return { number: tokens(base), title: base ? `${base} base units` : "" };
}

function fill(id, rows, columns) {
  const body = document.getElementById(id);
  const made = rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((value, i) => cell(value, i === 0)));
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    const empty = cell("nothing yet");
    empty.colSpan = columns;
    row.append(empty);
    made.push(row);
  }
  body.replaceChildren(...made);
}

function describe(network, stats) {
  const set = network.oracle_sets[0];
  const pairs = [
    ["Chain", network.genesis_hash],
    ["Network program", network.network_program],
    ["Jobs program", network.jobs_program],
    ["Oracles", set ? `${set.oracles.length}, ${set.threshold} must agree` : NONE],
    ["Epoch", `${network.epoch_len} s in buckets of ${network.bucket_len} s`],
    ["Fee", percent(network.fee_bps)],
    ["Nodes", `${stats.nodes_active} active of ${stats.nodes}, ${stats.holders} holders`],
    ["Events", `${stats.chain_events} in ${stats.streams} streams`],
  ];
  const list = document.getElementById("network");
  list.replaceChildren(...pairs.flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

function nodeRow(node) {
  const uptime = node.epochs.map((epoch) => `${epoch.epoch}: ${percent(epoch.uptime_bps)} (${epoch.counted}/${epoch.buckets})`);
  const name = node.metadata && typeof node.metadata.name === "string" ? ` ${node.metadata.name}` : "";
  return [`#${node.serial}${name}`, short(node.address), node.status, short(node.holder), uptime.join(", ") || NONE,
    amount(node.claimed_total), amount(node.job_earned_total)];
}

function jobRow(job, work) {
  const results = work && Array.isArray(work.results) ? work.results : [];
  const accuracy = results.map((result) => result.accuracy).find((value) => typeof value === "number");
  const progress = job.state === "completed" ? 100 : work ? work.progress : undefined;
  const state = job.state === "open" && work && work.state ? `open (${work.state})` : job.state;
  return [`#${job.index}`, state, { number: progress === undefined ? NONE : `${progress} %` },
    { number: accuracy === undefined ? NONE : `${(accuracy * 100).toFixed(2)} %` },
    amount(job.stake), amount(job.to_nodes), amount(job.to_treasury), amount(job.refunded)];
}

async function jobsWithWork() {
  const { items } = await get("/api/v1/jobs?limit=20");
  return Promise.all(items.map(async (job) => {
    const detail = await get(`/api/v1/jobs/${job.address}`).catch(() => null);
    return jobRow(job, detail && detail.work);
  }));
}

function showStatus(health, problem) {
  const status = document.getElementById("status");
  status.classList.toggle("bad", Boolean(problem) || health.status !== "ok");
  status.textContent = problem || `Indexer ${health.status}, slot ${health.cursor_slot} of ${health.head_slot}` +
    (health.gap ? `, ${health.gap} streams miss an event` : "") + (health.error ? `: ${health.error}` : "");
}

async function refresh() {
  try {
    const health = await get("/api/v1/health");
    const [stats, nodes, jobs, epochs, claims, treasury] = await Promise.all([
      get("/api/v1/stats"), get("/api/v1/nodes?limit=100"), jobsWithWork(), get("/api/v1/epochs?limit=20"),
      get("/api/v1/claims?limit=20"), get("/api/v1/treasury?limit=1"),
    ]);
    fill("nodes", nodes.items.map(nodeRow), 7);
    fill("jobs", jobs, 8);
    fill("epochs", epochs.items.map((epoch) => [String(epoch.epoch), epoch.status, amount(epoch.budget), amount(epoch.fee),
      amount(epoch.node_pool), { number: epoch.total_points }, short(epoch.root)]), 7);
    fill("claims", claims.items.map((claim) => [time(claim.timestamp), short(claim.node), short(claim.holder),
      amount(claim.amount), amount(claim.claimed_total), short(claim.signature)]), 6);
    fill("treasury", treasury.balances.map((balance) => [short(balance.mint), amount(balance.received),
      amount(balance.from_epochs), amount(balance.from_jobs)]), 4);
    if (stats.projects > 0 || stats.chain_events > 0) describe(await get("/api/v1/network"), stats);
    showStatus(health);
  } catch (error) {
    showStatus({}, `The indexer does not answer: ${error.message}`);
  } finally {
    setTimeout(refresh, REFRESH_MS);
  }
}

refresh();
