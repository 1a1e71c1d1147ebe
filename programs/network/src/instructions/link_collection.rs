use anchor_lang::prelude::*;

use crate::{
    constants::*,
    errors::NetworkError,
    events::CollectionLinked,
    licences::{core_asset, shown, token_metadata},
    state::*,
};

#[event_cpi]
#[derive(Accounts)]
pub struct LinkCollection<'info> {
    #[account(mut)]
    pub owner: Signer<'info>,
    /// May add assets to the collection: without his signature anybody could take a collection for his own project.
    pub collection_authority: Signer<'info>,
    // Any project is this program's by its type and owner; its own field says whose it is.
    #[account(mut, has_one = owner @ NetworkError::NotProjectOwner)]
    pub project: Box<Account<'info, Project>>,
    /// CHECK: the Core collection, or the collection's mint; `validate` reads who has authority over it.
    pub collection: UncheckedAccount<'info>,
    /// CHECK: Token Metadata's description of the collection's mint; `validate` derives its address. None for Core.
    pub metadata: Option<UncheckedAccount<'info>>,
    /// One project per collection.
    #[account(
        init, payer = owner, space = 8 + CollectionMarker::INIT_SPACE,
        seeds = [COLLECTION_SEED, collection.key().as_ref()], bump,
    )]
    pub collection_marker: Box<Account<'info, CollectionMarker>>,
    pub system_program: Program<'info, System>,
}

impl LinkCollection<'_> {
    fn validate(&self, standard: u8) -> Result<()> {
        // owner, project, collection_marker - checked by their constraints.
        let project = &self.project;
        require!(!project.closed, NetworkError::ProjectClosed);
        require!(project.standard == licence_standard::TOKEN_2022, NetworkError::WrongStandard);
        require!(project.licences_sold == 0 && project.leaf_count == 0, NetworkError::LicencesExist);
        let authority = match standard {
            licence_standard::CORE => self.core_authority()?,
            licence_standard::TOKEN_METADATA => self.metadata_authority()?,
            _ => return err!(NetworkError::WrongStandard),
        };
        let authority = authority.ok_or(NetworkError::NotACollection)?;
        require_keys_eq!(self.collection_authority.key(), authority, NetworkError::NotCollectionAuthority);
        Ok(())
    }

    fn core_authority(&self) -> Result<Option<Pubkey>> {
        let data = self.collection.try_borrow_data()?;
        Ok(core_asset::read_collection_authority(&shown(&self.collection, &data)))
    }

    fn metadata_authority(&self) -> Result<Option<Pubkey>> {
        let Some(metadata) = &self.metadata else { return Ok(None) };
        let mint = self.collection.key();
        if metadata.key() != token_metadata::metadata_address(&mint) {
            return Ok(None);
        }
        let data = metadata.try_borrow_data()?;
        let read = token_metadata::read_metadata(&shown(metadata, &data));
        Ok(read.filter(|read| read.mint == mint).map(|read| read.update_authority))
    }

    #[access_control(ctx.accounts.validate(standard))]
    pub fn link_collection(ctx: Context<Self>, standard: u8) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.collection_marker.project = accounts.project.key();
        accounts.collection_marker.bump = ctx.bumps.collection_marker;
        accounts.project.collection = accounts.collection.key();
        accounts.project.standard = standard;
        let event = CollectionLinked {
            stream: accounts.project.key(),
            seq: accounts.project.next_seq(),
            timestamp: Clock::get()?.unix_timestamp,
            collection: accounts.collection.key(),
            standard,
        };
        emit_cpi!(event);
        Ok(())
    }
}
