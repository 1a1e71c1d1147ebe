use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::AssociatedToken,
    token_interface::{Mint, TokenAccount, TokenInterface},
};

use crate::{
    constants::*, emit::emit, errors::NetworkError, events::SplitCreated, mints::require_plain_mint, state::*,
};

/// Who gets what of a split.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CreateSplitArgs {
    /// The creator's number for it.
    pub id: u32,
    /// Wallets, at most 8, each paid to its associated token account.
    pub recipients: Vec<Pubkey>,
    /// Basis points, one per recipient, together 10,000.
    pub shares_bps: Vec<u16>,
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: CreateSplitArgs)]
pub struct CreateSplit<'info> {
    #[account(mut)]
    pub creator: Signer<'info>,
    #[account(
        init, payer = creator, space = 8 + size_of::<Split>(),
        seeds = [SPLIT_SEED, creator.key().as_ref(), &args.id.to_le_bytes()], bump,
    )]
    pub split: AccountLoader<'info, Split>,
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    #[account(
        init_if_needed, payer = creator, associated_token::mint = mint, associated_token::authority = split,
        associated_token::token_program = token_program,
    )]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    pub token_program: Interface<'info, TokenInterface>,
    pub associated_token_program: Program<'info, AssociatedToken>,
    pub system_program: Program<'info, System>,
}

impl CreateSplit<'_> {
    fn validate(&self, args: &CreateSplitArgs) -> Result<()> {
        // creator - any. split, vault - checked by their constraints.
        require_plain_mint(&self.mint.to_account_info())?;
        let recipients = &args.recipients;
        let counted = (1..=RECIPIENTS_MAX).contains(&recipients.len()) && recipients.len() == args.shares_bps.len();
        require!(counted, NetworkError::SplitInvalid);
        for (index, recipient) in recipients.iter().enumerate() {
            let known = *recipient != Pubkey::default() && *recipient != self.split.key();
            require!(known && !recipients[..index].contains(recipient), NetworkError::SplitInvalid);
        }
        let sum: u32 = args.shares_bps.iter().map(|share| u32::from(*share)).sum();
        require!(sum == u32::from(BPS) && !args.shares_bps.contains(&0), NetworkError::SplitInvalid);
        Ok(())
    }

    #[access_control(ctx.accounts.validate(&args))]
    pub fn create_split(ctx: Context<Self>, args: CreateSplitArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let count = args.recipients.len();
        let mut split = accounts.split.load_init()?;
        split.creator = accounts.creator.key();
        split.mint = accounts.mint.key();
        split.vault = accounts.vault.key();
        split.recipients[..count].copy_from_slice(&args.recipients);
        split.shares_bps[..count].copy_from_slice(&args.shares_bps);
        split.id = args.id;
        split.count = count as u8;
        split.bump = ctx.bumps.split;
        split.version = ACCOUNT_VERSION;
        let event = SplitCreated {
            stream: accounts.split.key(),
            seq: split.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            creator: split.creator,
            id: args.id,
            mint: split.mint,
            vault: split.vault,
            recipients: args.recipients,
            shares_bps: args.shares_bps,
        };
        drop(split);
        emit(&event, &accounts.event_authority)
    }
}
