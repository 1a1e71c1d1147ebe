//! Settlements taken back, roots held, accounts closed after their retention.

use muster_client::{
    Pubkey, addresses, instructions,
    muster_network::state::{Distribution, Epoch, ViewSet, settlement_state},
};
use solana_sdk::signature::Signer;

use crate::{
    args::{EpochHold, ProjectRef},
    context::Context,
    error::{CliError, failed},
    facts::Facts,
    output::Answer,
};

pub async fn void(context: &Context, project: &ProjectRef) -> Result<Answer, CliError> {
    let caller = context.signer()?;
    let (address, project) = context.project(project).await?;
    let distribution = context.distribution(&address).await?;
    if distribution.open_state == settlement_state::NONE {
        return Err(failed("no settlement is open, so none can be voided"));
    }
    let number = distribution.open_epoch;
    let currency = context.currency(&project.reward_mint).await?;
    let epoch: Epoch = context.expect("the open settlement", &addresses::epoch(&address, number)).await?;
    let instruction = instructions::void_settlement(
        &caller.pubkey(),
        &address,
        number,
        &epoch.rent_payer,
        &currency.mint,
        &currency.program,
    );
    let facts = Facts::new().say("project", address).number("epoch", number).number("revision", epoch.revision).amount(
        "returned",
        epoch.budget,
        currency.decimals,
    );
    context.done(&[instruction], &[&caller], facts).await
}

pub async fn hold(context: &Context, args: EpochHold) -> Result<Answer, CliError> {
    let (address, _) = context.project(&args.project).await?;
    let network = context.network().await?;
    let guardian = context.signer_as("the network's guardian", &network.guardian)?;
    let distribution = context.distribution(&address).await?;
    let newest = newest_root_epoch(&distribution).ok_or_else(|| failed("no root is approved or active yet"))?;
    let epoch = args.epoch.unwrap_or(newest);
    let until = context.chain.clock().await?.saturating_add(network.hold_limit.into());
    let instruction = instructions::hold_root(&guardian.pubkey(), &address, epoch);
    let facts = Facts::new().say("project", address).number("epoch", epoch).time("held until", until);
    context.done(&[instruction], &[&guardian], facts).await
}

/// The epoch of the approved root, else of the youngest active one.
fn newest_root_epoch(distribution: &Distribution) -> Option<u64> {
    if distribution.open_state == settlement_state::APPROVED {
        return Some(distribution.pending.epoch);
    }
    let active = &distribution.roots[0];
    (active.root != [0; 32]).then_some(active.epoch)
}

pub async fn end_hold(context: &Context, args: EpochHold) -> Result<Answer, CliError> {
    let (address, _) = context.project(&args.project).await?;
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    let distribution = context.distribution(&address).await?;
    let epoch = match args.epoch {
        Some(epoch) => epoch,
        None => held_epoch(&distribution, context.chain.clock().await?)?,
    };
    let instruction = instructions::end_hold(&authority.pubkey(), &address, epoch);
    context.done(&[instruction], &[&authority], Facts::new().say("project", address).number("epoch", epoch)).await
}

/// The epoch of the root that is held now.
pub fn held_epoch(distribution: &Distribution, now: i64) -> Result<u64, CliError> {
    let pending = (distribution.open_state == settlement_state::APPROVED).then_some(&distribution.pending);
    let held = pending.into_iter().chain(&distribution.roots).find(|root| now < root.held_until);
    held.map(|root| root.epoch).ok_or_else(|| failed("no root of this project is held"))
}

pub async fn close(context: &Context, project: &ProjectRef, number: u64) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let address = project.address();
    let account = addresses::epoch(&address, number);
    let epoch: Epoch =
        context.expect_or("the epoch's settlement", &account, "it was never settled, or is closed already").await?;
    let instruction = instructions::close_epoch(&address, number, &epoch.rent_payer);
    context.done(&[instruction], &[&payer], closed(number, &account, &epoch.rent_payer)).await
}

pub async fn close_views(context: &Context, number: u64) -> Result<Answer, CliError> {
    let payer = context.signer()?;
    let account = addresses::view_set(number);
    let views: ViewSet =
        context.expect_or("the epoch's view set", &account, "no oracle committed one, or it is closed already").await?;
    let instruction = instructions::close_views(number, &views.rent_payer);
    context.done(&[instruction], &[&payer], closed(number, &account, &views.rent_payer)).await
}

fn closed(epoch: u64, account: &Pubkey, rent_payer: &Pubkey) -> Facts {
    Facts::new().number("epoch", epoch).say("closed", account).say("rent to", rent_payer)
}
