use muster_network::{
    self as network, NetworkError as E, OracleArg,
    state::{Network, OracleSet, Project},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

/// Makes right arguments wrong.
type Spoil<T> = Box<dyn Fn(&mut T)>;

#[test]
fn the_upgrade_authority_initialises_the_network_once() {
    // Given deployed programs and a mint.
    let mut world = World::bare();
    // When the upgrade authority initialises the network.
    world.initialize_network(world.network_args()).unwrap();
    // Then it stands as stated, and cannot be initialised again.
    let made: Network = world.svm.borsh(&at::network());
    assert_eq!(made.authority, world.authority.key());
    assert_eq!((made.fee_bps, made.epoch_len, made.bucket_len), (2_000, EPOCH_LEN, BUCKET_LEN));
    assert_eq!((made.allowed_mint_count, made.allowed_mints[0], made.job_mint), (1, world.mint, world.mint));
    assert_eq!(made.seq, 1);
    assert!(world.initialize_network(world.network_args()).is_err());
}

#[test]
fn nobody_else_initialises_the_network() {
    let mut world = World::bare();
    let thief = Wallet::new();
    let mut accounts = world.initialize_network_accounts();
    accounts.upgrade_authority = thief.key();
    let args = world.network_args();
    let ix = network_ix(accounts, network::instruction::InitializeNetwork { args });
    assert_refused(world.svm.send(&[ix], &[&thief]), E::NotUpgradeAuthority);
}

#[test]
fn another_programs_data_proves_no_upgrade_authority() {
    let mut world = World::bare();
    let mut accounts = world.initialize_network_accounts();
    accounts.program_data = program_data(&muster_jobs::ID);
    let args = world.network_args();
    let ix = network_ix(accounts, network::instruction::InitializeNetwork { args });
    let signer = world.upgrade_authority.clone();
    assert!(world.svm.send(&[ix], &[&signer]).is_err());
}

#[test]
fn a_network_out_of_bounds_is_refused() {
    let base = World::bare();
    let cases: Vec<(E, Spoil<network::InitializeNetworkArgs>)> = vec![
        (E::FeeTooHigh, Box::new(|args| args.fee_bps = 3_001)),
        (E::EpochLenOutOfRange, Box::new(|args| args.epoch_len = 0)),
        (E::EpochLenOutOfRange, Box::new(|args| args.epoch_len = 604_801)),
        (E::BucketMustDivideEpoch, Box::new(|args| args.bucket_len = 7)),
        (E::BucketMustDivideEpoch, Box::new(|args| args.bucket_len = 0)),
        (E::RootDelayTooLong, Box::new(|args| args.root_delay = 61)),
        (E::GraceTooLong, Box::new(|args| args.grace = EPOCH_LEN + 1)),
        (E::OracleSetDelayTooLong, Box::new(|args| args.oracle_set_delay = 0)),
        (E::HoldLimitOutOfRange, Box::new(|args| args.hold_limit = 0)),
        (E::HoldLimitOutOfRange, Box::new(|args| args.hold_limit = 604_801)),
        (E::OracleSetDelayTooLong, Box::new(|args| args.oracle_set_delay = args.hold_limit)),
        (E::ZeroKey, Box::new(|args| args.authority = Pubkey::default())),
        (E::ZeroKey, Box::new(|args| args.guardian = Pubkey::default())),
        (E::ZeroKey, Box::new(|args| args.treasury_owner = Pubkey::default())),
    ];
    for (expected, spoil) in cases {
        let mut world = base.clone();
        let mut args = world.network_args();
        spoil(&mut args);
        assert_refused(world.initialize_network(args), expected);
    }
}

#[test]
fn the_first_oracle_set_holds_at_once_and_the_next_waits() {
    // Given a network whose first set was named.
    let mut world = World::with_network();
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((set.count, set.threshold, set.set_version, set.pending_count), (3, 2, 1, 0));
    assert_eq!(set.oracles[1].url(), "http://127.0.0.1:9101");
    // When the authority names another.
    let next = vec![OracleArg { key: Pubkey::new_unique(), url: String::new() }];
    world.set_oracle_set(next.clone()).unwrap();
    // Then the first still holds, the second waits, and a third is refused meanwhile.
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((set.count, set.set_version, set.pending_count), (3, 1, 1));
    assert_eq!(set.pending_at, world.svm.now() + 60);
    assert_refused(world.set_oracle_set(next.clone()), E::OracleSetChangePending);
    // And after the timelock it takes over when it is named again, and not before.
    let now = world.svm.now();
    world.svm.set_time(now + 60);
    world.set_oracle_set(next.clone()).unwrap();
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((set.count, set.threshold, set.set_version, set.pending_count), (1, 1, 2, 0));
    assert_eq!(set.oracles[0].key, next[0].key);
    assert_eq!(set.oracles[1].key, Pubkey::default(), "nothing of the longer set remains");
}

#[test]
fn another_set_replaces_the_one_that_waits_and_starts_its_own_timelock() {
    let mut world = World::with_network();
    let named = || vec![OracleArg { key: Pubkey::new_unique(), url: String::new() }];
    world.set_oracle_set(named()).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + 30);
    world.set_oracle_set(named()).unwrap();
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((set.count, set.set_version, set.pending_count), (3, 1, 1));
    assert_eq!(set.pending_at, world.svm.now() + 60);
}

#[test]
fn a_set_that_waited_too_long_is_announced_again() {
    // Nobody arms a change long before he needs it: hold_limit after its timelock it has lapsed.
    let mut world = World::with_network();
    let next = vec![OracleArg { key: Pubkey::new_unique(), url: String::new() }];
    world.set_oracle_set(next.clone()).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + 60 + 3_600);
    world.set_oracle_set(next).unwrap();
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!((set.set_version, set.pending_count, set.pending_at), (1, 1, world.svm.now() + 60));
}

#[test]
fn votes_of_an_earlier_set_are_void() {
    // Given a settlement that the first set approved.
    let mut world = World::with_nodes(2);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    let pool = 800 * TOKEN_UNIT;
    world.settle(world.settle_args(epoch, 1_000 * TOKEN_UNIT)).unwrap();
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &[pool, 0])).unwrap();
    }
    // When the set changes before the activation.
    world.oracles.truncate(2);
    let next = world.oracle_args();
    world.set_oracle_set(next.clone()).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + 60);
    world.set_oracle_set(next).unwrap();
    // Then the root cannot be activated, and the new set decides anew.
    assert_refused(world.activate(epoch), E::OracleSetChangedSince);
    world.approve(0, world.approve_args(epoch, &[0, pool])).unwrap();
    assert_refused(world.activate(epoch), E::NotApproved);
    world.approve(1, world.approve_args(epoch, &[0, pool])).unwrap();
    let now = world.svm.now();
    world.svm.set_time(now + i64::from(ROOT_DELAY));
    world.activate(epoch).unwrap();
    world.claim(1, &[0, pool]).unwrap();
}

#[test]
fn only_the_authority_names_oracles() {
    let mut world = World::with_network();
    let thief = Wallet::new();
    let mut accounts = world.set_oracle_set_accounts();
    accounts.authority = thief.key();
    let oracles = world.oracle_args();
    let ix = network_ix(accounts, network::instruction::SetOracleSet { oracles });
    assert_refused(world.svm.send(&[ix], &[&thief]), E::NotAuthority);
}

#[test]
fn an_invalid_oracle_set_is_refused() {
    let mut world = World::with_network();
    let named = |key: Pubkey, url: &str| OracleArg { key, url: url.to_owned() };
    let twin = Pubkey::new_unique();
    let many = (0..17).map(|_| named(Pubkey::new_unique(), "")).collect();
    let cases = [
        (E::OracleCountOutOfRange, vec![]),
        (E::OracleCountOutOfRange, many),
        (E::OracleKeyInvalid, vec![named(Pubkey::default(), "")]),
        (E::OracleKeyInvalid, vec![named(twin, ""), named(twin, "")]),
        (E::OracleUrlTooLong, vec![named(twin, &"u".repeat(97))]),
    ];
    for (expected, oracles) in cases {
        assert_refused(world.set_oracle_set(oracles), expected);
    }
}

#[test]
fn a_project_starts_at_the_epoch_after_its_creation() {
    let mut world = World::with_network();
    world.create_project(world.project_args()).unwrap();
    let project: Project = world.svm.borsh(&world.project);
    assert_eq!(project.next_epoch, world.epoch() + 1);
    assert_eq!((project.name(), project.seq, project.leaf_count), ("Digits", 1, 0));
    assert_eq!(project.collection, at::collection(&world.project));
    let network: Network = world.svm.borsh(&at::network());
    assert_eq!(network.project_count, 1);
}

#[test]
fn an_invalid_project_is_refused() {
    let base = World::with_network();
    let cases: Vec<(E, Spoil<network::CreateProjectArgs>)> = vec![
        (E::ZeroKey, Box::new(|args| args.settler = Pubkey::default())),
        (E::SoldOut, Box::new(|args| args.licences_max = 0)),
        (E::SoldOut, Box::new(|args| args.licences_max = (1 << 20) + 1)),
        (E::FormulaInvalid, Box::new(|args| args.formula.w_uptime = 0)),
        (E::FormulaInvalid, Box::new(|args| args.formula.min_uptime_bps = 10_001)),
        (E::RewardModeUnknown, Box::new(|args| args.reward_mode = 2)),
        (E::TextInvalid, Box::new(|args| args.name = String::new())),
        (E::TextInvalid, Box::new(|args| args.name = "n".repeat(33))),
        (E::TextInvalid, Box::new(|args| args.name = "a\0b".to_owned())),
        (E::TextInvalid, Box::new(|args| args.uri = "u".repeat(129))),
    ];
    for (expected, spoil) in cases {
        let mut world = base.clone();
        let mut args = world.project_args();
        spoil(&mut args);
        assert_refused(world.create_project(args), expected);
    }
    let mut world = base.clone();
    let mut args = world.project_args();
    args.index = 1;
    let mut accounts = world.create_project_accounts();
    accounts.project = at::project(1);
    accounts.collection = at::collection(&accounts.project);
    accounts.collection_marker = at::collection_marker(&accounts.collection);
    accounts.distribution = at::distribution(&accounts.project);
    accounts.vault = at::vault(&accounts.distribution);
    accounts.budget_vault = at::budget_vault(&accounts.project);
    let owner = world.owner.clone();
    let ix = network_ix(accounts, network::instruction::CreateProject { args });
    assert_refused(world.svm.send(&[ix], &[&owner]), E::WrongSerial);
}

#[test]
fn a_mint_that_the_network_does_not_list_pays_no_project() {
    let base = World::with_network();
    let mut world = base.clone();
    let payer = world.svm.payer.clone();
    let other = litesvm_token::CreateMint::new(&mut world.svm.inner, payer.keypair()).send().unwrap();
    for field in ["reward", "payment"] {
        let mut accounts = world.create_project_accounts();
        match field {
            "reward" => accounts.reward_mint = other,
            _ => accounts.payment_mint = other,
        }
        let args = world.project_args();
        let owner = world.owner.clone();
        let ix = network_ix(accounts, network::instruction::CreateProject { args });
        assert_refused(world.svm.send(&[ix], &[&owner]), E::MintNotAllowed);
    }
}

#[test]
fn anyone_funds_a_project() {
    let mut world = World::with_project();
    let vault = at::budget_vault(&world.project);
    let before = world.svm.tokens(&vault);
    let source = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    world.fund_project(source, 7).unwrap();
    assert_eq!(world.svm.tokens(&vault), before + 7);
    assert_refused(world.fund_project(source, 0), E::ZeroAmount);
}

#[test]
fn funding_needs_the_funders_own_account_and_the_projects_vault() {
    let mut world = World::with_nodes(1);
    let owner = world.owner.clone();
    let stranger = at::ata(&world.nodes[0].holder.key(), &world.mint, &TOKEN);
    let ix = network_ix(world.fund_project_accounts(stranger), network::instruction::FundProject { amount: 1 });
    assert!(world.svm.send(&[ix], &[&owner]).is_err());
    let source = at::ata(&owner.key(), &world.mint, &TOKEN);
    let mut accounts = world.fund_project_accounts(source);
    accounts.budget_vault = at::treasury(&world.mint);
    let ix = network_ix(accounts, network::instruction::FundProject { amount: 1 });
    assert!(world.svm.send(&[ix], &[&owner]).is_err());
}
