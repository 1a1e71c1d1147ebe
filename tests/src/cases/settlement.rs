//! Views, settlements, votes, activations and claims.

use muster_network as network;

use super::Case;
use crate::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const AMOUNTS: [u64; 2] = [POOL / 4, POOL - POOL / 4];

pub fn all() -> Vec<Case> {
    vec![
        commit_views(),
        settle_epoch(),
        replace_settlement(),
        void_settlement(),
        approve_root(),
        hold_root(),
        end_hold(),
        correct_root(),
        activate_root(),
        claim(),
        top_up(),
        close_epoch(),
        close_views(),
    ]
}

/// Two nodes and the views of an epoch, closed.
fn closed() -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    (world, epoch)
}

/// An open settlement with one vote.
fn settled() -> (World, u64) {
    let (mut world, epoch) = closed();
    world.settle(world.settle_args(epoch, BUDGET)).expect("the epoch is settled");
    world.approve(0, world.approve_args(epoch, &AMOUNTS)).expect("the first oracle votes");
    (world, epoch)
}

fn commit_views() -> Case {
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 1);
    let hashes = vec![[1; 32], [2; 32], [3; 32]];
    world.commit_views(0, epoch, hashes.clone()).expect("the first oracle's row is committed");
    let oracle = world.oracles[1].clone();
    let data = network::instruction::CommitViews { epoch, hashes };
    let ix = network_ix(world.commit_views_accounts(&oracle.key(), epoch), data);
    Case::new("commit_views", world, ix, vec![oracle])
}

fn settle_epoch() -> Case {
    let (world, epoch) = closed();
    let settler = world.settler.clone();
    let data = network::instruction::SettleEpoch { args: world.settle_args(epoch, BUDGET) };
    let ix = network_ix(world.settle_accounts(epoch), data);
    Case::new("settle_epoch", world, ix, vec![settler])
}

fn approve_root() -> Case {
    let (world, epoch) = settled();
    let oracle = world.oracles[1].clone();
    let data = network::instruction::ApproveRoot { args: world.approve_args(epoch, &AMOUNTS) };
    let ix = network_ix(world.approve_accounts(&oracle.key(), epoch), data);
    Case::new("approve_root", world, ix, vec![oracle])
}

fn activate_root() -> Case {
    let (mut world, epoch) = settled();
    world.approve(1, world.approve_args(epoch, &AMOUNTS)).expect("the second oracle votes");
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(ROOT_DELAY));
    let ix = network_ix(world.activate_accounts(epoch), network::instruction::ActivateRoot {});
    Case::new("activate_root", world, ix, vec![])
}

fn claim() -> Case {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &AMOUNTS);
    let proof = world.tree(&AMOUNTS).proof(0).expect("the node has a leaf");
    let data = network::instruction::Claim { cumulative: AMOUNTS[0], proof: proof.concat() };
    let ix = network_ix(world.claim_accounts(&world.nodes[0]), data);
    Case::new("claim", world, ix, vec![])
}

/// A budget that is larger than the first: the usual correction of a mistake.
fn replace_settlement() -> Case {
    let (world, epoch) = settled();
    let settler = world.settler.clone();
    let data = network::instruction::ReplaceSettlement { args: world.settle_args(epoch, 2 * BUDGET) };
    let ix = network_ix(world.replace_accounts(epoch), data);
    Case::new("replace_settlement", world, ix, vec![settler])
}

fn void_settlement() -> Case {
    let (world, epoch) = settled();
    let owner = world.owner.clone();
    let ix = network_ix(world.void_accounts(&owner.key(), epoch), network::instruction::VoidSettlement {});
    Case::new("void_settlement", world, ix, vec![owner])
}

/// An active root.
fn active() -> (World, u64) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &AMOUNTS);
    (world, epoch)
}

fn held() -> (World, u64) {
    let (mut world, epoch) = active();
    world.hold(epoch).expect("the root is held");
    (world, epoch)
}

fn hold_root() -> Case {
    let (world, epoch) = active();
    let guardian = world.guardian.clone();
    let ix = network_ix(world.hold_accounts(&guardian.key()), network::instruction::HoldRoot { epoch });
    Case::new("hold_root", world, ix, vec![guardian])
}

fn end_hold() -> Case {
    let (world, epoch) = held();
    let authority = world.authority.clone();
    let ix = network_ix(world.end_hold_accounts(&authority.key()), network::instruction::EndHold { epoch });
    Case::new("end_hold", world, ix, vec![authority])
}

/// The vote that reaches the threshold.
fn correct_root() -> Case {
    let (mut world, epoch) = held();
    let args = world.vote_args(epoch, 1, &[POOL / 2, POOL / 2]);
    world.correct(0, args.clone()).expect("the first oracle votes");
    let oracle = world.oracles[1].clone();
    let data = network::instruction::CorrectRoot { args };
    let ix = network_ix(world.correct_accounts(&oracle.key(), epoch), data);
    Case::new("correct_root", world, ix, vec![oracle])
}

fn top_up() -> Case {
    let world = World::with_nodes(2);
    let owner = world.owner.clone();
    let data = network::instruction::TopUp { amount: TOKEN_UNIT };
    let ix = network_ix(world.top_up_accounts(&owner.key()), data);
    Case::new("top_up", world, ix, vec![owner])
}

/// An epoch whose retention is over, as are two after it.
fn long_past() -> (World, u64) {
    let (mut world, epoch) = active();
    world.pay_epoch(epoch + 1, BUDGET, &[POOL, POOL]);
    world.pay_epoch(epoch + 2, BUDGET, &[POOL, 2 * POOL]);
    world.go_after(epoch + RETENTION_EPOCHS, 0);
    (world, epoch)
}

fn close_epoch() -> Case {
    let (world, epoch) = long_past();
    let ix = network_ix(world.close_epoch_accounts(epoch), network::instruction::CloseEpoch {});
    Case::new("close_epoch", world, ix, vec![])
}

fn close_views() -> Case {
    let (world, epoch) = long_past();
    let ix = network_ix(world.close_views_accounts(epoch), network::instruction::CloseViews {});
    Case::new("close_views", world, ix, vec![])
}
