use anchor_lang::{AccountsClose, prelude::*};

use crate::{binding::end_tenure, errors::NetworkError, events::NodeDetached, licences::LicenceAccounts, state::*};

#[event_cpi]
#[derive(Accounts)]
pub struct Detach<'info> {
    /// There is one network, and the node names project, tenure and licence: relations say what seeds would.
    pub network: Box<Account<'info, Network>>,
    #[account(mut)]
    pub project: Box<Account<'info, Project>>,
    #[account(
        mut,
        constraint = node.load()?.project == project.key() @ NetworkError::WrongProject,
        constraint = node.load()?.tenure == tenure.key() @ NetworkError::WrongTenure,
    )]
    pub node: AccountLoader<'info, Node>,
    #[account(mut)]
    pub tenure: AccountLoader<'info, Tenure>,
    /// CHECK: the tenure's holder, who gets the key marker's rent; `Detachment` compares him.
    #[account(mut)]
    pub holder: UncheckedAccount<'info>,
    /// CHECK: the Core asset, or the mint; read as `LicenceAccounts`.
    #[account(address = node.load()?.licence @ NetworkError::NotALicence)]
    pub licence: UncheckedAccount<'info>,
    /// CHECK: what proved at the bind that the holder held; read as `LicenceAccounts`.
    #[account(address = node.load()?.licence_account @ NetworkError::WrongLicenceAccount)]
    pub licence_account: UncheckedAccount<'info>,
    /// CHECK: the mint's metadata, to prove that it left the collection; read as `LicenceAccounts`.
    pub metadata: Option<UncheckedAccount<'info>>,
    /// The marker of the key that runs the node, if one has accepted.
    #[account(mut)]
    pub key_marker: Option<Box<Account<'info, KeyMarker>>>,
}

impl Detach<'_> {
    fn validate(&self) -> Result<()> {
        // project, node, tenure, licence, licence_account - checked by their constraints. holder, key_marker - by
        // `Detachment`. Never paused.
        let standard = self.node.load()?.standard;
        require!(standard != licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        let accounts = LicenceAccounts {
            licence: &self.licence,
            account: &self.licence_account,
            metadata: self.metadata.as_deref(),
            edition: None,
        };
        let holder = self.tenure.load()?.holder;
        let is_held = accounts
            .read(standard, &self.project.collection, |licence| licence.is_held_by(&holder) && !licence.has_left())?;
        require!(!is_held, NetworkError::StillHeld);
        Ok(())
    }

    #[access_control(ctx.accounts.validate())]
    pub fn detach(ctx: Context<Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let detachment = Detachment {
            network: &accounts.network,
            node: &accounts.node,
            tenure: &accounts.tenure,
            holder: &accounts.holder,
            key_marker: accounts.key_marker.as_deref(),
            now: Clock::get()?.unix_timestamp,
        };
        let event = detachment.enter(accounts.project.key(), &mut accounts.project)?;
        emit_cpi!(event);
        Ok(())
    }
}

/// The end of a bind whose holder no longer holds the licence.
pub(super) struct Detachment<'a, 'info> {
    pub network: &'a Network,
    pub node: &'a AccountLoader<'info, Node>,
    /// The node's current tenure.
    pub tenure: &'a AccountLoader<'info, Tenure>,
    pub holder: &'a AccountInfo<'info>,
    /// A node has one marker at a time, so the one that names it is its key's. None if the key never accepted.
    pub key_marker: Option<&'a Account<'info, KeyMarker>>,
    pub now: i64,
}

impl Detachment<'_, '_> {
    /// Frees the node and its key. The tenure still earns this epoch, also if its key accepts for another node: a key
    /// counts for whom it ran first.
    pub fn enter(self, project_key: Pubkey, project: &mut Project) -> Result<NodeDetached> {
        let mut node = self.node.load_mut()?;
        let mut tenure = self.tenure.load_mut()?;
        node.require_bound()?;
        require_keys_eq!(*self.holder.key, tenure.holder, NetworkError::WrongTenure);
        end_tenure(self.network, &mut node, &mut tenure, self.now)?;
        require!(self.key_marker.is_some() == (node.accepted_at != 0), NetworkError::WrongKeyMarker);
        if let Some(marker) = self.key_marker {
            require_keys_eq!(marker.node, self.node.key(), NetworkError::WrongKeyMarker);
            marker.close(self.holder.clone())?;
        }
        node.accepted_at = 0;
        node.status = node_status::FREE;
        Ok(NodeDetached {
            stream: project_key,
            seq: project.next_seq(),
            timestamp: self.now,
            node: self.node.key(),
            licence: node.licence,
            holder: tenure.holder,
            tenure: node.tenure,
            until_epoch: tenure.until_epoch,
        })
    }
}
