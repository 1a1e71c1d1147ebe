//! A project's whole day by itself. Everything it knows it reads from the chain and the oracles, so it may be stopped at
//! any point and started again.

mod plan;
mod scores;

use std::{path::PathBuf, time::Duration};

use muster_client::{
    Pubkey, addresses,
    muster_network::state::{Distribution, Project, epoch_status, reward_mode, settlement_state},
    shell::keys,
};
use reqwest::Method;
use serde_json::{Value, json};
use solana_sdk::signature::{Keypair, Signer};

use plan::{Chain, Step};
use scores::{Scores, Source};

use crate::{
    amount::Amount,
    args::{BudgetRule, EpochActivate, EpochSettle, ProjectRef, ProjectServe},
    commands::{epoch, poot::domain},
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    oracles::RequestSigner,
    output::Answer,
};

/// The longest wait after failures, seconds.
const BACKOFF_S_MAX: u64 = 60;
/// How long the oracles are waited for within one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(300);
/// Rows of uptime that are asked for at a time.
const PAGE: u64 = 10_000;

struct Service<'a> {
    context: &'a Context,
    args: ProjectServe,
    settler: Keypair,
    project: Pubkey,
    /// The newest epoch that nothing more is done for.
    done: Option<u64>,
    /// The epoch whose settlement is open.
    open: Option<u64>,
    said: String,
}

pub async fn run(context: &Context, args: ProjectServe) -> Result<Answer, CliError> {
    let (project, account) = context.project(&args.project).await?;
    let settler = match &args.settler {
        Some(path) => keys::read(path)?,
        None => context.signer()?,
    };
    if settler.pubkey() != account.settler {
        return Err(usage(format!(
            "the key {} is not the project's settler {}: name that key's file by --settler",
            settler.pubkey(),
            account.settler
        )));
    }
    let is_external = account.reward_mode == reward_mode::EXTERNAL;
    match (&args.budget, is_external) {
        (None, false) => return Err(usage("say what an epoch pays by --budget, tokens or a share of the vault as 5%")),
        (Some(_), true) => return Err(usage("this project's rewards are paid elsewhere: serve it without --budget")),
        _ => {}
    }
    let mut service = Service { context, args, settler, project, done: None, open: None, said: String::new() };
    service.serve().await
}

impl Service<'_> {
    async fn serve(&mut self) -> Result<Answer, CliError> {
        self.say("serving", json!({"project": self.project.to_string()}));
        let mut failures = 0;
        loop {
            let wait_s = match self.look().await {
                Ok(Some(answer)) if self.args.once => return Ok(answer),
                Ok(_) => {
                    failures = 0;
                    self.args.every
                }
                // What is wrong with the command line or a key does not mend itself.
                Err(error) if error.exit_code() == crate::error::BAD_INPUT => return Err(error),
                Err(error) => {
                    failures += 1;
                    self.say("failed", json!({"why": crate::remedy::sentence(&error), "failures": failures}));
                    (self.args.every << failures.min(6)).min(BACKOFF_S_MAX)
                }
            };
            tokio::time::sleep(Duration::from_secs(wait_s)).await;
        }
    }

    /// One line; what was said just before is not said again.
    fn say(&mut self, event: &str, facts: Value) {
        let line = json!({"event": event, "facts": facts}).to_string();
        if line == self.said {
            return;
        }
        match self.context.json {
            true => println!("{line}"),
            false => println!("{event}: {}", words(&facts)),
        }
        self.said = line;
    }

    /// Takes the oldest open epoch one step on; an answer when one is done.
    async fn look(&mut self) -> Result<Option<Answer>, CliError> {
        let account: Project = self.context.expect("the project", &self.project).await?;
        let network = self.context.network().await?;
        let distribution: Distribution = self.context.distribution(&self.project).await?;
        let now = self.context.chain.clock().await?;
        let chain = Chain {
            current: network.epoch_at(now),
            now,
            next: account.next_epoch,
            open: (distribution.open_state != settlement_state::NONE)
                .then_some((distribution.open_epoch, distribution.open_state)),
            active_from: distribution.pending_eta.max(distribution.pending.held_until),
        };
        // Anybody may make a root active, and a settlement without a budget needs nobody to.
        if let Some(epoch) = self.open.filter(|epoch| chain.open.is_none_or(|(open, _)| open != *epoch)) {
            self.open = None;
            let settlement = self.context.chain.epoch(&self.project, epoch).await?;
            if settlement.is_some_and(|settlement| settlement.status == epoch_status::FINAL) {
                self.done = self.done.max(Some(epoch));
                let answer = Facts::new().say("project", self.project).number("epoch", epoch).say("state", "final");
                self.say("final", json!({"epoch": epoch}));
                return Ok(Some(answer.answer()));
            }
        }
        self.open = chain.open.map(|(epoch, _)| epoch).or(self.open);
        let (target, passed) = plan::target(&chain, self.args.from, self.done);
        if passed > 0 {
            let facts =
                json!({"epochs": passed, "why": "the oracles compute them no more; settling a later one skips them"});
            self.say("passing over", facts);
        }
        let Some(epoch) = target else {
            self.say("waiting", json!({"for": "the running epoch to end", "epoch": chain.current}));
            return Ok(None);
        };
        let status = self.context.chain.epoch(&self.project, epoch).await?.map(|settlement| settlement.status);
        let rows = match status {
            None if chain.open.is_none() => self.final_uptime(epoch).await?,
            _ => None,
        };
        match plan::step(&chain, epoch, status, rows.is_some()) {
            Step::Wait(what) => {
                self.say("waiting", json!({"for": what, "epoch": epoch}));
                Ok(None)
            }
            Step::Done => {
                self.done = self.done.max(Some(epoch));
                Ok(None)
            }
            Step::Settle => {
                let cut_off = network.epoch_end(epoch).saturating_add(network.epoch_len.into());
                let half = cut_off.saturating_sub(i64::from(network.epoch_len) / 2);
                self.settle(&account, epoch, &rows.unwrap_or_default(), now > half).await?;
                Ok(None)
            }
            Step::Activate => {
                let args =
                    EpochActivate { project: ProjectRef::Address(self.project), wait: true, timeout: STEP_TIMEOUT };
                let answer = epoch::activate_as(self.context, &self.settler, args).await?;
                self.say("active", json!({"epoch": epoch}));
                (self.done, self.open) = (self.done.max(Some(epoch)), None);
                Ok(Some(answer))
            }
        }
    }

    /// The final uptime of all nodes, as a threshold of oracles says alike; none before.
    async fn final_uptime(&mut self, epoch: u64) -> Result<Option<Vec<Value>>, CliError> {
        let threshold = usize::from(self.context.oracle_set().await?.threshold);
        let settler = self.settler.insecure_clone();
        let signer = RequestSigner { domain: domain(self.context).await?, key: &settler };
        let mut answers = Vec::new();
        for oracle in self.context.oracles().await? {
            match self.uptime_of(&oracle, &signer, epoch).await {
                Ok(found) => answers.extend(found),
                Err(error) => tracing::debug!(%error, "an oracle gave no uptime"),
            }
        }
        Ok(plan::agreed(answers, threshold))
    }

    /// What one oracle says: the dataset's hash and all rows; none while the epoch is not computed there.
    async fn uptime_of(
        &self,
        oracle: &crate::oracles::Oracle,
        signer: &RequestSigner<'_>,
        epoch: u64,
    ) -> Result<Option<(String, Vec<Value>)>, CliError> {
        let (mut rows, mut from) = (Vec::new(), 0);
        loop {
            let path = format!("/api/v1/projects/{}/epochs/{epoch}/uptime?from={from}&limit={PAGE}", self.project);
            let page: Value = oracle.signed(signer, Method::GET, &path, Vec::new()).await?;
            if page["is_final"] != true {
                return Ok(None);
            }
            rows.extend(page["rows"].as_array().cloned().unwrap_or_default());
            match page["next"].as_u64().filter(|next| *next > from) {
                Some(next) => from = next,
                // Scores may differ between oracles for a moment; what was counted may not.
                None => return Ok(Some((counted_of(&rows), rows))),
            }
        }
    }

    async fn settle(&mut self, account: &Project, epoch: u64, rows: &[Value], is_late: bool) -> Result<(), CliError> {
        let source = self.source(account, epoch);
        let made = scores::make(&source, &self.project.to_string(), epoch, rows, is_late).await?;
        let path = match made {
            Scores::NotYet => {
                self.say("waiting", json!({"for": format!("{epoch}.json in the scores' folder"), "epoch": epoch}));
                return Ok(());
            }
            Scores::None => None,
            Scores::Some(scores) => {
                let name = format!("muster-scores-{}-{epoch}.json", self.project);
                let path = std::env::temp_dir().join(name);
                scores::keep(&path, &scores)?;
                self.say("scores", json!({"epoch": epoch, "count": scores.len()}));
                Some(path)
            }
        };
        if rows.iter().all(|row| row["counted"] == 0) {
            self.say("passing over", json!({"epoch": epoch, "why": "nobody has a counted bucket"}));
            self.done = self.done.max(Some(epoch));
            return Ok(());
        }
        let budget = self.budget(account, epoch).await?;
        let settled = self.settle_with(epoch, budget, path.clone()).await;
        if let Some(path) = path {
            // It is with the oracles now, and made again if it is not.
            let _ = std::fs::remove_file(path);
        }
        let answer = settled?;
        self.open = Some(epoch);
        let facts = answer.json();
        self.say("settled", json!({"epoch": epoch, "budget": facts["budget"], "points": facts["total_points"]}));
        Ok(())
    }

    async fn settle_with(
        &self,
        epoch: u64,
        budget: Option<Amount>,
        scores: Option<PathBuf>,
    ) -> Result<Answer, CliError> {
        let args =
            EpochSettle { project: ProjectRef::Address(self.project), epoch, budget, scores, timeout: STEP_TIMEOUT };
        epoch::settle::run_as(self.context, &self.settler, args, epoch::settle::Kind::First).await
    }

    fn source(&self, account: &Project, epoch: u64) -> Source {
        match (&self.args.scores_cmd, &self.args.scores_dir) {
            (Some(command), _) => Source::Command(command.clone()),
            (None, Some(folder)) => Source::Folder(folder.clone()),
            (None, None) if account.formula_at(epoch).w_task == 0 => Source::None,
            (None, None) => Source::Worked,
        }
    }

    /// What this epoch pays; none where rewards are paid elsewhere.
    async fn budget(&self, account: &Project, epoch: u64) -> Result<Option<Amount>, CliError> {
        let percent = match &self.args.budget {
            None => return Ok(None),
            Some(BudgetRule::Fixed(amount)) => return Ok(Some(amount.clone())),
            Some(BudgetRule::Percent(percent)) => *percent,
        };
        let decimals = self.context.mint(&account.reward_mint).await?.decimals;
        let vault = addresses::budget_vault(&self.project);
        let balance = self.context.chain.balance(&vault).await?.unwrap_or(0);
        match plan::share(balance, percent, account.max_budget_at(epoch)) {
            0 => Err(failed(format!("the budget vault {vault} is empty: `muster project fund`"))),
            amount => Ok(Some(Amount::exact(amount, decimals, self.context.base_units))),
        }
    }
}

/// What was counted of every tenure, as one string.
fn counted_of(rows: &[Value]) -> String {
    let figures: Vec<String> =
        rows.iter().map(|row| format!("{} {} {}", row["tenure"], row["counted"], row["excused"])).collect();
    figures.join(",")
}

fn words(facts: &Value) -> String {
    let fields = facts.as_object().into_iter().flatten();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| format!("{name} {}", word(value))).collect::<Vec<_>>().join(", ")
}
