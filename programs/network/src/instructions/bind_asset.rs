use anchor_lang::prelude::*;

use super::{BindArgs, detach::Detachment};
use crate::{
    binding::{Binding, is_new},
    constants::*,
    errors::NetworkError,
    events::NodeDetached,
    licences::LicenceAccounts,
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: BindArgs)]
pub struct BindAsset<'info> {
    #[account(mut)]
    pub holder: Signer<'info>,
    /// There is one network, and the licence names its collection: types and relations say what seeds would.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(constraint = distribution.load()?.project == project.key() @ NetworkError::WrongProject)]
    pub distribution: AccountLoader<'info, Distribution>,
    /// CHECK: the Core asset, or the mint; read as `LicenceAccounts`.
    pub licence: UncheckedAccount<'info>,
    /// CHECK: the Core asset again, or the holder's token account; read as `LicenceAccounts`.
    pub licence_account: UncheckedAccount<'info>,
    /// CHECK: the mint's metadata, none for Core; read as `LicenceAccounts`.
    pub metadata: Option<UncheckedAccount<'info>>,
    /// CHECK: the mint's edition, if it has one; read as `LicenceAccounts`.
    pub edition: Option<UncheckedAccount<'info>>,
    #[account(
        init_if_needed, payer = holder, space = 8 + size_of::<Node>(),
        seeds = [NODE_SEED, licence.key().as_ref()], bump,
    )]
    pub node: AccountLoader<'info, Node>,
    #[account(
        init_if_needed, payer = holder, space = 8 + size_of::<Tenure>(),
        seeds = [TENURE_SEED, node.key().as_ref(), &args.tenure_number.to_le_bytes()], bump,
    )]
    pub tenure: AccountLoader<'info, Tenure>,
    /// CHECK: the address is derived from the node key; only that nothing is there is asked.
    #[account(seeds = [KEY_SEED, args.node_key.as_ref()], bump)]
    pub key_marker: UncheckedAccount<'info>,
    /// The node's last tenure, when this bind makes the next.
    #[account(mut)]
    pub former_tenure: Option<AccountLoader<'info, Tenure>>,
    /// CHECK: that tenure's holder, who gets the key marker's rent; `Detachment` compares him.
    #[account(mut)]
    pub former_holder: Option<UncheckedAccount<'info>>,
    /// The marker of the key that runs the node, when its holder has sold the licence.
    #[account(mut)]
    pub former_key_marker: Option<Box<Account<'info, KeyMarker>>>,
    /// CHECK: the project's mint; its owner is the token program of the payout account.
    #[account(address = project.reward_mint)]
    pub reward_mint: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl BindAsset<'_> {
    fn validate(&self) -> Result<()> {
        // holder, distribution, reward_mint - checked by their constraints. network, tenure, key_marker and the
        // arguments - by `Binding`. node and what is former - in `make_way`.
        let project = &self.project;
        require!(project.standard != licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        let accounts = LicenceAccounts {
            licence: &self.licence,
            account: &self.licence_account,
            metadata: self.metadata.as_deref(),
            edition: self.edition.as_deref(),
        };
        let (is_licence, is_held) = accounts.read(project.standard, &project.collection, |licence| {
            (licence.is_licence(), licence.is_held_by(self.holder.key))
        })?;
        require!(is_licence, NetworkError::NotALicence);
        require!(is_held, NetworkError::NotHolder);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn bind_asset(ctx: Context<Self>, args: BindArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        if let Some(event) = ctx.accounts.make_way(&args, now)? {
            emit_cpi!(event);
        }
        let accounts = &mut *ctx.accounts;
        let binding = Binding {
            network: NetworkTerms::read(&accounts.network.to_account_info())?,
            args: &args,
            project: accounts.project.key(),
            distribution: accounts.distribution.key(),
            holder: accounts.holder.key(),
            licence: accounts.licence.key(),
            licence_account: accounts.licence_account.key(),
            serial: accounts.serial()?,
            standard: accounts.project.standard,
            reward_token_program: *accounts.reward_mint.owner,
            now,
        };
        binding.validate(&accounts.project, &accounts.key_marker)?;
        let bumps = (ctx.bumps.node, ctx.bumps.tenure);
        let event = binding.enter(&mut accounts.project, &accounts.node, &accounts.tenure, bumps)?;
        emit_cpi!(event);
        Ok(())
    }

    /// Frees the node of a holder who has sold the licence to the one who binds it now. A licence that cannot be frozen
    /// may change hands many times in an epoch, but begins one new tenure in it: else one asset, sold in a circle, would
    /// use up the project's leaves.
    fn make_way(&mut self, args: &BindArgs, now: i64) -> Result<Option<NodeDetached>> {
        if is_new(self.node.as_ref())? {
            return Ok(None);
        }
        let (node_project, last_tenure, number, is_bound) = {
            let node = self.node.load()?;
            (node.project, node.tenure, node.tenure_number, node.require_bound().is_ok())
        };
        require_keys_eq!(node_project, self.project.key(), NetworkError::WrongProject);
        if args.tenure_number == number {
            return Ok(None);
        }
        let former = self.former_tenure.as_ref().ok_or(NetworkError::WrongTenure)?;
        require_keys_eq!(former.key(), last_tenure, NetworkError::WrongTenure);
        let (holder, from_epoch) = {
            let former = former.load()?;
            (former.holder, former.from_epoch)
        };
        require!(from_epoch <= self.network.epoch_at(now), NetworkError::HolderChangedThisEpoch);
        if !is_bound || holder == self.holder.key() {
            return Ok(None);
        }
        let detachment = Detachment {
            network: &self.network,
            node: &self.node,
            tenure: former,
            holder: self.former_holder.as_ref().ok_or(NetworkError::WrongTenure)?,
            key_marker: self.former_key_marker.as_deref(),
            now,
        };
        detachment.enter(self.project.key(), &mut self.project).map(Some)
    }

    /// Other programs do not number their assets: an asset's serial is the first leaf that it got.
    fn serial(&self) -> Result<u32> {
        if is_new(self.node.as_ref())? {
            return Ok(self.project.leaf_count);
        }
        Ok(self.node.load()?.serial)
    }
}
