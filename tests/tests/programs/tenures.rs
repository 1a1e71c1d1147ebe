//! How a tenure ends and the next begins, how a node changes its key, and whom a tenure pays.

use muster_network::{
    self as network, NetworkError as E,
    state::{EPOCH_NEVER, KeyMarker, Network, Node, Project, Tenure, node_status},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
/// Anchor's `ConstraintAddress`.
const WRONG_ADDRESS: u32 = 2012;
/// The system program's, of an address that is in use.
const IN_USE: u32 = 0;

fn node_state(world: &World, node: &NodeOf) -> Node {
    world.svm.pod(&node.node)
}

fn tenure_state(world: &World, address: &Pubkey) -> Tenure {
    world.svm.pod(address)
}

fn lamports(world: &World, address: &Pubkey) -> u64 {
    world.svm.inner.get_account(address).map_or(0, |account| account.lamports)
}

fn someone(world: &mut World) -> Wallet {
    let wallet = Wallet::new();
    world.svm.airdrop(&wallet);
    wallet
}

/// The node of the same licence in the hands of a buyer, with a key and a tenure of his own.
fn sold(world: &mut World, node: &NodeOf, number: u32) -> NodeOf {
    let buyer = someone(world);
    world.fund_wallet(&buyer, 0);
    world.send_licence(node, &buyer).expect("the licence moves");
    NodeOf { holder: buyer, key: Wallet::new(), tenure: at::tenure(&node.node, number), ..node.clone() }
}

#[test]
fn an_unbound_licence_thaws_at_the_end_of_its_epoch_and_moves_again() {
    // Given an accepted node, in the middle of an epoch.
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let epoch = world.epoch();
    let end = ((epoch + 1) * u64::from(EPOCH_LEN)) as i64;
    world.svm.set_time(end - 60);
    let marker = at::key_marker(&node.key.key());
    let (rent, before) = (lamports(&world, &marker), lamports(&world, &node.holder.key()));
    // When its holder unbinds it.
    let unbound = world.unbind(&node).unwrap();
    // Then the tenure ends with the epoch, the key is free, and its marker's rent is the holder's.
    let state = node_state(&world, &node);
    assert_eq!((state.status, state.thaw_at), (node_status::UNBINDING, end));
    assert_eq!(tenure_state(&world, &node.tenure).until_epoch, epoch + 1);
    assert_eq!(lamports(&world, &marker), 0);
    assert_eq!(lamports(&world, &node.holder.key()), before + rent);
    // And the licence stays frozen to the epoch's last second, whoever asks.
    let buyer = someone(&mut world);
    world.svm.set_time(end - 1);
    assert_refused(world.thaw(&node), E::ThawRuns);
    assert!(world.send_licence(&node, &buyer).is_err());
    world.svm.set_time(end);
    let thawed = world.thaw(&node).unwrap();
    world.send_licence(&node, &buyer).unwrap();
    let state = node_state(&world, &node);
    assert_eq!((state.status, state.accepted_at), (node_status::FREE, 0));
    println!("unbind {} CU, thaw {} CU", unbound.compute_units_consumed, thawed.compute_units_consumed);
}

#[test]
fn nothing_stops_a_holder_from_leaving() {
    // Given everything paused and the project closed, an accepted node and one whose key never accepted.
    let mut world = World::with_nodes(1);
    let accepted = world.nodes[0].clone();
    let holder = someone(&mut world);
    world.fund_wallet(&holder, PRICE);
    world.buy_licence(&holder, 1, PRICE).unwrap();
    let licence = at::licence(&world.project, 1);
    let address = at::node(&licence);
    let waiting = NodeOf { holder, key: Wallet::new(), licence, node: address, tenure: at::tenure(&address, 1) };
    world.bind(&waiting).unwrap();
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.svm.edit(&world.project.clone(), |project: &mut Project| project.closed = true);
    // Then both are unbound, and thaw.
    world.unbind(&accepted).unwrap();
    world.unbind(&waiting).unwrap();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    world.thaw(&accepted).unwrap();
    world.thaw(&waiting).unwrap();
}

#[test]
fn only_the_tenures_holder_unbinds_and_once() {
    let base = World::with_nodes(2);
    let node = base.nodes[0].clone();
    for thief in [&base.owner, &base.settler, &base.authority, &node.key, &base.nodes[1].holder] {
        let mut world = base.clone();
        world.svm.airdrop(thief);
        assert_refused(world.unbind(&NodeOf { holder: thief.clone(), ..node.clone() }), E::NotHolder);
    }
    // Not with another tenure of his own, another node's marker, or none.
    let mut world = base.clone();
    let mut accounts = world.unbind_accounts(&node);
    (accounts.holder, accounts.tenure) = (base.nodes[1].holder.key(), base.nodes[1].tenure);
    let ix = network_ix(accounts, network::instruction::Unbind {});
    assert_refused(world.svm.send(&[ix], &[&base.nodes[1].holder]), E::WrongTenure);
    for marker in [None, Some(at::key_marker(&base.nodes[1].key.key()))] {
        let mut accounts = world.unbind_accounts(&node);
        accounts.key_marker = marker;
        let ix = network_ix(accounts, network::instruction::Unbind {});
        assert_refused(world.svm.send(&[ix], &[&node.holder]), E::WrongKeyMarker);
    }
    world.unbind(&node).unwrap();
    assert_refused(world.unbind(&node), E::NotBound);
}

#[test]
fn a_thaw_frees_nothing_but_the_nodes_own_licence_once() {
    let mut world = World::with_nodes(2);
    let (node, other) = (world.nodes[0].clone(), world.nodes[1].clone());
    assert_refused(world.thaw(&node), E::NotUnbinding);
    world.unbind(&node).unwrap();
    let epoch = world.epoch();
    world.go_after(epoch, 0);
    let right = world.thaw_accounts(&node);
    let mut account = world.thaw_accounts(&node);
    account.licence_account = at::ata(&other.holder.key(), &other.licence, &TOKEN_2022);
    let mut licence = world.thaw_accounts(&node);
    licence.licence = other.licence;
    for accounts in [account, licence] {
        let ix = network_ix(accounts, network::instruction::Thaw {});
        assert_refused(world.svm.send(&[ix], &[]), WRONG_ADDRESS);
    }
    world.svm.send(&[network_ix(right, network::instruction::Thaw {})], &[]).unwrap();
    assert_refused(world.thaw(&node), E::NotUnbinding);
}

#[test]
fn a_bind_waits_for_the_thaw() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    world.unbind(&node).unwrap();
    assert_refused(world.bind(&node), E::AlreadyBound);
    let epoch = world.epoch();
    world.go_after(epoch, 5);
    assert_refused(world.bind(&node), E::AlreadyBound);
    world.thaw(&node).unwrap();
    world.bind(&node).unwrap();
}

#[test]
fn the_same_holder_keeps_his_tenure_and_a_buyer_makes_the_next() {
    // Given a node with a claim behind it, free again.
    let mut world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    let epoch = world.epoch() + 1;
    let amounts = [POOL / 2, POOL / 2];
    world.pay_epoch(epoch, BUDGET, &amounts);
    world.claim(0, &[POOL / 2, POOL / 2]).unwrap();
    world.free(&node);
    // When its holder binds it again, then the tenure, its leaf and its claimed total go on.
    let mut again = world.clone();
    again.bind(&node).unwrap();
    again.accept(&node).unwrap();
    let tenure = tenure_state(&again, &node.tenure);
    assert_eq!((tenure.leaf_index, tenure.claimed_total, tenure.until_epoch), (0, POOL / 2, EPOCH_NEVER));
    // When a buyer binds it, then his is the next tenure, with the next leaf, from this epoch on.
    let bought = sold(&mut world, &node, 2);
    let keeps = NodeOf { tenure: node.tenure, ..bought.clone() };
    assert_refused(world.bind_number(&keeps, 1), E::WrongTenureNumber);
    world.bind_number(&bought, 2).unwrap();
    world.accept(&bought).unwrap();
    let (first, second) = (tenure_state(&world, &node.tenure), tenure_state(&world, &bought.tenure));
    assert_eq!((second.number, second.leaf_index, second.claimed_total), (2, 2, 0));
    assert_eq!((second.holder, second.from_epoch), (bought.holder.key(), world.epoch()));
    assert_eq!(first.holder, node.holder.key());
    // And each can change nothing of the other's.
    assert_refused(world.unbind(&node), E::WrongTenure);
    let mut accounts = world.set_payout_accounts(&bought, None);
    accounts.holder = node.holder.key();
    let data = network::instruction::SetPayout { payout_owner: node.holder.key() };
    assert_refused(world.svm.send(&[network_ix(accounts, data)], &[&node.holder]), E::NotHolder);
}

/// Defends I40.
#[test]
fn no_epoch_belongs_to_two_tenures_of_a_node() {
    // Given a licence that is sold on four times, each time as fast as can be.
    let mut world = World::with_nodes(1);
    let mut node = world.nodes[0].clone();
    let mut tenures = vec![node.tenure];
    for number in 2..=5 {
        world.free(&node);
        node = sold(&mut world, &node, number);
        world.bind_number(&node, number).unwrap();
        world.accept(&node).unwrap();
        tenures.push(node.tenure);
    }
    // Then each tenure begins where the last one ended.
    let spans: Vec<(u64, u64)> = tenures
        .iter()
        .map(|address| {
            let tenure = tenure_state(&world, address);
            (tenure.from_epoch, tenure.until_epoch)
        })
        .collect();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
    assert_eq!(spans.last().unwrap().1, EPOCH_NEVER);
}

#[test]
fn a_key_that_was_freed_runs_another_node() {
    let mut world = World::with_nodes(2);
    let (first, second) = (world.nodes[0].clone(), world.nodes[1].clone());
    world.unbind(&first).unwrap();
    world.rotate_node_key(&second, &second.holder, &first.key).unwrap();
    let marker: KeyMarker = world.svm.borsh(&at::key_marker(&first.key.key()));
    assert_eq!(marker.node, second.node);
}

#[test]
fn a_new_key_takes_over_at_once_and_the_old_one_is_free() {
    // Given an accepted node some seconds later.
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let now = world.svm.now() + 33;
    world.svm.set_time(now);
    let new_key = Wallet::new();
    let before = lamports(&world, &node.holder.key());
    // When its holder names another key, which signs.
    let rotated = world.rotate_node_key(&node, &node.holder, &new_key).unwrap();
    // Then that runs the node from now on, at no rent, and the old one can run another.
    let state = node_state(&world, &node);
    assert_eq!((state.node_key, state.accepted_at, state.status), (new_key.key(), now, node_status::ACTIVE));
    assert_eq!(lamports(&world, &at::key_marker(&node.key.key())), 0);
    assert_eq!(lamports(&world, &node.holder.key()), before);
    let other = world.add_node(1);
    world.rotate_node_key(&other, &other.holder, &node.key).unwrap();
    println!("rotate_node_key {} CU", rotated.compute_units_consumed);
}

#[test]
fn a_mistyped_key_is_repaired_by_a_key_that_signs() {
    // Given a licence that was bound to a key that nobody has.
    let mut world = World::with_nodes(1);
    let holder = someone(&mut world);
    world.fund_wallet(&holder, PRICE);
    world.buy_licence(&holder, 1, PRICE).unwrap();
    let licence = at::licence(&world.project, 1);
    let address = at::node(&licence);
    let node = NodeOf { holder, key: Wallet::new(), licence, node: address, tenure: at::tenure(&address, 1) };
    world.bind(&node).unwrap();
    // Then its holder repairs it, unless accepting is paused.
    let right = Wallet::new();
    let mut paused = world.clone();
    paused.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    assert_refused(paused.rotate_node_key(&node, &node.holder, &right), E::Paused);
    world.rotate_node_key(&node, &node.holder, &right).unwrap();
    assert_eq!(node_state(&world, &node).status, node_status::ACTIVE);
}

/// Defends I7: one key, one node.
#[test]
fn a_wrong_rotation_is_refused() {
    let base = World::with_nodes(2);
    let (node, other) = (base.nodes[0].clone(), base.nodes[1].clone());
    let key = Wallet::new();
    for thief in [&base.owner, &base.settler, &node.key, &other.holder] {
        let mut world = base.clone();
        world.svm.airdrop(thief);
        assert_refused(world.rotate_node_key(&node, thief, &key), E::NotHolderOrOperator);
    }
    let mut world = base.clone();
    assert_refused(world.rotate_node_key(&node, &node.holder, &other.key), IN_USE);
    assert_refused(world.rotate_node_key(&node, &node.holder, &node.key), IN_USE);
    assert_refused(world.rotate_node_key(&node, &node.holder, &node.holder), E::NodeKeyIsHolder);
    for marker in [None, Some(at::key_marker(&other.key.key()))] {
        let mut accounts = world.rotate_accounts(&node, &node.holder.key(), &key.key());
        accounts.old_marker = marker;
        let ix = network_ix(accounts, network::instruction::RotateNodeKey {});
        assert_refused(world.svm.send(&[ix], &[&node.holder, &key]), E::WrongKeyMarker);
    }
    // Without the new key's signature nobody takes a name that is not his.
    let mut ix = network_ix(
        world.rotate_accounts(&node, &node.holder.key(), &key.key()),
        network::instruction::RotateNodeKey {},
    );
    ix.accounts[1].is_signer = false;
    assert!(world.svm.send(&[ix], &[&node.holder]).is_err());
    // A pause stops no rotation away from a stolen key; the end of the tenure does.
    world.svm.edit(&at::network(), |network: &mut Network| network.paused = u32::MAX);
    world.clone().rotate_node_key(&node, &node.holder, &key).unwrap();
    world.unbind(&node).unwrap();
    assert_refused(world.rotate_node_key(&node, &node.holder, &key), E::NotBound);
}

/// Defends I5.
#[test]
fn claims_pay_the_payout_that_the_holder_named_last() {
    // Given a node to which an epoch owes something, and a wallet that its holder names.
    let mut world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &[POOL, 0]);
    let wallet = someone(&mut world);
    let account = world.fund_wallet(&wallet, 0);
    assert_refused(world.set_payout(&node, None, Pubkey::default()), E::ZeroKey);
    world.set_payout(&node, None, wallet.key()).unwrap();
    // When anybody claims, then the old account gets nothing and the new one all.
    assert_refused(world.claim(0, &[POOL, 0]), E::WrongPayoutAccount);
    let mut accounts = world.claim_accounts(&node);
    accounts.payout = account;
    let proof = world.tree(&[POOL, 0]).proof(0).unwrap();
    let ix = network_ix(accounts, network::instruction::Claim { cumulative: POOL, proof: proof.concat() });
    world.svm.send(&[ix], &[]).unwrap();
    assert_eq!(world.svm.tokens(&account), POOL);
}

#[test]
fn a_past_tenures_holder_still_names_its_payout_and_nobody_else_does() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    world.free(&node);
    let bought = sold(&mut world, &node, 2);
    world.bind_number(&bought, 2).unwrap();
    let wallet = Pubkey::new_unique();
    world.set_payout(&node, None, wallet).unwrap();
    assert_eq!(tenure_state(&world, &node.tenure).payout, at::ata(&wallet, &world.mint, &TOKEN));
    for thief in [&bought.holder, &node.key, &world.owner.clone()] {
        world.svm.airdrop(thief);
        let stolen = NodeOf { holder: thief.clone(), ..node.clone() };
        assert_refused(world.set_payout(&stolen, None, thief.key()), E::NotHolder);
    }
}

#[test]
fn an_operator_needs_a_share_that_the_payout_pays_him() {
    let mut world = World::with_nodes(2);
    let node = world.nodes[0].clone();
    let operator = Pubkey::new_unique();
    let split = world.create_split(&node.holder, 0, &[(node.holder.key(), 7_000), (operator, 3_000)]).unwrap();
    // Not before the split is the payout, not for more than it pays, not for a stranger to it.
    assert_refused(world.set_operator(&node, &split, operator, 3_000), E::OperatorShareMissing);
    world.set_payout(&node, None, split).unwrap();
    assert_refused(world.set_operator(&node, &split, operator, 3_001), E::OperatorShareMissing);
    assert_refused(world.set_operator(&node, &split, Pubkey::new_unique(), 1), E::OperatorShareMissing);
    // Not himself, nobody, or for nothing.
    let holder = node.holder.key();
    for (who, bps) in [(holder, 1), (Pubkey::default(), 1), (operator, 0), (operator, 10_001)] {
        assert_refused(world.set_operator(&node, &split, who, bps), E::OperatorInvalid);
    }
    // Not by anybody else.
    let thief = NodeOf { holder: world.nodes[1].holder.clone(), ..node.clone() };
    assert_refused(world.set_operator(&thief, &split, operator, 3_000), E::NotHolder);
    world.set_operator(&node, &split, operator, 3_000).unwrap();
    let tenure = tenure_state(&world, &node.tenure);
    assert_eq!((tenure.operator, tenure.operator_bps), (operator, 3_000));
    assert_refused(world.set_operator(&node, &split, operator, 1_000), E::TenureHasOperator);
}

/// Defends I42.
#[test]
fn what_an_operator_earned_cannot_be_taken_back() {
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let operator = world.add_operator(&node);
    let stranger = someone(&mut world);
    // The holder cannot pay himself alone, nor with a stranger's signature.
    assert_refused(world.set_payout(&node, None, node.holder.key()), E::OperatorMustSign);
    assert_refused(world.set_payout(&node, Some(&stranger), node.holder.key()), E::NotOperator);
    // Binding again he makes the next tenure, and the old one still pays the split.
    world.free(&node);
    assert_refused(world.bind(&node), E::TenureHasOperator);
    let next = NodeOf { tenure: at::tenure(&node.node, 2), ..node.clone() };
    world.bind_number(&next, 2).unwrap();
    let split = at::split(&node.holder.key(), 0);
    assert_eq!(tenure_state(&world, &node.tenure).payout_owner, split);
    assert_eq!(tenure_state(&world, &next.tenure).operator, Pubkey::default());
    // With the operator's signature, or once released, the payout changes.
    let mut signed = world.clone();
    signed.set_payout(&node, Some(&operator), node.holder.key()).unwrap();
    assert_refused(world.release_operator(&node, &stranger), E::NotOperator);
    world.release_operator(&node, &operator).unwrap();
    world.set_payout(&node, None, node.holder.key()).unwrap();
    assert_refused(world.release_operator(&node, &operator), E::NotOperator);
}

#[test]
fn an_operator_runs_the_node_and_takes_nothing() {
    // Given an operator's key in a thief's hands.
    let mut world = World::with_nodes(1);
    let node = world.nodes[0].clone();
    let operator = world.add_operator(&node);
    // Then he may change what runs, what is said of it, and when it rests,
    world.set_metadata(&node, &operator, [9; 32]).unwrap();
    assert_eq!(node_state(&world, &node).metadata_hash, [9; 32]);
    let start = world.svm.now() + 100;
    world.announce_maintenance(&node, &operator, start, start + 60).unwrap();
    world.rotate_node_key(&node, &operator, &Wallet::new()).unwrap();
    // but not unbind, not pay himself, not name another operator.
    let thief = NodeOf { holder: operator.clone(), ..node.clone() };
    assert_refused(world.unbind(&thief), E::NotHolder);
    assert_refused(world.set_payout(&thief, Some(&operator), operator.key()), E::NotHolder);
    let split = at::split(&node.holder.key(), 0);
    assert_refused(world.set_operator(&thief, &split, operator.key(), 3_000), E::NotHolder);
    // And the holder leaves without him.
    world.unbind(&node).unwrap();
    assert_refused(world.rotate_node_key(&node, &operator, &Wallet::new()), E::NotBound);
}

#[test]
fn only_who_runs_the_node_says_what_it_is() {
    let mut world = World::with_nodes(2);
    let (node, other) = (world.nodes[0].clone(), world.nodes[1].clone());
    world.set_metadata(&node, &node.holder, [8; 32]).unwrap();
    assert_eq!(node_state(&world, &node).metadata_hash, [8; 32]);
    assert_refused(world.set_metadata(&node, &other.holder, [9; 32]), E::NotHolderOrOperator);
    assert_refused(world.set_metadata(&node, &world.owner.clone(), [9; 32]), E::NotHolderOrOperator);
    // The holder of another tenure passes his own: it is not this node's.
    let foreign = NodeOf { tenure: other.tenure, ..node.clone() };
    assert_refused(world.set_metadata(&foreign, &other.holder, [9; 32]), E::WrongTenure);
    world.free(&node);
    assert_refused(world.set_metadata(&node, &node.holder, [9; 32]), E::NotBound);
}
