use muster_client::{addresses, instructions, muster_jobs::JobsConfigArgs};
use serde_json::json;
use solana_sdk::signature::Signer;

use crate::{
    amount::{Amount, tokens},
    args::{JobsCommand, JobsInit, JobsSetConfig},
    context::Context,
    error::CliError,
    facts::Facts,
    output::Answer,
};

pub async fn run(context: &Context, command: JobsCommand) -> Result<Answer, CliError> {
    match command {
        JobsCommand::Init(args) => init(context, args).await,
        JobsCommand::Show => show(context).await,
        JobsCommand::SetConfig(args) => set_config(context, args).await,
    }
}

async fn init(context: &Context, args: JobsInit) -> Result<Answer, CliError> {
    let authority = context.signer()?;
    let network = context.network().await?;
    let mint = context.mint(&network.job_mint).await?;
    let instruction = instructions::initialize_jobs(
        &authority.pubkey(),
        &network.job_mint,
        &mint.program,
        JobsConfigArgs {
            default_stake: context.to_base_units(&args.default_stake, mint.decimals)?,
            stake_min: context.to_base_units(&args.stake_min, mint.decimals)?,
            sponsor_min: context.to_base_units(&args.sponsor_min, mint.decimals)?,
            attest_grace: args.attest_grace,
            cancel_window: args.cancel_window,
            unbond_delay: args.unbond_delay,
            slash_delay: args.slash_delay,
        },
    );
    let signature = context.send(&[instruction], &[&authority]).await?;
    let json = json!({
        "signature": signature.to_string(),
        "config": addresses::jobs_config().to_string(),
        "bond_vault": addresses::bond_vault().to_string(),
        "mint": network.job_mint.to_string(),
    });
    let lines = [
        ("config", addresses::jobs_config().to_string()),
        ("bond vault", addresses::bond_vault().to_string()),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context) -> Result<Answer, CliError> {
    let (config, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    let vault = context.chain.balance(&addresses::bond_vault()).await?.unwrap_or(0);
    let lines = [
        ("mint", config.mint.to_string()),
        ("default stake", tokens(config.default_stake, decimals)),
        ("least stake", tokens(config.stake_min, decimals)),
        ("least sponsorship", tokens(config.sponsor_min, decimals)),
        ("attest grace", format!("{} s", config.attest_grace)),
        ("cancel window", format!("{} s", config.cancel_window)),
        ("unbond delay", format!("{} s", config.unbond_delay)),
        ("slash delay", format!("{} s", config.slash_delay)),
        ("jobs", config.job_count.to_string()),
        ("bonds", config.bond_count.to_string()),
        ("bond vault", tokens(vault, decimals)),
    ];
    let json = json!({
        "config": addresses::jobs_config().to_string(),
        "mint": config.mint.to_string(),
        "default_stake": config.default_stake.to_string(),
        "stake_min": config.stake_min.to_string(),
        "attest_grace": config.attest_grace,
        "cancel_window": config.cancel_window,
        "unbond_delay": config.unbond_delay,
        "slash_delay": config.slash_delay,
        "sponsor_min": config.sponsor_min.to_string(),
        "job_count": config.job_count,
        "bond_count": config.bond_count,
        "bond_vault": addresses::bond_vault().to_string(),
        "bond_vault_balance": vault.to_string(),
    });
    Ok(Answer::new(&lines, json))
}

async fn set_config(context: &Context, args: JobsSetConfig) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    let (now, currency) = context.jobs_currency().await?;
    let decimals = currency.decimals;
    let or = |amount: &Option<Amount>, now: u64| match amount {
        Some(amount) => context.to_base_units(amount, decimals),
        None => Ok(now),
    };
    let config = JobsConfigArgs {
        default_stake: or(&args.default_stake, now.default_stake)?,
        stake_min: or(&args.stake_min, now.stake_min)?,
        sponsor_min: or(&args.sponsor_min, now.sponsor_min)?,
        attest_grace: args.attest_grace.unwrap_or(now.attest_grace),
        cancel_window: args.cancel_window.unwrap_or(now.cancel_window),
        unbond_delay: args.unbond_delay.unwrap_or(now.unbond_delay),
        slash_delay: args.slash_delay.unwrap_or(now.slash_delay),
    };
    let facts = Facts::new()
        .amount("default stake", config.default_stake, decimals)
        .amount("stake min", config.stake_min, decimals)
        .amount("sponsor min", config.sponsor_min, decimals)
        .number("attest grace", config.attest_grace)
        .number("cancel window", config.cancel_window)
        .number("unbond delay", config.unbond_delay)
        .number("slash delay", config.slash_delay);
    let instruction = instructions::set_jobs_config(&authority.pubkey(), config);
    context.done(&[instruction], &[&authority], facts).await
}
