//! Money into and out of a job besides its settlement: sponsors, tips, refunds, its end without a decision.

use muster_client::{
    Pubkey, addresses,
    chain::TokenAccount,
    instructions::{self, JobRefund, JobSettlement},
    muster_jobs::state::{Job, Sponsorship, job_state},
};
use serde_json::json;
use solana_sdk::signature::Signer;

use super::{MISSING, find, state_name};
use crate::{
    amount::tokens,
    args::JobPayment,
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
    payment::Currency,
};

/// Offset of a sponsorship's job: behind the discriminator, the version and the bump.
const SPONSORSHIP_JOB_AT: usize = 8 + 2;
/// Sponsors that one transaction pays back.
const SPONSORS_PER_TRANSACTION: usize = 4;

/// A job that must exist.
pub async fn fetch(context: &Context, job: &Pubkey) -> Result<Job, CliError> {
    context.expect_or("the job", job, MISSING).await
}

/// An open job before its deadline, which takes money still.
async fn undecided(context: &Context, job: &Pubkey) -> Result<Job, CliError> {
    let found = fetch(context, job).await?;
    if found.state != job_state::OPEN {
        return Err(failed(format!("the job {} is {} already", job, state_name(found.state))));
    }
    Ok(found)
}

pub async fn sponsor(context: &Context, args: JobPayment) -> Result<Answer, CliError> {
    let sponsor = context.signer()?;
    let job = find(context, &args.job).await?;
    undecided(context, &job).await?;
    let (config, currency) = context.jobs_currency().await?;
    let amount = context.some_base_units(&args.amount, &currency)?;
    if amount < config.sponsor_min {
        let least = tokens(config.sponsor_min, currency.decimals);
        return Err(failed(format!("a sponsorship brings at least {least}")));
    }
    let key = sponsor.pubkey();
    let source = context.source(&key, args.source, &currency, amount).await?;
    let instruction = instructions::sponsor(&key, &source, &job, &currency.mint, &currency.program, amount);
    let facts = Facts::new()
        .say("job", job)
        .say("sponsor", key)
        .amount("amount", amount, currency.decimals)
        .say("sponsorship", addresses::sponsorship(&job, &key));
    context.done(&[instruction], &[&sponsor], facts).await
}

pub async fn tip(context: &Context, args: JobPayment) -> Result<Answer, CliError> {
    let job = find(context, &args.job).await?;
    let found = undecided(context, &job).await?;
    let submitter = context.signer_as("the job's submitter", &found.submitter)?;
    let (_, currency) = context.jobs_currency().await?;
    let amount = context.some_base_units(&args.amount, &currency)?;
    let source = context.source(&submitter.pubkey(), args.source, &currency, amount).await?;
    let instruction =
        instructions::add_tip(&submitter.pubkey(), &source, &job, &currency.mint, &currency.program, amount);
    let facts = Facts::new().say("job", job).amount("amount", amount, currency.decimals).amount(
        "tip",
        found.tip.saturating_add(amount),
        currency.decimals,
    );
    context.done(&[instruction], &[&submitter], facts).await
}

pub async fn cancel(context: &Context, job: &Pubkey) -> Result<Answer, CliError> {
    let found = undecided(context, job).await?;
    let submitter = context.signer_as("the job's submitter", &found.submitter)?;
    let decided_by = context.chain.clock().await?.saturating_add(found.cancel_window.into());
    let instruction = instructions::request_cancel(&submitter.pubkey(), job);
    let facts = Facts::new().say("job", job).time("decided by", decided_by);
    context.done(&[instruction], &[&submitter], facts).await
}

/// What the end of a job reads off it. Money that its refund account cannot take waits in the escrow.
pub async fn settlement(
    context: &Context,
    job: &Pubkey,
    found: &Job,
    currency: &Currency,
) -> Result<JobSettlement, CliError> {
    let account = context.chain.account(&found.refund_account).await?;
    let account = account.and_then(|account| TokenAccount::decode(&account.owner, &account.data));
    let takes = account.is_some_and(|account| account.mint == currency.mint && !account.frozen);
    Ok(JobSettlement {
        job: *job,
        refund_account: takes.then_some(found.refund_account),
        rent_payer: found.rent_payer,
        mint: currency.mint,
        token_program: currency.program,
    })
}

pub async fn expire(context: &Context, job: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = undecided(context, job).await?;
    let set = context.oracle_set().await?;
    let left = found.expires_after(&set) - context.chain.clock().await?;
    if left >= 0 {
        return Err(failed(format!("the oracles may still decide job {}; it expires in {left} s", job)));
    }
    let (_, currency) = context.jobs_currency().await?;
    let settlement = settlement(context, job, &found, &currency).await?;
    let facts =
        Facts::new().say("job", job).amount("refunded", found.stake.saturating_add(found.tip), currency.decimals);
    let facts = match settlement.refund_account {
        Some(account) => facts.say("to", account),
        None => facts.say("to", "the escrow, until `muster job refund-submitter`"),
    };
    context.done(&[instructions::expire(&settlement)], &[&payer], facts).await
}

pub async fn refund_sponsor(context: &Context, job: &Pubkey, only: Option<Pubkey>) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = over(context, job).await?;
    let (_, currency) = context.jobs_currency().await?;
    let filter = (SPONSORSHIP_JOB_AT, job.as_ref());
    let mut sponsorships = context.chain.all_where::<Sponsorship>(&[filter]).await?;
    sponsorships.retain(|(_, sponsorship)| only.is_none_or(|sponsor| sponsor == sponsorship.sponsor));
    if sponsorships.is_empty() {
        return Err(failed(match only {
            Some(sponsor) => format!("{sponsor} is no sponsor of job {}, or is paid back already", job),
            None => format!("no sponsor of job {} is left", job),
        }));
    }
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for batch in sponsorships.chunks(SPONSORS_PER_TRANSACTION) {
        let refund = |(_, sponsorship): &(Pubkey, Sponsorship)| {
            let refund = refund(job, sponsorship.refund_account, &found, &currency);
            instructions::refund_sponsor(&refund, &sponsorship.sponsor)
        };
        let instructions: Vec<_> = batch.iter().map(refund).collect();
        let signature = context.send(&instructions, &[&payer]).await?.to_string();
        for (_, Sponsorship { sponsor, refund_account, amount, .. }) in batch {
            // Of a completed job the nodes have it; the sponsorship only closes.
            let amount = if found.state == job_state::COMPLETED { 0 } else { *amount };
            rows.push(vec![sponsor.to_string(), tokens(amount, currency.decimals), signature.clone()]);
            all.push(json!({
                "sponsor": sponsor.to_string(),
                "amount": amount.to_string(),
                "refund_account": refund_account.to_string(),
                "signature": signature,
            }));
        }
    }
    let json = json!({"job": job.to_string(), "refunds": all});
    Ok(Answer::table(&["SPONSOR", "AMOUNT", "SIGNATURE"], &rows, "nobody", json))
}

fn refund(job: &Pubkey, refund_account: Pubkey, found: &Job, currency: &Currency) -> JobRefund {
    JobRefund {
        job: *job,
        refund_account,
        rent_payer: found.rent_payer,
        mint: currency.mint,
        token_program: currency.program,
    }
}

/// A job that is over.
async fn over(context: &Context, job: &Pubkey) -> Result<Job, CliError> {
    let found = fetch(context, job).await?;
    match found.state {
        job_state::OPEN => Err(failed(format!("the job {} is not over yet", job))),
        _ => Ok(found),
    }
}

pub async fn refund_submitter(context: &Context, job: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = over(context, job).await?;
    if found.owed == 0 {
        return Err(failed(format!("nothing of job {} is owed to its submitter", job)));
    }
    let (_, currency) = context.jobs_currency().await?;
    if context.chain.balance(&found.refund_account).await?.is_none() {
        return Err(failed(format!(
            "the submitter's refund account {} does not exist: he makes it again first",
            found.refund_account
        )));
    }
    let instruction = instructions::refund_submitter(&refund(job, found.refund_account, &found, &currency));
    let facts =
        Facts::new().say("job", job).amount("refunded", found.owed, currency.decimals).say("to", found.refund_account);
    context.done(&[instruction], &[&payer], facts).await
}

pub async fn close(context: &Context, job: &Pubkey) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let found = over(context, job).await?;
    let instruction = instructions::close_job(job, &found.rent_payer);
    context.done(&[instruction], &[&payer], Facts::new().say("closed", job).say("rent to", found.rent_payer)).await
}
