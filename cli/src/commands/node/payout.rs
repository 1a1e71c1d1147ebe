//! Whom a tenure's earnings are paid to.

use muster_client::{Pubkey, chain::ChainError, muster_network::state::Split};

use crate::{
    context::Context,
    error::{CliError, usage},
};

/// The split at an address; none where a wallet, or anything else, is.
pub async fn split_at(context: &Context, address: &Pubkey) -> Result<Option<Split>, CliError> {
    match context.chain.fetch(address).await {
        Ok(split) => Ok(split),
        Err(ChainError::Decode { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Refuses a payout owner that could not share out what the project pays: the chain sees the owner's address alone.
pub async fn require_payable(context: &Context, owner: &Pubkey, reward_mint: &Pubkey) -> Result<(), CliError> {
    match split_at(context, owner).await? {
        Some(split) => require_mint(owner, &split, reward_mint),
        None => Ok(()),
    }
}

fn require_mint(owner: &Pubkey, split: &Split, reward_mint: &Pubkey) -> Result<(), CliError> {
    if split.mint == *reward_mint {
        return Ok(());
    }
    Err(usage(format!(
        "the split {owner} shares out the mint {}, the project pays in {reward_mint}, which would stay in the split for \
         ever: make one by `muster split create --mint {reward_mint}`, and name that",
        split.mint
    )))
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    #[test]
    fn a_split_of_another_mint_than_the_rewards_is_no_payout_owner() {
        let key = |n: u8| Pubkey::new_from_array([n; 32]);
        let split = Split { mint: key(1), ..Split::zeroed() };
        assert!(require_mint(&key(3), &split, &key(1)).is_ok());
        let refused = require_mint(&key(3), &split, &key(2)).unwrap_err().to_string();
        assert!(refused.contains(&format!("muster split create --mint {}", key(2))), "{refused}");
    }
}
