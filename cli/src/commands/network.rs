mod authority;
mod rules;

use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::{InitializeNetworkArgs, OracleArg, state::OracleEntry},
    shell::keys,
};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    args::{NetworkCommand, NetworkInit, SetOracles},
    context::Context,
    error::CliError,
    output::Answer,
};

pub async fn run(context: &Context, command: NetworkCommand) -> Result<Answer, CliError> {
    match command {
        NetworkCommand::Init(args) => init(context, args).await,
        NetworkCommand::Show => show(context).await,
        NetworkCommand::SetOracles(args) => set_oracles(context, args).await,
        NetworkCommand::SetOracleUrl { api } => rules::set_oracle_url(context, api).await,
        NetworkCommand::ProposeAuthority { role, key } => authority::propose(context, role, key).await,
        NetworkCommand::AcceptAuthority { role } => authority::accept(context, role).await,
        NetworkCommand::SetFee { fee_bps, from_epoch } => rules::set_fee(context, fee_bps, from_epoch).await,
        NetworkCommand::AllowMint { mint } => rules::allow_mint(context, &mint).await,
        NetworkCommand::ForbidMint { mint } => rules::forbid_mint(context, &mint).await,
        NetworkCommand::Pause(args) => rules::pause(context, &args.what).await,
        NetworkCommand::GuardianPause(args) => rules::guardian_pause(context, &args.what).await,
        NetworkCommand::WithdrawTreasury(args) => authority::withdraw_treasury(context, args).await,
    }
}

async fn init(context: &Context, args: NetworkInit) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let upgrade_authority = match &args.upgrade_authority {
        Some(path) => keys::read(path)?,
        None => payer.insecure_clone(),
    };
    let mint = context.mint(&args.mint).await?;
    let authority = args.authority.unwrap_or_else(|| payer.pubkey());
    let instruction = instructions::initialize_network(
        &payer.pubkey(),
        &upgrade_authority.pubkey(),
        &args.mint,
        &mint.program,
        InitializeNetworkArgs {
            authority,
            guardian: args.guardian,
            treasury_owner: args.treasury_owner.unwrap_or(authority),
            fee_bps: args.fee_bps,
            epoch_len: args.epoch_len,
            bucket_len: args.bucket_len,
            grace: args.grace,
            root_delay: args.root_delay,
            hold_limit: args.hold_limit,
            oracle_set_delay: args.oracle_set_delay,
        },
    );
    let signature = context.send(&[instruction], &[&payer, &upgrade_authority]).await?;
    let network = addresses::network();
    let treasury = addresses::treasury(&args.mint);
    let lines =
        [("network", network.to_string()), ("treasury", treasury.to_string()), ("signature", signature.to_string())];
    let json = json!({
        "signature": signature.to_string(),
        "network": network.to_string(),
        "oracle_set": addresses::oracle_set().to_string(),
        "treasury": treasury.to_string(),
        "mint": args.mint.to_string(),
    });
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let set = context.oracle_set().await?;
    let now = context.chain.clock().await?;
    let genesis = bs58::encode(context.chain.genesis_hash().await?).into_string();
    let epoch = network.epoch_at(now);
    let treasury = addresses::treasury(&network.job_mint);
    let balance = context.chain.balance(&treasury).await?.unwrap_or(0);
    let decimals = context.mint(&network.job_mint).await?.decimals;
    let by_guardian = if now < network.guardian_pause_until { network.guardian_paused } else { 0 };
    let paused = network.paused | by_guardian;
    let allowed = &network.allowed_mints[..usize::from(network.allowed_mint_count).min(network.allowed_mints.len())];
    let mints: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let lines = [
        ("network", addresses::network().to_string()),
        ("authority", network.authority.to_string()),
        ("guardian", network.guardian.to_string()),
        ("treasury owner", network.treasury_owner.to_string()),
        ("treasury", format!("{treasury} ({})", crate::amount::tokens(balance, decimals))),
        ("job mint", network.job_mint.to_string()),
        ("fee", format!("{} bps", network.fee_bps_at(epoch))),
        ("epoch", format!("{epoch} (ends in {} s)", network.epoch_end(epoch) - now)),
        ("epoch / bucket", format!("{} s / {} s", network.epoch_len, network.bucket_len)),
        ("grace", format!("{} s", network.grace)),
        ("root delay", format!("{} s", network.root_delay)),
        ("hold limit", format!("{} s", network.hold_limit)),
        ("paused", rules::names(paused)),
        ("mints", mints.join(", ")),
        ("projects", network.project_count.to_string()),
        ("oracles", format!("{} of {} must agree, version {}", set.threshold, set.count, set.set_version)),
    ];
    let rows: Vec<Vec<String>> =
        set.active().iter().map(|oracle| vec![oracle.key.to_string(), oracle.url().to_owned()]).collect();
    let json = json!({
        "network": addresses::network().to_string(),
        "genesis_hash": genesis,
        "programs": {
            "network": muster_client::muster_network::ID.to_string(),
            "jobs": muster_client::muster_jobs::ID.to_string(),
        },
        "authority": network.authority.to_string(),
        "guardian": network.guardian.to_string(),
        "treasury_owner": network.treasury_owner.to_string(),
        "treasury": treasury.to_string(),
        "treasury_balance": balance.to_string(),
        "job_mint": network.job_mint.to_string(),
        "decimals": decimals,
        "fee_bps": network.fee_bps_at(epoch),
        "epoch_len": network.epoch_len,
        "bucket_len": network.bucket_len,
        "grace": network.grace,
        "root_delay": network.root_delay,
        "hold_limit": network.hold_limit,
        "oracle_set_delay": network.oracle_set_delay,
        "pending_authority": pending(&network.pending_authority),
        "pending_guardian": pending(&network.pending_guardian),
        "pending_treasury_owner": pending(&network.pending_treasury_owner),
        "allowed_mints": mints,
        "paused": rules::names(paused),
        "guardian_pause_until": network.guardian_pause_until,
        "next_fee_bps": network.next_fee_bps,
        "next_fee_epoch": network.next_fee_epoch,
        "project_count": network.project_count,
        "now": now,
        "epoch": epoch,
        "epoch_ends_at": network.epoch_end(epoch),
        "oracle_set": {
            "address": addresses::oracle_set().to_string(),
            "version": set.set_version,
            "threshold": set.threshold,
            "oracles": oracles_json(set.active()),
            "pending_at": (set.pending_count > 0).then_some(set.pending_at),
            "pending": oracles_json(&set.pending[..usize::from(set.pending_count).min(set.pending.len())]),
        },
    });
    Ok(Answer::new(&lines, json).with_table(&["ORACLE", "URL"], &rows))
}

/// Who was proposed, if anybody.
fn pending(key: &Pubkey) -> Option<String> {
    (*key != Pubkey::default()).then(|| key.to_string())
}

fn oracles_json(oracles: &[OracleEntry]) -> Value {
    oracles.iter().map(|oracle| json!({"key": oracle.key.to_string(), "url": oracle.url()})).collect()
}

async fn set_oracles(context: &Context, args: SetOracles) -> Result<Answer, CliError> {
    let authority = context.signer()?;
    let oracles: Vec<OracleArg> = args.oracles.into_iter().map(|(key, url)| OracleArg { key, url }).collect();
    let instruction = instructions::set_oracle_set(&authority.pubkey(), oracles);
    let signature = context.send(&[instruction], &[&authority]).await?;
    let set = context.oracle_set().await?;
    let waits = set.pending_count > 0;
    let effective = if waits { format!("at {} (Unix seconds)", set.pending_at) } else { "now".to_owned() };
    let lines = [
        ("in force", effective),
        ("version", set.set_version.to_string()),
        ("threshold", set.threshold.to_string()),
        ("signature", signature.to_string()),
    ];
    let json = json!({
        "signature": signature.to_string(),
        "version": set.set_version,
        "threshold": set.threshold,
        "count": set.count,
        "pending_at": waits.then_some(set.pending_at),
    });
    Ok(Answer::new(&lines, json))
}
