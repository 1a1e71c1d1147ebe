//! What the network's cold keys and the oracles sign.

use muster_network::{self as network, state::authority_role};
use network::instruction as data;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![
        set_oracle_url(),
        propose_authority(),
        accept_authority(),
        set_fee(),
        allow_mint(),
        forbid_mint(),
        set_paused(),
        guardian_pause(),
        withdraw_treasury(),
    ]
}

fn set_oracle_url() -> Case {
    let world = World::with_network();
    let oracle = world.oracles[1].clone();
    let url = "https://oracle.example".to_owned();
    let ix = network_ix(world.set_oracle_url_accounts(&oracle.key()), data::SetOracleUrl { url });
    Case::new("set_oracle_url", world, ix, vec![oracle])
}

fn propose_authority() -> Case {
    let world = World::with_network();
    let authority = world.authority.clone();
    let (role, key) = (authority_role::GUARDIAN, world.owner.key());
    let ix = network_ix(world.propose_authority_accounts(&authority.key()), data::ProposeAuthority { role, key });
    Case::new("propose_authority", world, ix, vec![authority])
}

fn accept_authority() -> Case {
    let mut world = World::with_network();
    let (authority, next) = (world.authority.clone(), world.owner.clone());
    let role = authority_role::GUARDIAN;
    world.propose_authority(&authority, role, next.key()).expect("the guardian is proposed");
    let ix = network_ix(world.accept_authority_accounts(&next.key()), data::AcceptAuthority { role });
    Case::new("accept_authority", world, ix, vec![next])
}

fn set_fee() -> Case {
    let world = World::with_network();
    let authority = world.authority.clone();
    let from_epoch = world.epoch() + 1;
    let ix = network_ix(world.set_fee_accounts(), data::SetFee { fee_bps: 1_000, from_epoch });
    Case::new("set_fee", world, ix, vec![authority])
}

fn allow_mint() -> Case {
    let mut world = World::with_network();
    let authority = world.authority.clone();
    let mint = world.svm.add_mint("second mint");
    let ix = network_ix(world.allow_mint_accounts(&mint), data::AllowMint {});
    Case::new("allow_mint", world, ix, vec![authority])
}

fn forbid_mint() -> Case {
    let mut world = World::with_network();
    let authority = world.authority.clone();
    let mint = world.svm.add_mint("second mint");
    world.allow_mint(&mint).expect("the mint is allowed");
    let ix = network_ix(world.forbid_mint_accounts(), data::ForbidMint { mint });
    Case::new("forbid_mint", world, ix, vec![authority])
}

fn set_paused() -> Case {
    let world = World::with_network();
    let authority = world.authority.clone();
    let ix = network_ix(world.set_paused_accounts(), data::SetPaused { bits: 1 });
    Case::new("set_paused", world, ix, vec![authority])
}

fn guardian_pause() -> Case {
    let world = World::with_network();
    let guardian = world.guardian.clone();
    let ix = network_ix(world.guardian_pause_accounts(), data::GuardianPause { bits: 1 });
    Case::new("guardian_pause", world, ix, vec![guardian])
}

fn withdraw_treasury() -> Case {
    let mut world = World::with_network();
    let treasury_owner = world.authority.clone();
    world.mint_to(&at::treasury(&world.mint), TOKEN_UNIT);
    let destination = world.fund_wallet(&treasury_owner, 0);
    let ix =
        network_ix(world.withdraw_treasury_accounts(destination), data::WithdrawTreasury { amount: TOKEN_UNIT / 2 });
    Case::new("withdraw_treasury", world, ix, vec![treasury_owner])
}
