//! The project's own licences: members of a Token-2022 group that only the project can add to.

use anchor_lang::prelude::*;
use anchor_spl::token_2022::{
    self,
    spl_token_2022::{
        extension::{BaseStateWithExtensions, StateWithExtensions, group_member_pointer::GroupMemberPointer},
        state::Mint as MintState,
    },
};
use spl_token_group_interface::state::TokenGroupMember;

use super::Shown;

/// Reads an account as a licence of a project: a member, in its own mint, of the project's group, of supply 1, without
/// decimals, that nobody can mint more of and only the project can freeze. Returns its serial.
pub fn read_serial(licence: &Shown, project: &Pubkey, group: &Pubkey) -> Option<u32> {
    if *licence.owner != token_2022::ID {
        return None;
    }
    let state = StateWithExtensions::<MintState>::unpack(licence.data).ok()?;
    let mint = &state.base;
    let single = mint.supply == 1 && mint.decimals == 0 && mint.mint_authority.is_none();
    let frozen_by_project = Option::<Pubkey>::from(mint.freeze_authority) == Some(*project);
    let pointer = state.get_extension::<GroupMemberPointer>().ok()?;
    let member = state.get_extension::<TokenGroupMember>().ok()?;
    let is_member = Option::<Pubkey>::from(pointer.member_address) == Some(*licence.key)
        && member.mint == *licence.key
        && member.group == *group;
    if !(single && frozen_by_project && is_member) {
        return None;
    }
    // Token-2022 counts members from 1, sales count from 0.
    u32::try_from(u64::from(member.member_number).checked_sub(1)?).ok()
}
