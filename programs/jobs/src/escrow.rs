//! A job's escrow: what leaves it, and that it closes when nothing is left.

use anchor_lang::prelude::*;

use crate::{
    constants::JOB_SEED,
    state::Job,
    tokens::{Tokens, balance},
};

/// One job's escrow, for which the job's address signs.
pub struct Escrow<'a, 'info> {
    pub job: &'a AccountLoader<'info, Job>,
    pub account: &'a AccountInfo<'info>,
    pub tokens: Tokens<'a, 'info>,
}

impl<'info> Escrow<'_, 'info> {
    /// Moves `amount` out, or does nothing for 0.
    pub fn pay(&self, to: &AccountInfo<'info>, amount: u64) -> Result<()> {
        if amount == 0 {
            return Ok(());
        }
        let (submitter, nonce, bump) = self.signer()?;
        let seeds: &[&[u8]] = &[JOB_SEED, submitter.as_ref(), &nonce, &[bump]];
        self.tokens.send(self.account, to, self.job.as_ref(), amount, &[seeds])
    }

    /// Pays the submitter if his account is named, else keeps it for him. Returns what was paid and what is owed: so
    /// nobody's money waits for an account that somebody else closed.
    pub fn pay_or_owe(&self, to: Option<&AccountInfo<'info>>, amount: u64) -> Result<(u64, u64)> {
        let Some(to) = to else {
            return Ok((0, amount));
        };
        self.pay(to, amount)?;
        Ok((amount, 0))
    }

    /// Pays one of those whom the escrow of a job that is over still owes. With the `last` of them everything leaves,
    /// whatever somebody sent there included, and the escrow closes.
    pub fn pay_out(
        &self,
        to: &AccountInfo<'info>,
        amount: u64,
        last: bool,
        rent_payer: &AccountInfo<'info>,
    ) -> Result<()> {
        if !last {
            return self.pay(to, amount);
        }
        self.pay(to, balance(self.account)?)?;
        self.close(rent_payer)
    }

    /// Closes the empty escrow; its rent goes to who paid it.
    pub fn close(&self, rent_payer: &AccountInfo<'info>) -> Result<()> {
        let (submitter, nonce, bump) = self.signer()?;
        let seeds: &[&[u8]] = &[JOB_SEED, submitter.as_ref(), &nonce, &[bump]];
        self.tokens.close(self.account, rent_payer, self.job.as_ref(), &[seeds])
    }

    fn signer(&self) -> Result<(Pubkey, [u8; 8], u8)> {
        let job = self.job.load()?;
        Ok((job.submitter, job.nonce.to_le_bytes(), job.bump))
    }
}
