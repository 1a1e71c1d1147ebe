//! What networks of this kind were robbed by or reported for, tried here. docs/abuse-cases.md lists every case with
//! the test that defends it; this file has those that belong to no single instruction.

use std::collections::{BTreeMap, BTreeSet};

use muster_jobs::{
    self as jobs,
    state::{Bond, Outcome as JobOutcome},
};
use muster_network::{
    self as network, NetworkError as E,
    state::{Distribution, Network},
};
use muster_tests::{
    cases::{self, Case},
    world::*,
};
use solana_sdk::{
    account::{Account, ReadableAccount},
    pubkey::Pubkey,
};

use super::authorities::advance_nonce;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

/// Every account before and after each case succeeds.
fn each_case(mut check: impl FnMut(&Case, &BTreeMap<Pubkey, Account>, &BTreeMap<Pubkey, Account>)) {
    for mut case in cases::all() {
        let before = all_accounts(&case.world);
        let signers: Vec<&Wallet> = case.signers.iter().collect();
        let sent = case.world.svm.send(&[case.instruction.clone()], &signers);
        sent.unwrap_or_else(|refusal| panic!("{} succeeds: {refusal:?}", case.name));
        let after = all_accounts(&case.world);
        check(&case, &before, &after);
    }
}

fn all_accounts(world: &World) -> BTreeMap<Pubkey, Account> {
    let all = world.svm.inner.accounts_db().inner.iter();
    let small = all.filter(|(_, account)| !account.executable() && account.data().len() < 100_000);
    small.map(|(address, account)| (*address, Account::from(account.clone()))).collect()
}

/// Owner and amount of a token account.
fn token_account(account: &Account) -> Option<(Pubkey, u64)> {
    let is_one = (account.owner == TOKEN || account.owner == TOKEN_2022)
        && (account.data.len() == 165 || account.data.get(165) == Some(&2));
    let data = is_one.then_some(&account.data)?;
    let owner = Pubkey::try_from(&data[32..64]).ok()?;
    Some((owner, u64::from_le_bytes(data[64..72].try_into().ok()?)))
}

#[test]
fn no_account_that_lives_on_pays_lamports() {
    // DoubleZero: a relay was paid from the account that held the state, until it fell below its rent.
    let programs = [network::ID, jobs::ID];
    each_case(|case, before, after| {
        for (address, account) in before.iter().filter(|(_, account)| programs.contains(&account.owner)) {
            let left = after.get(address).map_or(0, |account| account.lamports);
            assert!(left == 0 || left >= account.lamports, "{} takes lamports from {address}", case.name);
        }
    });
}

#[test]
fn who_makes_an_account_pays_for_it() {
    // Rent spam: no case makes an account at the cost of a program's.
    let programs = [network::ID, jobs::ID, TOKEN, TOKEN_2022];
    each_case(|case, before, after| {
        let is_ours = |account: &&Account| programs.contains(&account.owner) && account.lamports > 0;
        let rent = |all: &BTreeMap<Pubkey, Account>| -> u64 { all.values().filter(is_ours).map(|a| a.lamports).sum() };
        let (held, holds) = (rent(before), rent(after));
        let people: BTreeSet<Pubkey> =
            case.signers.iter().map(Wallet::key).chain([case.world.svm.payer.key()]).collect();
        let paid = |all: &BTreeMap<Pubkey, Account>| -> u64 {
            people.iter().filter_map(|key| all.get(key)).map(|account| account.lamports).sum()
        };
        let cost = paid(before).saturating_sub(paid(after));
        assert!(holds.saturating_sub(held) <= cost, "{}: somebody else paid for what it made", case.name);
    });
}

#[test]
fn tokens_neither_appear_nor_vanish() {
    // Whatever an instruction moves, the sum of each mint's accounts is its supply, as it was before; but for licences.
    each_case(|case, before, after| {
        let sum = |all: &BTreeMap<Pubkey, Account>| -> u128 {
            let of_mint = |account: &&Account| account.data.get(..32) == Some(case.world.mint.as_ref());
            all.values().filter(of_mint).filter_map(token_account).map(|(_, amount)| u128::from(amount)).sum()
        };
        assert_eq!(sum(before), sum(after), "{}", case.name);
    });
}

#[test]
fn nobody_who_did_not_sign_loses_a_token() {
    // An account loses tokens only if its owner signed, or if a program owns it; then docs/invariants.md says where to.
    each_case(|case, before, after| {
        let signed: BTreeSet<Pubkey> =
            case.signers.iter().map(Wallet::key).chain([case.world.svm.payer.key()]).collect();
        for (address, account) in before {
            let Some((owner, had)) = token_account(account) else { continue };
            let has = after.get(address).and_then(token_account).map_or(0, |(_, amount)| amount);
            let is_wallet = before.get(&owner).is_none_or(|owner| owner.owner == SYSTEM);
            assert!(has >= had || signed.contains(&owner) || !is_wallet, "{} takes from {address}", case.name);
        }
    });
}

#[test]
fn every_instruction_tells_what_it_did_with_the_clocks_time() {
    // Read from inner instructions: a log that is cut off after 10 KB hides no event.
    const EVENT: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
    for mut case in cases::all() {
        case.world.svm.inner = case.world.svm.inner.with_log_bytes_limit(Some(0));
        let signers: Vec<&Wallet> = case.signers.iter().collect();
        let sent = case.world.svm.send(&[case.instruction.clone()], &signers).expect("the case succeeds");
        let inner = sent.inner_instructions.iter().flatten().map(|inner| &inner.instruction.data);
        let events: Vec<&Vec<u8>> = inner.filter(|data| data.starts_with(&EVENT)).collect();
        assert!(!events.is_empty(), "{} emits no event", case.name);
        for event in events {
            // Tag, discriminator, stream, seq, timestamp.
            let number = |at: usize| u64::from_le_bytes(event[at..at + 8].try_into().expect("8 bytes"));
            assert!(number(48) > 0, "{}: its stream starts at 1", case.name);
            assert_eq!(number(56) as i64, case.world.svm.now(), "{}", case.name);
        }
    }
}

#[test]
fn nothing_that_a_cold_key_signs_can_be_kept_for_later() {
    // Drift: signers of a multisig were brought to sign transactions that a durable nonce kept alive for days.
    let mut seen = BTreeSet::new();
    for mut case in cases::all() {
        let world = &mut case.world;
        // The worlds' treasury owner is the network's authority.
        let cold = [world.authority.key(), world.guardian.key()];
        if !case.signers.iter().any(|signer| cold.contains(&signer.key())) {
            continue;
        }
        let payer = world.svm.payer.clone();
        let advance = advance_nonce(world, &payer);
        let signers: Vec<&Wallet> = case.signers.iter().collect();
        let refused = world.svm.send(&[advance, case.instruction.clone()], &signers).expect_err(case.name);
        let says = |line: &String| line.contains("Error Code: DurableNonce");
        assert!(refused.logs.iter().any(says), "{}: {refused:?}", case.name);
        seen.insert(case.name);
    }
    assert!(seen.len() >= 10, "{seen:?}");
}

#[test]
fn a_front_run_project_gains_nothing_and_costs_a_retry() {
    // Jito's distributor: whoever was first with another's address became its admin.
    let mut world = World::with_network();
    let victim = world.owner.clone();
    let attacker = Wallet::new();
    world.svm.airdrop(&attacker);
    world.owner = attacker.clone();
    world.create_project(world.project_args()).unwrap();
    // The victim's own transaction fails as a whole and is right with the next index.
    world.owner = victim.clone();
    assert!(world.create_project(world.project_args()).is_err());
    world.project = at::project(1);
    let args = network::CreateProjectArgs { index: 1, ..world.project_args() };
    world.create_project(args).unwrap();
    let owner = |index| world.svm.borsh::<network::state::Project>(&at::project(index)).owner;
    assert_eq!([owner(0), owner(1)], [attacker.key(), victim.key()]);
}

#[test]
fn slots_do_not_move_the_epoch() {
    // Slots became shorter more than once: only the clock's seconds count.
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    let now = world.svm.now();
    world.svm.inner.warp_to_slot(500_000_000);
    world.svm.set_time(now);
    assert_refused(world.commit_views(0, epoch, vec![[1; 32]; 3]), E::EpochNotOver);
}

#[test]
fn a_submitter_who_pays_his_own_nodes_loses_the_fee() {
    // Wash jobs: the same person submits, runs and collects.
    let mut world = World::with_nodes(2);
    let submitter = world.nodes[0].holder.clone();
    let account = at::ata(&submitter.key(), &world.mint, &TOKEN);
    let had = world.svm.tokens(&account);
    world.submit(&submitter, world.submit_args(0)).unwrap();
    let tenure = world.nodes[0].tenure;
    let outcome = JobOutcome::Completed { tenures: vec![tenure], result_hash: [9; 32] };
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    world.settle_job(0, outcome, &[at::bond(&tenure)]).unwrap();
    let earned = world.svm.pod::<Bond>(&at::bond(&tenure)).earned;
    let node = world.nodes[0].clone();
    world.withdraw(&node, earned).unwrap();
    assert_eq!(had - world.svm.tokens(&account), DEFAULT_STAKE / 5, "a fifth of the stake is gone");
}

#[test]
fn a_fee_that_rises_leaves_a_submitted_job_as_it_was() {
    // A commission that rises after the money is in. The fee is changed behind the programs' back, at once.
    let mut world = World::with_nodes(1);
    let submitter = world.nodes[0].holder.clone();
    world.submit(&submitter, world.submit_args(0)).unwrap();
    world.svm.edit::<Network>(&at::network(), |network| {
        (network.fee_bps, network.next_fee_bps) = (3_000, 3_000);
    });
    let tenure = world.nodes[0].tenure;
    let outcome = JobOutcome::Completed { tenures: vec![tenure], result_hash: [9; 32] };
    for oracle in 0..2 {
        world.attest(oracle, 0, &outcome).unwrap();
    }
    world.settle_job(0, outcome, &[at::bond(&tenure)]).unwrap();
    assert_eq!(world.svm.pod::<Bond>(&at::bond(&tenure)).earned, DEFAULT_STAKE / 5 * 4);
}

#[test]
fn a_job_at_another_address_of_its_nonce_takes_an_index_and_nothing_else() {
    // A submission states its bumps: whoever states others makes his job where nobody looks for it.
    let mut world = World::with_nodes(1);
    let submitter = world.funded(2 * DEFAULT_STAKE);
    let args = world.submit_args(0);
    let (wallet, nonce) = (submitter.key(), args.nonce.to_le_bytes());
    let (_, right) = Pubkey::find_program_address(&[b"job", wallet.as_ref(), &nonce], &jobs::ID);
    let address = |bump: u8| Pubkey::create_program_address(&[b"job", wallet.as_ref(), &nonce, &[bump]], &jobs::ID);
    let (job, job_bump) =
        (0..right).rev().find_map(|bump| Some((address(bump).ok()?, bump))).expect("one of 254 is off");
    let (escrow, escrow_bump) = Pubkey::find_program_address(&[b"escrow", job.as_ref()], &jobs::ID);
    let accounts = jobs::accounts::Submit { job, escrow, ..world.submit_accounts(&wallet, args.nonce) };
    let data = jobs::instruction::Submit { args: args.clone(), job_bump, escrow_bump };
    world.svm.send(&[jobs_ix(accounts, data, &[])], &[&submitter]).unwrap();
    // The index is used up, the address where everybody looks is free,
    world.submit(&submitter, args.clone()).unwrap();
    assert_eq!((world.job_at(1), world.job(1).nonce), (at::job(&wallet, args.nonce), args.nonce));
    // and what nobody decided goes back.
    let accounts = jobs::accounts::Expire { job, escrow, ..world.expire_accounts(1) };
    world.svm.set_time(world.job(1).deadline + i64::from(world.jobs_args().attest_grace) + 1);
    world.svm.send(&[jobs_ix(accounts, jobs::instruction::Expire {}, &[])], &[]).unwrap();
    assert_eq!(world.balance(&submitter), DEFAULT_STAKE);
}

#[test]
fn a_tree_of_one_leaf_needs_its_proof_too() {
    // Fluid: an empty proof made the leaf its own root. Here even one leaf stands under an inner node.
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &[POOL]);
    let accounts = world.claim_accounts(&world.nodes[0]);
    let ix = network_ix(accounts, network::instruction::Claim { cumulative: POOL, proof: vec![] });
    assert_refused(world.svm.send(&[ix], &[]), E::ProofInvalid);
    world.claim(0, &[POOL]).unwrap();
}

#[test]
fn a_stolen_threshold_takes_one_epochs_allowance_and_nothing_of_another_project() {
    // Given three epochs that the first node earned and never claimed, and another project's funded vault.
    let mut world = World::with_nodes(2);
    let first = world.epoch() + 1;
    for round in 1..=3 {
        world.pay_epoch(first + round - 1, BUDGET, &[round * POOL, 0]);
    }
    // When whoever stole a threshold of oracle keys gives all of it to the second node.
    let stolen = [0, 4 * POOL];
    world.pay_epoch(first + 3, BUDGET, &stolen);
    world.claim(1, &stolen).unwrap();
    // Then an epoch lets through the last pool and a quarter of what is outstanding, and the rest can still be held;
    let thief = at::ata(&world.nodes[1].holder.key(), &world.mint, &TOKEN);
    let distribution: Distribution = world.svm.pod(&at::distribution(&world.project));
    assert_eq!(distribution.claimed, POOL + (4 * POOL).div_ceil(4));
    assert!(world.svm.tokens(&thief) >= distribution.claimed);
    assert_refused(world.claim(1, &stolen), E::AllowanceUsedUp);
    // and what the first node earned is still proven by the roots before it.
    world.go_after(first + 4, 0);
    world.claim(0, &[3 * POOL, 0]).unwrap();
}

#[test]
fn oracle_keys_and_node_keys_move_no_token() {
    // A key on a machine that is online: whoever steals it moves nothing.
    let mut seen = 0;
    each_case(|case, before, after| {
        let world = &case.world;
        let oracles: BTreeSet<Pubkey> = world.oracles.iter().map(Wallet::key).collect();
        let is_hot = |key: Pubkey| oracles.contains(&key) || world.nodes.iter().any(|node| node.key.key() == key);
        let bystanders = case.signers.iter().filter(|wallet| !is_hot(wallet.key())).count();
        if case.signers.is_empty() || bystanders > 0 {
            return;
        }
        seen += 1;
        for (address, account) in before {
            let amount = |account: &Account| token_account(account).map(|(_, amount)| amount);
            assert_eq!(after.get(address).and_then(amount), amount(account), "{} moves {address}", case.name);
        }
    });
    assert!(seen >= 3, "only {seen} cases are signed by hot keys alone");
}

#[test]
fn the_tests_that_the_documents_name_exist() {
    // Asked at run time: checkouts that share a target folder share this binary too.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let root = std::path::Path::new(&package).parent().expect("the workspace's folder");
    let mut sources = String::new();
    for folder in ["tests/tests", "protocol", "programs", "oracle", "agent", "indexer"] {
        read_sources(&root.join(folder), &mut sources);
    }
    let mut missing = vec![];
    for document in ["abuse-cases.md", "authorities.md", "invariants.md"] {
        let text = std::fs::read_to_string(root.join("docs").join(document)).expect("the document is there");
        // What stands between backticks and looks like a test's name.
        for quoted in text.split('`').skip(1).step_by(2) {
            let name = quoted.rsplit("::").next().expect("a split has a last part");
            let is_name = name.matches('_').count() >= 3
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if is_name && !sources.contains(&format!("fn {name}(")) {
                missing.push(format!("{document}: {quoted}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

fn read_sources(folder: &std::path::Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).expect("the file is read"));
        }
    }
}
