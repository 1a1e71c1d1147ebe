use muster_network::{
    self as network, NetworkError as E,
    state::{EPOCH_NEVER, Node, Project, Tenure, node_status},
};
use muster_tests::world::*;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

/// A holder with a licence that is not bound yet.
fn with_licence() -> (World, NodeOf) {
    let mut world = World::with_project();
    let holder = Wallet::new();
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
    world.buy_licence(&holder, 0, PRICE).unwrap();
    let licence = at::licence(&world.project, 0);
    let node = at::node(&licence);
    let made = NodeOf { holder, key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) };
    (world, made)
}

fn bind_with(world: &mut World, node: &NodeOf, args: network::BindArgs) -> Outcome {
    let mut accounts = world.bind_accounts(node);
    accounts.key_marker = at::key_marker(&args.node_key);
    let ix = network_ix(accounts, network::instruction::Bind { args });
    world.svm.send(&[ix], &[&node.holder])
}

/// An instruction of Token-2022 with one byte tag and these accounts.
fn token_ix(data: Vec<u8>, accounts: Vec<AccountMeta>) -> Instruction {
    Instruction { program_id: TOKEN_2022, accounts, data }
}

#[test]
fn binding_freezes_the_licence_and_gives_the_tenure_a_leaf() {
    // Given a holder with a licence.
    let (mut world, node) = with_licence();
    // When the holder binds it and the node key accepts.
    world.bind(&node).unwrap();
    world.accept(&node).unwrap();
    // Then the licence is frozen, the node active, the tenure has the first leaf and the holder's payout account.
    let account = at::ata(&node.holder.key(), &node.licence, &TOKEN_2022);
    assert_eq!(world.svm.inner.get_account(&account).unwrap().data[108], 2, "frozen");
    let state: Node = world.svm.pod(&node.node);
    assert_eq!((state.status, state.accepted_at), (node_status::ACTIVE, world.svm.now()));
    assert_eq!((state.node_key, state.tenure, state.serial), (node.key.key(), node.tenure, 0));
    let tenure: Tenure = world.svm.pod(&node.tenure);
    assert_eq!((tenure.holder, tenure.leaf_index, tenure.number), (node.holder.key(), 0, 1));
    assert_eq!(tenure.payout, at::ata(&node.holder.key(), &world.mint, &TOKEN));
    assert_eq!((tenure.from_epoch, tenure.until_epoch), (world.epoch(), EPOCH_NEVER));
    let project: Project = world.svm.borsh(&world.project);
    assert_eq!(project.leaf_count, 1);
}

/// What the runtime takes for each bump that it tries when an address is derived.
const TRY_CU: u64 = 1_500;

/// Bumps that are tried in vain before an address is found: luck, which no change of the program changes.
fn vain_tries(seeds: &[&[u8]], program: &Pubkey) -> u64 {
    u64::from(255 - Pubkey::find_program_address(seeds, program).1)
}

#[test]
fn a_bind_and_its_accept_are_cheap() {
    let (mut world, node) = with_licence();
    let bound = world.bind(&node).unwrap().compute_units_consumed;
    let accepted = world.accept(&node).unwrap().compute_units_consumed;
    let marker = vain_tries(&[b"key", node.key.key().as_ref()], &network::ID);
    let payout = vain_tries(&[node.holder.key().as_ref(), TOKEN.as_ref(), world.mint.as_ref()], &ATA_PROGRAM);
    let tenure = vain_tries(&[b"tenure", node.node.as_ref(), &1_u32.to_le_bytes()], &network::ID);
    let vain = vain_tries(&[b"node", node.licence.as_ref()], &network::ID) + tenure + marker + payout;
    let (bind, accept) = (bound - vain * TRY_CU, accepted - marker * TRY_CU);
    println!("bind {bound} CU, accept {accepted} CU; without vain tries {bind} and {accept}");
    assert!(bind + accept <= 37_500, "{}", bind + accept);
}

#[test]
fn a_bound_licence_cannot_be_moved() {
    let (mut world, node) = with_licence();
    world.bind(&node).unwrap();
    let from = at::ata(&node.holder.key(), &node.licence, &TOKEN_2022);
    let mut data = vec![3];
    data.extend(1_u64.to_le_bytes());
    let accounts = vec![
        AccountMeta::new(from, false),
        AccountMeta::new(from, false),
        AccountMeta::new_readonly(node.holder.key(), true),
    ];
    assert!(world.svm.send(&[token_ix(data, accounts)], &[&node.holder]).is_err());
}

#[test]
fn a_licence_is_bound_once() {
    let (mut world, node) = with_licence();
    world.bind(&node).unwrap();
    assert_refused(world.bind(&node), E::AlreadyBound);
}

#[test]
fn a_licence_with_a_delegate_is_refused() {
    let (mut world, node) = with_licence();
    let account = at::ata(&node.holder.key(), &node.licence, &TOKEN_2022);
    let mut data = vec![4];
    data.extend(1_u64.to_le_bytes());
    let accounts = vec![
        AccountMeta::new(account, false),
        AccountMeta::new_readonly(Pubkey::new_unique(), false),
        AccountMeta::new_readonly(node.holder.key(), true),
    ];
    world.svm.send(&[token_ix(data, accounts)], &[&node.holder]).unwrap();
    assert_refused(world.bind(&node), E::LicenceDelegated);
}

#[test]
fn only_the_holder_binds() {
    let (mut world, node) = with_licence();
    let thief = Wallet::new();
    world.svm.airdrop(&thief);
    let mut accounts = world.bind_accounts(&node);
    accounts.holder = thief.key();
    let args = World::bind_args(&node);
    let ix = network_ix(accounts, network::instruction::Bind { args });
    assert!(world.svm.send(&[ix], &[&thief]).is_err());
}

#[test]
fn a_licence_that_was_sold_on_binds_for_its_new_holder_only() {
    let (mut world, node) = with_licence();
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    let payer = world.svm.payer.clone();
    litesvm_token::CreateAssociatedTokenAccount::new(&mut world.svm.inner, payer.keypair(), &node.licence)
        .owner(&buyer.key())
        .token_program_id(&TOKEN_2022)
        .send()
        .unwrap();
    let (from, to) =
        (at::ata(&node.holder.key(), &node.licence, &TOKEN_2022), at::ata(&buyer.key(), &node.licence, &TOKEN_2022));
    let mut data = vec![12];
    data.extend(1_u64.to_le_bytes());
    data.push(0);
    let accounts = vec![
        AccountMeta::new(from, false),
        AccountMeta::new_readonly(node.licence, false),
        AccountMeta::new(to, false),
        AccountMeta::new_readonly(node.holder.key(), true),
    ];
    world.svm.send(&[token_ix(data, accounts)], &[&node.holder]).unwrap();
    assert_refused(world.bind(&node), E::NotHolder);
    let sold = NodeOf { holder: buyer, ..node };
    world.bind(&sold).unwrap();
}

#[test]
fn a_bind_with_wrong_arguments_is_refused() {
    let (base, node) = with_licence();
    let right = World::bind_args(&node);
    let cases = [
        (E::ZeroKey, network::BindArgs { node_key: Pubkey::default(), ..right.clone() }),
        (E::NodeKeyIsHolder, network::BindArgs { node_key: node.holder.key(), ..right.clone() }),
        (E::ZeroKey, network::BindArgs { payout_owner: Pubkey::default(), ..right.clone() }),
    ];
    for (expected, args) in cases {
        assert_refused(bind_with(&mut base.clone(), &node, args), expected);
    }
    let second = NodeOf { tenure: at::tenure(&node.node, 2), ..node.clone() };
    let args = network::BindArgs { tenure_number: 2, ..right };
    assert_refused(bind_with(&mut base.clone(), &second, args), E::WrongTenureNumber);
}

#[test]
fn a_token_of_another_group_is_no_licence() {
    // Given a second project with a licence of its own.
    let mut world = World::with_project();
    let first = world.project;
    let mut args = world.project_args();
    args.index = 1;
    world.project = at::project(1);
    world.create_project(args).unwrap();
    let holder = Wallet::new();
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
    world.buy_licence(&holder, 0, PRICE).unwrap();
    let licence = at::licence(&world.project, 0);
    // When its holder binds it to the first project.
    world.project = first;
    let node = at::node(&licence);
    let foreign = NodeOf { holder, key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) };
    // Then it is no licence there.
    assert_refused(world.bind(&foreign), E::NotALicence);
}

#[test]
fn only_the_named_key_accepts_and_once() {
    let (mut world, node) = with_licence();
    world.bind(&node).unwrap();
    let stranger = NodeOf { key: Wallet::new(), ..node.clone() };
    assert_refused(world.accept(&stranger), E::WrongNodeKey);
    world.accept(&node).unwrap();
    assert!(world.accept(&node).is_err());
}

#[test]
fn one_key_runs_one_node() {
    let mut world = World::with_nodes(1);
    let holder = Wallet::new();
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
    world.buy_licence(&holder, 1, PRICE).unwrap();
    let licence = at::licence(&world.project, 1);
    let node = at::node(&licence);
    let key = world.nodes[0].key.clone();
    let second = NodeOf { holder, key, licence, node, tenure: at::tenure(&node, 1) };
    // Refused before the licence freezes for a key that can never accept.
    assert_refused(world.bind(&second), E::NodeKeyTaken);
}

#[test]
fn a_node_that_was_never_bound_cannot_be_accepted() {
    let (mut world, node) = with_licence();
    assert!(world.accept(&node).is_err());
}
