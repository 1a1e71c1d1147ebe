use muster_network::{
    self as network, NetworkError as E,
    state::{Distribution, Tenure},
};
use muster_tests::world::*;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;

fn paid() -> (World, u64, [u64; 2]) {
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    let amounts = [POOL / 4, POOL - POOL / 4];
    world.pay_epoch(epoch, BUDGET, &amounts);
    (world, epoch, amounts)
}

fn balance(world: &World, node: usize) -> u64 {
    world.svm.tokens(&at::ata(&world.nodes[node].holder.key(), &world.mint, &TOKEN))
}

#[test]
fn a_claim_pays_the_leaf_and_a_second_one_nothing() {
    // Given an active root.
    let (mut world, _, amounts) = paid();
    let before = balance(&world, 0);
    // When anybody claims for the first node.
    let claimed = world.claim(0, &amounts).unwrap();
    // Then its holder has what the leaf says, and a second claim of the same root pays nothing.
    assert_eq!(balance(&world, 0), before + amounts[0]);
    let tenure: Tenure = world.svm.pod(&world.nodes[0].tenure);
    assert_eq!(tenure.claimed_total, amounts[0]);
    assert_refused(world.claim(0, &amounts), E::NothingToClaim);
    assert_eq!(balance(&world, 0), before + amounts[0]);
    println!("claim: {} CU", claimed.compute_units_consumed);
}

#[test]
fn all_claims_empty_the_vault_exactly() {
    let (mut world, _, amounts) = paid();
    world.claim(0, &amounts).unwrap();
    world.claim(1, &amounts).unwrap();
    let state: Distribution = world.svm.pod(&at::distribution(&world.project));
    assert_eq!((state.claimed, state.allocated, world.svm.tokens(&state.vault)), (POOL, POOL, 0));
}

#[test]
fn a_later_root_pays_only_what_came_since() {
    let (mut world, epoch, first) = paid();
    world.claim(0, &first).unwrap();
    let second = [first[0] + 100, first[1] + POOL - 100];
    world.pay_epoch(epoch + 1, BUDGET, &second);
    let before = balance(&world, 0);
    world.claim(0, &second).unwrap();
    assert_eq!(balance(&world, 0), before + 100);
}

#[test]
fn an_older_active_root_still_pays_what_it_owed() {
    let (mut world, epoch, first) = paid();
    let second = [first[0] + 100, first[1] + POOL - 100];
    world.pay_epoch(epoch + 1, BUDGET, &second);
    let before = balance(&world, 0);
    world.claim(0, &first).unwrap();
    assert_eq!(balance(&world, 0), before + first[0]);
    world.claim(0, &second).unwrap();
    assert_eq!(balance(&world, 0), before + second[0]);
    assert_refused(world.claim(0, &first), E::NothingToClaim);
}

#[test]
fn a_wrong_proof_pays_nothing() {
    let (base, _, amounts) = paid();
    let tree = base.tree(&amounts);
    let right = tree.proof(0).unwrap();
    let cases: Vec<(u64, Vec<[u8; 32]>)> = vec![
        (amounts[0] + 1, right.clone()),
        (amounts[1], right.clone()),
        (amounts[0], tree.proof(1).unwrap()),
        (amounts[0], vec![]),
        (amounts[0], [right.clone(), right.clone()].concat()),
    ];
    for (cumulative, proof) in cases {
        let mut world = base.clone();
        let accounts = world.claim_accounts(&world.nodes[0]);
        let ix = network_ix(accounts, network::instruction::Claim { cumulative, proof: proof.concat() });
        assert_refused(world.svm.send(&[ix], &[]), E::ProofInvalid);
    }
}

#[test]
fn a_claim_pays_no_account_but_the_tenures() {
    let (mut world, _, amounts) = paid();
    let proof = world.tree(&amounts).proof(0).unwrap();
    let mut accounts = world.claim_accounts(&world.nodes[0]);
    accounts.payout = at::ata(&world.nodes[1].holder.key(), &world.mint, &TOKEN);
    let ix = network_ix(accounts, network::instruction::Claim { cumulative: amounts[0], proof: proof.concat() });
    assert_refused(world.svm.send(&[ix], &[]), E::WrongPayoutAccount);
    let mut accounts = world.claim_accounts(&world.nodes[0]);
    accounts.vault = at::budget_vault(&world.project);
    let ix = network_ix(accounts, network::instruction::Claim { cumulative: amounts[0], proof: proof.concat() });
    assert!(world.svm.send(&[ix], &[]).is_err());
}

#[test]
fn the_breaker_delays_and_never_refuses() {
    // Given a node that let three epochs run up, in a project whose pools fall.
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    let pools = [POOL, POOL / 8, POOL / 8];
    let mut total = 0;
    for (offset, pool) in pools.into_iter().enumerate() {
        total += pool;
        world.pay_epoch(epoch + offset as u64, pool / 4 * 5, &[total, 0]);
    }
    // When it claims all at once, an epoch lets through a quarter of what is outstanding; the next ones the rest.
    let mut paid = 0;
    let mut epochs = 0;
    while paid < total {
        let before = balance(&world, 0);
        world.claim(0, &[total, 0]).unwrap();
        paid += balance(&world, 0) - before;
        if paid < total {
            assert_refused(world.claim(0, &[total, 0]), E::AllowanceUsedUp);
        }
        let now = world.svm.now();
        world.svm.set_time(now + i64::from(EPOCH_LEN));
        epochs += 1;
        assert!(epochs < 20, "the breaker must not hold money for ever");
    }
    assert!(epochs > 1, "the breaker delayed");
    assert_eq!(paid, total);
}
