//! Attacks: what somebody with the sources tries, and what comes of it.

use muster_jobs::{
    self as jobs,
    state::{Bond, Job, Outcome as JobOutcome, job_state},
};
use muster_network::{
    self as network, NetworkError as E, OracleArg,
    state::{OracleSet, ViewSet},
};
use muster_tests::world::*;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

fn spl(data: Vec<u8>, accounts: Vec<AccountMeta>) -> Instruction {
    Instruction { program_id: TOKEN, accounts, data }
}

fn spl_transfer(from: Pubkey, to: Pubkey, owner: Pubkey, amount: u64) -> Instruction {
    let mut data = vec![3];
    data.extend(amount.to_le_bytes());
    spl(data, vec![AccountMeta::new(from, false), AccountMeta::new(to, false), AccountMeta::new_readonly(owner, true)])
}

fn submitted() -> (World, Wallet) {
    let mut world = World::with_nodes(3);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    (world, submitter)
}

fn completed(world: &World, nodes: &[usize]) -> (JobOutcome, Vec<Pubkey>) {
    let mut tenures: Vec<Pubkey> = nodes.iter().map(|node| world.nodes[*node].tenure).collect();
    tenures.sort_unstable();
    let bonds = tenures.iter().map(at::bond).collect();
    (JobOutcome::Completed { tenures, result_hash: [9; 32] }, bonds)
}

#[test]
fn a_submitter_who_closes_his_refund_account_does_not_keep_the_nodes_from_their_pay() {
    // Given a job whose result a threshold attested.
    let (mut world, submitter) = submitted();
    let (outcome, bonds) = completed(&world, &[0, 1]);
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    // When the submitter, who has his result, empties and closes the account that paid.
    let source = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let friend = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    let rest = world.svm.tokens(&source);
    let empty = spl_transfer(source, friend, submitter.key(), rest);
    let close = spl(
        vec![9],
        vec![
            AccountMeta::new(source, false),
            AccountMeta::new(submitter.key(), false),
            AccountMeta::new_readonly(submitter.key(), true),
        ],
    );
    let accounts = world.settle_job_accounts(0);
    world.svm.send(&[empty, close], &[&submitter]).unwrap();
    // Then the completed job, which refunds nothing, still pays.
    let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome }, &bonds);
    let settled = world.svm.send(&[ix], &[]);
    settled.expect("the submitter blocks the pay of a completed job");
    assert_eq!(world.svm.pod::<Bond>(&at::bond(&world.nodes[0].tenure)).earned, DEFAULT_STAKE * 4 / 10);
}

#[test]
fn a_gift_to_the_escrow_is_part_of_the_prize_and_stops_nothing() {
    let (mut world, submitter) = submitted();
    let (outcome, bonds) = completed(&world, &[0, 1]);
    let source = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let gift = spl_transfer(source, at::escrow(&world.job_at(0)), submitter.key(), 7);
    world.svm.send(&[gift], &[&submitter]).unwrap();
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    world.settle_job(0, outcome, &bonds).unwrap();
    let job: Job = world.svm.pod(&world.job_at(0));
    assert_eq!(job.state, job_state::COMPLETED);
    assert_eq!(job.to_nodes + job.to_treasury + job.refunded, job.stake + job.tip + 7);
}

#[test]
fn a_smaller_set_leaves_no_view_of_the_larger_one_behind() {
    // Given three views in, within the grace.
    let mut world = World::with_network();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    let mut next = world.oracle_args();
    next.truncate(2);
    // The change was named a timelock ago.
    let now = world.svm.now();
    world.svm.set_time(now - 100);
    world.set_oracle_set(next.clone()).unwrap();
    world.svm.set_time(now);
    for oracle in 0..2 {
        world.commit_views(oracle, epoch, vec![[1; 32], [2; 32], [3; 32]]).unwrap();
    }
    // When two oracles take over and one of them commits.
    world.set_oracle_set(next).unwrap();
    world.commit_views(0, epoch, vec![[1; 32], [2; 32]]).unwrap();
    // Then nothing is in.
    let set: ViewSet = world.svm.pod(&at::view_set(epoch));
    assert_eq!((set.in_count, set.view_hashes[2]), (0, [0; 32]));
}

/// A network with this many oracles, in an epoch that is over.
fn with_oracles(count: usize) -> (World, u64) {
    let mut world = World::bare();
    world.initialize_network(world.network_args()).unwrap();
    world.oracles = (0..count).map(|_| Wallet::new()).collect();
    for wallet in world.oracles.clone() {
        world.svm.airdrop(&wallet);
    }
    let named = world.oracles.iter().map(|o| OracleArg { key: o.key(), url: String::new() }).collect();
    world.set_oracle_set(named).unwrap();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    (world, epoch)
}

/// Commits with the largest limit that a transaction may ask for.
fn commit_with_all_units(world: &mut World, oracle: usize, epoch: u64, hashes: Vec<[u8; 32]>) -> Outcome {
    let signer = world.oracles[oracle].clone();
    let mut data = vec![2];
    data.extend(1_400_000_u32.to_le_bytes());
    let budget = solana_sdk::pubkey!("ComputeBudget111111111111111111111111111111");
    let limit = Instruction { program_id: budget, accounts: vec![], data };
    let accounts = world.commit_views_accounts(&signer.key(), epoch);
    let ix = network_ix(accounts, network::instruction::CommitViews { epoch, hashes });
    world.svm.send(&[limit, ix], &[&signer])
}

#[test]
fn honest_oracles_commit_within_an_instructions_default_limit() {
    let mut refused = vec![];
    for count in 9..=16_u8 {
        let (mut world, epoch) = with_oracles(usize::from(count));
        let hashes: Vec<[u8; 32]> = (1..=count).map(|column| [column; 32]).collect();
        let mut most = 0;
        for oracle in 0..usize::from(count) {
            if world.clone().commit_views(oracle, epoch, hashes.clone()).is_err() {
                refused.push((count, oracle));
            }
            let sent = commit_with_all_units(&mut world, oracle, epoch, hashes.clone()).unwrap();
            most = most.max(sent.compute_units_consumed);
        }
        println!("commit_views of {count} oracles: {most} CU");
    }
    assert!(refused.is_empty(), "commits refused at 200,000 CU: {refused:?}");
}

#[test]
fn oracles_that_disagree_do_not_exhaust_a_commit() {
    let (mut world, epoch) = with_oracles(16);
    let mut most = 0;
    for oracle in 0..16_u8 {
        // Equal but for the last byte: the dearest comparison.
        let hashes = (0..16_u8)
            .map(|column| {
                let mut hash = [7; 32];
                hash[30] = column;
                hash[31] = oracle;
                hash
            })
            .collect();
        let sent = commit_with_all_units(&mut world, usize::from(oracle), epoch, hashes).unwrap();
        most = most.max(sent.compute_units_consumed);
    }
    assert!(most < 200_000, "{most}");
}

#[test]
fn a_job_of_eight_nodes_settles_within_an_instructions_default_limit() {
    let mut world = World::with_nodes(8);
    let submitter = Wallet::new();
    world.svm.airdrop(&submitter);
    world.fund_wallet(&submitter, 1_000 * TOKEN_UNIT);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    let (outcome, bonds) = completed(&world, &[0, 1, 2, 3, 4, 5, 6, 7]);
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    let settled = world.settle_job(0, outcome, &bonds).unwrap();
    println!("settle_job of eight nodes: {} CU", settled.compute_units_consumed);
    assert!(settled.compute_units_consumed < 200_000);
}

#[test]
fn a_second_project_on_the_same_epoch_cannot_take_the_firsts_settlement() {
    // Accounts of another project in an approval, an activation and a claim.
    let mut world = World::with_nodes(2);
    let owner = world.owner.clone();
    let first = world.project;
    world.project = at::project(1);
    let args = network::CreateProjectArgs { index: 1, ..world.project_args() };
    world.create_project(args).unwrap();
    let source = at::ata(&owner.key(), &world.mint, &TOKEN);
    world.fund_project(source, BUDGET).unwrap();
    let second = world.project;
    world.project = first;
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    for spoil in 0..3 {
        let mut accounts = world.approve_accounts(&world.oracles[0].key(), epoch);
        match spoil {
            0 => accounts.distribution = at::distribution(&second),
            1 => accounts.epoch = at::epoch(&second, epoch),
            _ => (accounts.distribution, accounts.epoch) = (at::distribution(&second), at::epoch(&second, epoch)),
        }
        let args = world.approve_args(epoch, &[POOL, 0]);
        let ix = network_ix(accounts, network::instruction::ApproveRoot { args });
        let oracle = world.oracles[0].clone();
        assert!(world.svm.send(&[ix], &[&oracle]).is_err(), "{spoil}");
    }
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &[POOL, 0])).unwrap();
    }
    world.go_after(epoch, 10_000);
    for spoil in 0..3 {
        let mut accounts = world.activate_accounts(epoch);
        match spoil {
            0 => accounts.project = second,
            1 => accounts.vault = at::vault(&at::distribution(&second)),
            _ => accounts.epoch = at::epoch(&first, epoch + 1),
        }
        let ix = network_ix(accounts, network::instruction::ActivateRoot {});
        assert!(world.svm.send(&[ix], &[]).is_err(), "{spoil}");
    }
    world.activate(epoch).unwrap();
    let proof = world.tree(&[POOL, 0]).proof(0).unwrap();
    let mut accounts = world.claim_accounts(&world.nodes[0]);
    accounts.tenure = world.nodes[1].tenure;
    accounts.payout = at::ata(&world.nodes[1].holder.key(), &world.mint, &TOKEN);
    let ix = network_ix(accounts, network::instruction::Claim { cumulative: POOL, proof: proof.concat() });
    assert_refused(world.svm.send(&[ix], &[]), E::ProofInvalid);
}

#[test]
fn views_that_closed_are_the_next_sets_too() {
    // Given views that closed, and a settlement of theirs that is open.
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    let mut next = world.oracle_args();
    next.truncate(2);
    world.set_oracle_set(next.clone()).unwrap();
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    // When the set changes.
    world.set_oracle_set(next).unwrap();
    // Then the views stay as they are, of the set that closed them, and the new set approves what it finds in them.
    assert_refused(world.commit_views(0, epoch, vec![[1; 32], [2; 32]]), E::ViewsClosed);
    let views: ViewSet = world.svm.pod(&at::view_set(epoch));
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((views.set_version, set.set_version), (1, 2));
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &[POOL, 0])).unwrap();
    }
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(ROOT_DELAY));
    world.activate(epoch).unwrap();
}

#[test]
fn an_address_that_was_paid_before_is_still_made() {
    // Lamports on every address to be do not stop its making.
    let mut world = World::with_project();
    let holder = Wallet::new();
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
    let licence = at::licence(&world.project, 0);
    let node = at::node(&licence);
    let made = NodeOf { holder: holder.clone(), key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) };
    let epoch = world.epoch();
    let args = world.submit_args(0);
    let job = at::job(&holder.key(), args.nonce);
    for address in [
        licence,
        node,
        made.tenure,
        at::key_marker(&made.key.key()),
        at::view_set(epoch),
        job,
        at::escrow(&job),
        at::bond(&made.tenure),
        at::ata(&holder.key(), &licence, &TOKEN_2022),
    ] {
        world.svm.inner.airdrop(&address, 900_000).unwrap();
    }
    world.buy_licence(&holder, 0, PRICE).unwrap();
    world.bind(&made).unwrap();
    world.accept(&made).unwrap();
    world.open_bond(&made).unwrap();
    world.submit(&holder, args).unwrap();
    world.go_after(epoch, 0);
    world.commit_views(0, epoch, vec![[1; 32]; 3]).unwrap();
}

#[test]
fn a_backlog_is_paid_although_others_claim_first() {
    // Given a node that let three equal epochs run up while the other claims every epoch at once.
    let mut world = World::with_nodes(2);
    let first = world.epoch() + 1;
    let mut paid = [0_u64; 2];
    let balance =
        |world: &World, node: usize| world.svm.tokens(&at::ata(&world.nodes[node].holder.key(), &world.mint, &TOKEN));
    let start = [balance(&world, 0), balance(&world, 1)];
    for offset in 0..20u64 {
        let n = offset + 1;
        let amounts = [n * POOL / 2, n * POOL / 2];
        if offset > 3 {
            // The next epoch of the clock has begun, its root is not active yet: the late node is the only claimer.
            let earlier = [offset * POOL / 2, offset * POOL / 2];
            world.go_after(first + offset, 0);
            let _ = world.claim(0, &earlier);
        }
        world.pay_epoch(first + offset, BUDGET, &amounts);
        let _ = world.claim(1, &amounts);
        if offset >= 3 {
            let _ = world.claim(0, &amounts);
        }
        paid = [balance(&world, 0) - start[0], balance(&world, 1) - start[1]];
    }
    assert_eq!(paid[0], 20 * POOL / 2, "the backlog is never paid");
}
