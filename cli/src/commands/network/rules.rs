//! Fee, mints, pauses, and where oracles are reached.

use muster_client::{Pubkey, addresses, instructions, muster_network::state::pause};
use solana_sdk::signature::Signer;

use crate::{
    args::Pausable,
    context::Context,
    error::{CliError, failed, usage},
    facts::Facts,
    output::Answer,
};

pub async fn set_fee(context: &Context, fee_bps: u16, from_epoch: Option<u64>) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    let current = network.epoch_at(context.chain.clock().await?);
    let from_epoch = from_epoch.unwrap_or(current + 1);
    let instruction = instructions::set_fee(&authority.pubkey(), fee_bps, from_epoch);
    let facts = Facts::new().number("fee bps", fee_bps).number("from epoch", from_epoch);
    context.done(&[instruction], &[&authority], facts).await
}

pub async fn allow_mint(context: &Context, mint: &Pubkey) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    let currency = context.currency(mint).await?;
    let instruction = instructions::allow_mint(&authority.pubkey(), &authority.pubkey(), mint, &currency.program);
    let facts = Facts::new().say("allowed", mint).say("treasury", addresses::treasury(mint));
    context.done(&[instruction], &[&authority], facts).await
}

pub async fn forbid_mint(context: &Context, mint: &Pubkey) -> Result<Answer, CliError> {
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    if !network.allows_mint(mint) {
        return Err(failed(format!(
            "the network does not allow mint {mint}: `muster network show` lists those it does"
        )));
    }
    let instruction = instructions::forbid_mint(&authority.pubkey(), *mint);
    context.done(&[instruction], &[&authority], Facts::new().say("forbidden", mint)).await
}

pub async fn pause(context: &Context, what: &[Pausable]) -> Result<Answer, CliError> {
    let bits = bits(what)?;
    let network = context.network().await?;
    let authority = context.signer_as("the network's authority", &network.authority)?;
    let instruction = instructions::set_paused(&authority.pubkey(), bits);
    context.done(&[instruction], &[&authority], Facts::new().say("paused", names(bits))).await
}

pub async fn guardian_pause(context: &Context, what: &[Pausable]) -> Result<Answer, CliError> {
    let bits = bits(what)?;
    let network = context.network().await?;
    let guardian = context.signer_as("the network's guardian", &network.guardian)?;
    let instruction = instructions::guardian_pause(&guardian.pubkey(), bits);
    let mut facts = Facts::new().say("paused", names(bits));
    if bits != 0 {
        facts = facts.time("until", context.chain.clock().await?.saturating_add(network.hold_limit.into()));
    }
    context.done(&[instruction], &[&guardian], facts).await
}

pub async fn set_oracle_url(context: &Context, url: String) -> Result<Answer, CliError> {
    let (oracle, _) = context.signer_as_oracle().await?;
    let instruction = instructions::set_oracle_url(&oracle.pubkey(), url.clone());
    let facts = Facts::new().say("oracle", oracle.pubkey()).say("url", url);
    context.done(&[instruction], &[&oracle], facts).await
}

const PAUSABLE: [(Pausable, u32, &str); 7] = [
    (Pausable::Buy, pause::BUY, "buy"),
    (Pausable::Bind, pause::BIND, "bind"),
    (Pausable::Stake, pause::STAKE, "stake"),
    (Pausable::Submit, pause::SUBMIT, "submit"),
    (Pausable::Settle, pause::SETTLE, "settle"),
    (Pausable::Approve, pause::APPROVE, "approve"),
    (Pausable::Activate, pause::ACTIVATE, "activate"),
];

fn bits(what: &[Pausable]) -> Result<u32, CliError> {
    if what.len() > 1 && what.contains(&Pausable::None) {
        return Err(usage("`none` stands alone"));
    }
    if what.contains(&Pausable::All) {
        return Ok(pause::ALL);
    }
    let named = PAUSABLE.iter().filter(|(one, ..)| what.contains(one));
    Ok(named.fold(0, |bits, (_, bit, _)| bits | bit))
}

/// What the bits pause, in words.
pub fn names(bits: u32) -> String {
    let named: Vec<&str> = PAUSABLE.iter().filter(|(_, bit, _)| bits & bit != 0).map(|(.., name)| *name).collect();
    if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pause_has_a_word() {
        let words: Vec<Pausable> = PAUSABLE.iter().map(|(one, ..)| *one).collect();
        assert_eq!(bits(&words).ok(), Some(pause::ALL));
        assert_eq!(bits(&[Pausable::All]).ok(), Some(pause::ALL));
        assert_eq!(bits(&[Pausable::None]).ok(), Some(0));
        assert!(bits(&[Pausable::None, Pausable::Buy]).is_err());
        assert_eq!(names(pause::BUY | pause::SUBMIT), "buy, submit");
        assert_eq!(names(0), "nothing");
    }
}
