//! The guards behind the guards: refusals that no accepted mint and no reachable amount can cause. The accounts are
//! changed behind the programs' back, to see that even then no vault believes a transfer that it did not get.

use muster_jobs::{
    JobsError,
    state::{Bond, Outcome as JobOutcome},
};
use muster_network::{
    self as network, NetworkError,
    state::{Distribution, Project},
};
use muster_tests::world::*;
use solana_sdk::{account::Account, pubkey::Pubkey};

/// Bytes of a token account without extensions; a mint with extensions is padded to it.
const TOKEN_ACCOUNT_LEN: usize = 165;
const ACCOUNT_TYPE_MINT: u8 = 1;
const ACCOUNT_TYPE_ACCOUNT: u8 = 2;
const TRANSFER_FEE_CONFIG: u16 = 1;
const TRANSFER_FEE_AMOUNT: u16 = 2;
/// One per cent.
const TRANSFER_FEE_BPS: u16 = 100;

/// Appends the account's kind and one extension to its base.
fn extended(mut base: Vec<u8>, account_type: u8, kind: u16, value: &[u8]) -> Vec<u8> {
    base.resize(TOKEN_ACCOUNT_LEN, 0);
    base.push(account_type);
    base.extend_from_slice(&kind.to_le_bytes());
    base.extend_from_slice(&(value.len() as u16).to_le_bytes());
    base.extend_from_slice(value);
    base
}

/// Makes a token account or mint one of Token-2022, with the given extension behind its bytes.
fn extend(world: &mut World, address: &Pubkey, account_type: u8, kind: u16, value: &[u8]) {
    let account = world.svm.inner.get_account(address).unwrap();
    let data = extended(account.data.clone(), account_type, kind, value);
    let lamports = 1_000_000_000;
    let extended = Account { data, lamports, owner: TOKEN_2022, ..account };
    world.svm.inner.set_account(*address, extended).unwrap();
}

/// Two authorities and what was withheld, none; then the older and the newer fee: epoch 0, no maximum, the rate.
fn transfer_fee_config() -> Vec<u8> {
    let mut value = vec![0; 72];
    for _ in 0..2 {
        value.extend_from_slice(&0u64.to_le_bytes());
        value.extend_from_slice(&u64::MAX.to_le_bytes());
        value.extend_from_slice(&TRANSFER_FEE_BPS.to_le_bytes());
    }
    value
}

#[test]
fn a_vault_that_receives_less_than_was_sent_refuses_the_transfer() {
    // Given a project whose reward mint, which was plain, has come to keep a fee of every transfer.
    let mut world = World::with_project();
    let (mint, vault) = (world.mint, at::budget_vault(&world.project));
    let source = at::ata(&world.owner.key(), &mint, &TOKEN);
    extend(&mut world, &mint, ACCOUNT_TYPE_MINT, TRANSFER_FEE_CONFIG, &transfer_fee_config());
    for account in [source, vault] {
        extend(&mut world, &account, ACCOUNT_TYPE_ACCOUNT, TRANSFER_FEE_AMOUNT, &0u64.to_le_bytes());
    }
    let mut accounts = world.fund_project_accounts(source);
    accounts.token_program = TOKEN_2022;
    let ix = network_ix(accounts, network::instruction::FundProject { amount: 1_000 * TOKEN_UNIT });
    let owner = world.owner.clone();
    // When it is funded, then the whole transfer is refused, and nothing moved.
    let before = (world.svm.tokens(&source), world.svm.tokens(&vault));
    assert_refused(world.svm.send(&[ix], &[&owner]), NetworkError::VaultDelta);
    assert_eq!((world.svm.tokens(&source), world.svm.tokens(&vault)), before);
}

#[test]
fn a_credit_that_would_overflow_a_bond_is_refused_whole() {
    // Given an attested job, and a bond that is as full as a number can be.
    let mut world = World::with_nodes(1);
    let submitter = world.owner.clone();
    let args = world.submit_args(0);
    world.submit(&submitter, args).unwrap();
    let tenure = world.nodes[0].tenure;
    let outcome = JobOutcome::Completed { tenures: vec![tenure], result_hash: [9; 32] };
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    let bond = at::bond(&tenure);
    world.svm.edit_pod::<Bond>(&bond, |bond| bond.earned = u64::MAX);
    // When it is settled, then nothing wraps: the job stays open and its escrow whole.
    let escrow = at::escrow(&world.job_at(0));
    assert_refused(world.settle_job(0, outcome, &[bond]), JobsError::Overflow);
    assert_eq!(world.svm.tokens(&escrow), DEFAULT_STAKE);
}

#[test]
fn an_allocation_that_would_overflow_is_refused_before_it_is_approved() {
    // Given a distribution that has allocated as much as a number can hold.
    let mut world = World::with_nodes(1);
    let epoch = world.svm.borsh::<Project>(&world.project).next_epoch;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, 100 * TOKEN_UNIT)).unwrap();
    let distribution = at::distribution(&world.project);
    world.svm.edit_pod::<Distribution>(&distribution, |d| d.allocated = u64::MAX);
    // When an oracle votes for a total that has wrapped, then it is refused.
    let args = world.approve_args(epoch, &[80 * TOKEN_UNIT - 1]);
    assert_refused(world.approve(0, args), NetworkError::WrongTotal);
}
