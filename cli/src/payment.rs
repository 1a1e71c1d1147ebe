//! Token accounts that pay and are paid: found, and looked at before anything is sent.

use muster_client::{Instruction, Pubkey, addresses, instructions, muster_jobs::state::JobsConfig};

use crate::{
    amount::{Amount, tokens},
    context::Context,
    error::{CliError, failed, usage},
};

/// A mint, its program and its decimals.
#[derive(Debug, Clone, Copy)]
pub struct Currency {
    pub mint: Pubkey,
    pub program: Pubkey,
    pub decimals: u8,
}

impl Currency {
    /// A wallet's associated token account.
    pub fn account_of(&self, owner: &Pubkey) -> Pubkey {
        addresses::ata(owner, &self.mint, &self.program)
    }

    /// Where `owner` is paid: the account that was named, else his associated one, made if need be.
    pub fn destination(&self, owner: &Pubkey, named: Option<Pubkey>) -> (Vec<Instruction>, Pubkey) {
        match named {
            Some(account) => (Vec::new(), account),
            None => {
                let create = instructions::create_ata(owner, owner, &self.mint, &self.program);
                (vec![create], self.account_of(owner))
            }
        }
    }
}

impl Context {
    /// A mint as a currency.
    pub async fn currency(&self, address: &Pubkey) -> Result<Currency, CliError> {
        let mint = self.mint(address).await?;
        Ok(Currency { mint: *address, program: mint.program, decimals: mint.decimals })
    }

    /// The jobs program's config and the currency of every stake, bond and reward of a job.
    pub async fn jobs_currency(&self) -> Result<(JobsConfig, Currency), CliError> {
        let config = self.jobs_config().await?;
        let currency = self.currency(&config.mint).await?;
        Ok((config, currency))
    }

    /// Base units of an amount that may not be zero.
    pub fn some_base_units(&self, amount: &Amount, currency: &Currency) -> Result<u64, CliError> {
        match self.to_base_units(amount, currency.decimals)? {
            0 => Err(usage("the amount is zero")),
            units => Ok(units),
        }
    }

    /// The account that `owner` pays from: the one that was named, else his associated one. It must hold the amount.
    pub async fn source(
        &self,
        owner: &Pubkey,
        named: Option<Pubkey>,
        currency: &Currency,
        amount: u64,
    ) -> Result<Pubkey, CliError> {
        let address = named.unwrap_or_else(|| currency.account_of(owner));
        let Some(account) = self.chain.token_account(&address).await? else {
            return Err(failed(format!(
                "the paying token account {address} does not exist: get tokens of mint {}, or name another by --source",
                currency.mint
            )));
        };
        if account.mint != currency.mint {
            return Err(usage(format!(
                "the paying token account {address} holds mint {}, {} is needed: name another by --source",
                account.mint, currency.mint
            )));
        }
        if account.amount < amount {
            return Err(failed(format!(
                "the paying token account {address} holds {}, {} are needed",
                tokens(account.amount, currency.decimals),
                tokens(amount, currency.decimals)
            )));
        }
        Ok(address)
    }
}
