//! The network's cold keys: how they move, what each may do, and the most that a thief of one could.

use muster_jobs::JobsError;
use muster_network::{
    self as network, NetworkError as E, OracleArg,
    state::{Network, OracleSet, authority_role, pause},
};
use muster_tests::{
    cases::{self, Case},
    world::*,
};
use solana_sdk::{
    account::Account,
    instruction::{AccountMeta, Instruction},
    message::Message,
    pubkey::Pubkey,
};

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const HOLD_LIMIT: i64 = 3_600;
const TRANSACTION_LEN_MAX: usize = 1_232;

fn network_of(world: &World) -> Network {
    world.svm.borsh(&at::network())
}

fn funded(world: &mut World) -> Wallet {
    let wallet = Wallet::new();
    world.svm.airdrop(&wallet);
    wallet
}

fn wait(world: &mut World, seconds: i64) {
    let now = world.svm.now();
    world.svm.set_time(now + seconds);
}

// ---- roles ----

#[test]
fn each_role_moves_in_two_steps() {
    // Given a network whose roles are held by three keys.
    for role in [authority_role::AUTHORITY, authority_role::GUARDIAN, authority_role::TREASURY_OWNER] {
        let mut world = World::with_network();
        let treasury_owner = funded(&mut world);
        world.svm.edit(&at::network(), |network: &mut Network| network.treasury_owner = treasury_owner.key());
        let superior =
            if role == authority_role::TREASURY_OWNER { treasury_owner.clone() } else { world.authority.clone() };
        let (next, stranger) = (funded(&mut world), funded(&mut world));
        let holder = |network: Network| [network.authority, network.guardian, network.treasury_owner][role as usize];
        let former = holder(network_of(&world));
        // When the superior proposes another, then nothing has changed yet, and nobody else accepts.
        world.propose_authority(&superior, role, next.key()).unwrap();
        assert_eq!(holder(network_of(&world)), former);
        assert_refused(world.accept_authority(&stranger, role), E::NotProposed);
        for other in (0..3).filter(|other| *other != role) {
            assert_refused(world.accept_authority(&next, other), E::NotProposed);
        }
        // When he accepts, then the role is his, and cannot be accepted again.
        world.accept_authority(&next, role).unwrap();
        assert_eq!(holder(network_of(&world)), next.key());
        assert_refused(world.accept_authority(&next, role), E::NotProposed);
    }
}

#[test]
fn only_the_superior_proposes() {
    let mut world = World::with_network();
    let treasury_owner = funded(&mut world);
    world.svm.edit(&at::network(), |network: &mut Network| network.treasury_owner = treasury_owner.key());
    let (authority, guardian, thief) = (world.authority.clone(), world.guardian.clone(), funded(&mut world));
    for role in [authority_role::AUTHORITY, authority_role::GUARDIAN] {
        for signer in [&guardian, &treasury_owner, &thief] {
            assert_refused(world.propose_authority(signer, role, thief.key()), E::NotAuthority);
        }
    }
    // The treasury is not the authority's to give away.
    for signer in [&authority, &guardian, &thief] {
        let refused = world.propose_authority(signer, authority_role::TREASURY_OWNER, thief.key());
        assert_refused(refused, E::NotTreasuryOwner);
    }
    assert_refused(world.propose_authority(&authority, 3, thief.key()), E::UnknownRole);
    assert_refused(world.accept_authority(&thief, 3), E::UnknownRole);
}

#[test]
fn a_zero_key_withdraws_a_proposal_and_another_replaces_it() {
    let mut world = World::with_network();
    let authority = world.authority.clone();
    let (first, second) = (funded(&mut world), funded(&mut world));
    world.propose_authority(&authority, authority_role::GUARDIAN, first.key()).unwrap();
    world.propose_authority(&authority, authority_role::GUARDIAN, second.key()).unwrap();
    assert_refused(world.accept_authority(&first, authority_role::GUARDIAN), E::NotProposed);
    world.propose_authority(&authority, authority_role::GUARDIAN, Pubkey::default()).unwrap();
    assert_refused(world.accept_authority(&second, authority_role::GUARDIAN), E::NotProposed);
}

#[test]
fn authority_and_guardian_never_are_one_key() {
    let mut world = World::with_network();
    let (authority, guardian) = (world.authority.clone(), world.guardian.clone());
    world.svm.airdrop(&guardian);
    world.propose_authority(&authority, authority_role::AUTHORITY, guardian.key()).unwrap();
    assert_refused(world.accept_authority(&guardian, authority_role::AUTHORITY), E::AuthorityIsGuardian);
    world.propose_authority(&authority, authority_role::GUARDIAN, authority.key()).unwrap();
    assert_refused(world.accept_authority(&authority, authority_role::GUARDIAN), E::AuthorityIsGuardian);
    let mut bare = World::bare();
    let mut args = bare.network_args();
    args.guardian = args.authority;
    assert_refused(bare.initialize_network(args), E::AuthorityIsGuardian);
}

#[test]
fn a_guardian_whom_the_former_authority_proposed_is_nobodys() {
    let mut world = World::with_network();
    let authority = world.authority.clone();
    let (next, accomplice) = (funded(&mut world), funded(&mut world));
    world.propose_authority(&authority, authority_role::GUARDIAN, accomplice.key()).unwrap();
    world.propose_authority(&authority, authority_role::AUTHORITY, next.key()).unwrap();
    world.accept_authority(&next, authority_role::AUTHORITY).unwrap();
    assert_refused(world.accept_authority(&accomplice, authority_role::GUARDIAN), E::NotProposed);
}

// ---- durable nonces ----

/// An initialised nonce account of `authority`, and the instruction that advances it.
pub fn advance_nonce(world: &mut World, authority: &Wallet) -> Instruction {
    let address = Pubkey::new_unique();
    // The system program's layout: version 1, state 1, authority, nonce, fee.
    let data = [&[1, 0, 0, 0, 1, 0, 0, 0], authority.key().as_ref(), &[7; 32], &5_000u64.to_le_bytes()].concat();
    let account = Account { lamports: 1_000_000_000, data, owner: SYSTEM, executable: false, rent_epoch: 0 };
    world.svm.inner.set_account(address, account).unwrap();
    let accounts = vec![
        AccountMeta::new(address, false),
        AccountMeta::new_readonly(solana_sdk::pubkey!("SysvarRecentB1ockHashes11111111111111111111"), false),
        AccountMeta::new_readonly(authority.key(), true),
    ];
    Instruction { program_id: SYSTEM, accounts, data: 4u32.to_le_bytes().to_vec() }
}

#[test]
fn no_cold_key_signs_with_a_durable_nonce() {
    let mut tried = 0;
    for case in cases::all() {
        let Case { name, mut world, instruction, signers } = case;
        let cold = [world.authority.key(), world.guardian.key()];
        let by_cold_key = signers.iter().any(|signer| cold.contains(&signer.key()));
        let shows_instructions = instruction.accounts.iter().any(|meta| meta.pubkey == INSTRUCTIONS);
        assert!(shows_instructions || !by_cold_key, "{name} asks for no instructions sysvar");
        if !shows_instructions {
            continue;
        }
        tried += 1;
        let is_network = instruction.program_id == network::ID;
        let refusal = if is_network { u32::from(E::DurableNonce) } else { u32::from(JobsError::DurableNonce) };
        let signers: Vec<&Wallet> = signers.iter().collect();
        // Given a transaction that a nonce would keep alive for ever, it is refused;
        let payer = world.svm.payer.clone();
        let advance = advance_nonce(&mut world, &payer);
        let refused = world.svm.send(&[advance.clone(), instruction.clone()], &signers).expect_err(name);
        assert_eq!(refused.code(), Some(refusal), "{name}: {refused:?}");
        // so is another account in the sysvar's place;
        let mut forged = instruction.clone();
        for meta in forged.accounts.iter_mut().filter(|meta| meta.pubkey == INSTRUCTIONS) {
            meta.pubkey = payer.key();
        }
        let refused = world.svm.send(&[advance.clone(), forged], &signers).expect_err(name);
        assert_eq!(refused.code(), Some(anchor_lang::error::ErrorCode::ConstraintAddress.into()), "{name}");
        // an advance that comes later makes no transaction durable, and the instruction succeeds.
        world.svm.send(&[instruction, advance], &signers).expect(name);
    }
    assert!(tried > 10, "{tried} instructions");
}

// ---- fee ----

#[test]
fn a_fee_change_names_an_epoch_to_come_and_stays_under_the_cap() {
    let mut world = World::with_network();
    let epoch = world.epoch();
    assert_refused(world.set_fee(3_001, epoch + 1), E::FeeTooHigh);
    assert_refused(world.set_fee(1_000, epoch), E::FeeEpochPast);
    assert_refused(world.set_fee(1_000, 0), E::FeeEpochPast);
    world.set_fee(3_000, epoch + 2).unwrap();
    let network = network_of(&world);
    assert_eq!([epoch, epoch + 1, epoch + 2].map(|epoch| network.fee_bps_at(epoch)), [2_000, 2_000, 3_000]);
    // What has not begun is replaced, as often as one likes.
    world.set_fee(2_500, epoch + 1).unwrap();
    world.set_fee(1_500, epoch + 3).unwrap();
    let network = network_of(&world);
    assert_eq!([epoch + 1, epoch + 2, epoch + 3].map(|epoch| network.fee_bps_at(epoch)), [2_000, 2_000, 1_500]);
}

#[test]
fn the_fee_before_a_change_is_kept_for_seven_epochs() {
    // Given a fee that changed, and changes again as soon as it may.
    let mut world = World::with_network();
    let first = world.epoch() + 1;
    world.set_fee(1_000, first).unwrap();
    world.go_after(first + 5, i64::from(EPOCH_LEN) - 1);
    assert_eq!(world.epoch(), first + 6);
    assert_refused(world.set_fee(500, first + 20), E::FeeChangeTooSoon);
    let network = network_of(&world);
    assert_eq!((network.fee_bps_at(first - 1), network.fee_bps_at(first)), (2_000, 1_000));
    world.go_after(first + 6, 0);
    world.set_fee(500, first + 8).unwrap();
    // Then the second old fee is forgotten, and the first change holds until the second.
    let network = network_of(&world);
    assert_eq!((network.fee_bps_at(first), network.fee_bps_at(first + 8)), (1_000, 500));
}

#[test]
fn a_late_settlement_pays_the_fee_of_its_epoch() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    // When the fee changes after the epoch, before its settlement.
    let now = world.epoch();
    world.set_fee(3_000, now + 1).unwrap();
    world.go_after(now, 1);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    // Then it still pays 20 %.
    let settled: network::state::Epoch = world.svm.pod(&at::epoch(&world.project, epoch));
    assert_eq!((settled.fee_bps, settled.fee), (2_000, 200 * TOKEN_UNIT));
}

#[test]
fn only_the_authority_configures() {
    use network::instruction as data;
    let mut world = World::with_network();
    let mint = world.svm.add_mint("other");
    let thieves = [world.guardian.clone(), world.owner.clone(), world.oracles[0].clone()];
    world.svm.airdrop(&thieves[0]);
    for thief in thieves {
        let from_epoch = world.epoch() + 1;
        let job_mint = world.mint;
        let mut instructions = [
            network_ix(world.set_fee_accounts(), data::SetFee { fee_bps: 0, from_epoch }),
            network_ix(world.allow_mint_accounts(&mint), data::AllowMint {}),
            network_ix(world.forbid_mint_accounts(), data::ForbidMint { mint: job_mint }),
            network_ix(world.set_paused_accounts(), data::SetPaused { bits: 0 }),
        ];
        for instruction in &mut instructions {
            for meta in instruction.accounts.iter_mut().filter(|meta| meta.pubkey == world.authority.key()) {
                meta.pubkey = thief.key();
            }
            assert_refused(world.svm.send(std::slice::from_ref(instruction), &[&thief]), E::NotAuthority);
        }
    }
}

// ---- mints ----

#[test]
fn an_allowed_mint_gets_a_treasury_and_pays_projects() {
    let mut world = World::with_network();
    let mint = world.svm.add_mint("second");
    world.allow_mint(&mint).unwrap();
    let treasury = world.svm.inner.get_account(&at::treasury(&mint)).unwrap();
    assert_eq!((&treasury.data[..32], &treasury.data[32..64]), (mint.as_ref(), at::network().as_ref()));
    assert_refused(world.allow_mint(&mint), E::MintAllowedAlready);
    let mut accounts = world.create_project_accounts();
    accounts.reward_mint = mint;
    let owner = world.owner.clone();
    let args = world.project_args();
    let ix = network_ix(accounts, network::instruction::CreateProject { args });
    world.svm.send(&[ix], &[&owner]).unwrap();
}

#[test]
fn a_forbidden_mint_starts_no_project_and_ends_none() {
    // Given a project that sells in a second mint.
    let mut world = World::with_project();
    let mint = world.svm.add_mint("second");
    world.allow_mint(&mint).unwrap();
    let owner = world.owner.clone();
    let sale = network::instruction::SetSale { price: 5, licences_max: 10 };
    let ix = network_ix(world.set_sale_accounts(&mint), sale);
    world.svm.send(std::slice::from_ref(&ix), &[&owner]).unwrap();
    // When the mint is forbidden.
    world.forbid_mint(mint).unwrap();
    let network = network_of(&world);
    assert_eq!((network.allowed_mint_count, network.allowed_mints[1]), (1, Pubkey::default()));
    assert_refused(world.forbid_mint(mint), E::MintNotAllowed);
    // Then nothing new may use it,
    assert_refused(world.svm.send(&[ix], &[&owner]), E::MintNotAllowed);
    // the sale that there is goes on,
    let buyer = funded(&mut world);
    let source = world.add_tokens(&mint, &buyer.key(), 5);
    let mut accounts = world.buy_licence_accounts(&buyer.key(), 0);
    accounts.payment_mint = mint;
    accounts.payment_source = source;
    accounts.payment_destination = world.add_tokens(&mint, &owner.key(), 0);
    let ix = network_ix(accounts, network::instruction::BuyLicence { serial: 0, max_price: 5 });
    world.svm.send(&[ix], &[&buyer]).unwrap();
    // and it may be allowed again: its treasury is there already.
    world.allow_mint(&mint).unwrap();
}

#[test]
fn the_list_of_mints_ends_at_eight_and_keeps_the_job_mint() {
    let mut world = World::with_network();
    let job_mint = world.mint;
    assert_refused(world.forbid_mint(job_mint), E::JobMintStays);
    let mints: Vec<Pubkey> = (0..8).map(|number| world.svm.add_mint(&format!("mint {number}"))).collect();
    for mint in &mints[..7] {
        world.allow_mint(mint).unwrap();
    }
    assert_refused(world.allow_mint(&mints[7]), E::MintsFull);
    // One out of the middle makes room, and no other is lost.
    world.forbid_mint(mints[2]).unwrap();
    world.allow_mint(&mints[7]).unwrap();
    let network = network_of(&world);
    assert_eq!(network.allowed_mints[0], job_mint);
    let allowed: Vec<bool> = mints.iter().map(|mint| network.allows_mint(mint)).collect();
    assert_eq!(allowed, [true, true, false, true, true, true, true, true]);
}

#[test]
fn a_mint_that_others_can_tax_is_not_allowed() {
    let mut world = World::with_network();
    let mint = Pubkey::new_unique();
    let mut data = vec![0; 165];
    data[45] = 1; // initialised
    data.push(1); // an account of type mint
    data.extend([1, 0, 108, 0]); // transfer fee
    data.extend([0; 108]);
    let account = Account { lamports: 1_000_000_000, data, owner: TOKEN_2022, executable: false, rent_epoch: 0 };
    world.svm.inner.set_account(mint, account).unwrap();
    let mut accounts = world.allow_mint_accounts(&mint);
    accounts.token_program = TOKEN_2022;
    let authority = world.authority.clone();
    let ix = network_ix(accounts, network::instruction::AllowMint {});
    assert_refused(world.svm.send(&[ix], &[&authority]), E::MintExtensionRefused);
}

// ---- pauses ----

#[test]
fn the_authority_pauses_what_it_names_until_it_says_otherwise() {
    let mut world = World::with_nodes(1);
    let buyer = world.nodes[0].holder.clone();
    world.set_paused(pause::BUY | pause::SUBMIT).unwrap();
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::Paused);
    wait(&mut world, 100 * HOLD_LIMIT);
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::Paused);
    world.set_paused(pause::SUBMIT).unwrap();
    world.buy_licence(&buyer, 1, PRICE).unwrap();
    assert_refused(world.set_paused(1 << 7), E::UnknownPauseBit);
    assert_refused(world.guardian_pause(u32::MAX), E::UnknownPauseBit);
}

#[test]
fn a_guardian_pauses_once_for_a_limited_time() {
    let mut world = World::with_nodes(1);
    let buyer = world.nodes[0].holder.clone();
    world.guardian_pause(pause::BUY).unwrap();
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::Paused);
    // It may not follow on itself: not while it runs, nor for as long again.
    assert_refused(world.guardian_pause(pause::ALL), E::GuardianPauseTooSoon);
    wait(&mut world, HOLD_LIMIT);
    world.buy_licence(&buyer, 1, PRICE).unwrap();
    assert_refused(world.guardian_pause(pause::BUY), E::GuardianPauseTooSoon);
    wait(&mut world, HOLD_LIMIT - 1);
    assert_refused(world.guardian_pause(pause::BUY), E::GuardianPauseTooSoon);
    wait(&mut world, 1);
    world.guardian_pause(pause::BUY).unwrap();
    assert_refused(world.buy_licence(&buyer, 2, PRICE), E::Paused);
}

#[test]
fn ending_a_pause_early_renews_no_right() {
    for by_authority in [false, true] {
        let mut world = World::with_nodes(1);
        let buyer = world.nodes[0].holder.clone();
        world.guardian_pause(pause::BUY).unwrap();
        let until = network_of(&world).guardian_pause_until;
        wait(&mut world, 10);
        if by_authority {
            world.set_paused(0).unwrap()
        } else {
            world.guardian_pause(0).unwrap()
        };
        world.buy_licence(&buyer, 1, PRICE).unwrap();
        assert_eq!(network_of(&world).guardian_pause_until, until);
        world.svm.set_time(until + HOLD_LIMIT - 1);
        assert_refused(world.guardian_pause(pause::BUY), E::GuardianPauseTooSoon);
        world.svm.set_time(until + HOLD_LIMIT);
        world.guardian_pause(pause::BUY).unwrap();
    }
}

#[test]
fn a_stolen_guardian_stops_the_network_half_of_the_time_at_most() {
    let mut world = World::with_network();
    let (mut paused, mut seconds) = (0, 0);
    while seconds < 20 * HOLD_LIMIT {
        let _ = world.guardian_pause(pause::ALL);
        let network = network_of(&world);
        paused += i64::from(network.require_running(pause::BUY, world.svm.now()).is_err());
        wait(&mut world, 600);
        seconds += 600;
    }
    assert_eq!(paused * 600 * 2, seconds);
}

#[test]
fn only_the_guardian_pauses_as_guardian() {
    let mut world = World::with_network();
    let authority = world.authority.clone();
    let mut accounts = world.guardian_pause_accounts();
    accounts.guardian = authority.key();
    let ix = network_ix(accounts, network::instruction::GuardianPause { bits: pause::BUY });
    assert_refused(world.svm.send(&[ix], &[&authority]), E::NotGuardian);
}

// ---- treasury ----

#[test]
fn the_treasury_owner_withdraws_where_he_likes() {
    let mut world = World::with_network();
    let treasury = at::treasury(&world.mint);
    world.mint_to(&treasury, 100);
    let destination = world.fund_wallet(&Wallet::new(), 0);
    world.withdraw_treasury(destination, 60).unwrap();
    assert_eq!((world.svm.tokens(&treasury), world.svm.tokens(&destination)), (40, 60));
    assert_refused(world.withdraw_treasury(destination, 0), E::ZeroAmount);
    assert!(world.withdraw_treasury(destination, 41).is_err(), "more than there is");
    world.withdraw_treasury(destination, 40).unwrap();
    let same = anchor_lang::error::ErrorCode::ConstraintDuplicateMutableAccount;
    assert_refused(world.withdraw_treasury(treasury, 1), same);
}

#[test]
fn nobody_else_withdraws_the_treasury() {
    let mut world = World::with_network();
    world.mint_to(&at::treasury(&world.mint), 100);
    let treasury_owner = funded(&mut world);
    world.svm.edit(&at::network(), |network: &mut Network| network.treasury_owner = treasury_owner.key());
    for thief in [world.authority.clone(), world.owner.clone(), world.oracles[0].clone()] {
        let destination = world.fund_wallet(&thief, 0);
        let mut accounts = world.withdraw_treasury_accounts(destination);
        accounts.treasury_owner = thief.key();
        let ix = network_ix(accounts, network::instruction::WithdrawTreasury { amount: 1 });
        assert_refused(world.svm.send(&[ix], &[&thief]), E::NotTreasuryOwner);
    }
}

#[test]
fn the_treasury_owner_reaches_no_vault_but_the_treasury() {
    let mut world = World::with_project();
    let destination = world.fund_wallet(&Wallet::new(), 0);
    let vaults = [at::budget_vault(&world.project), at::vault(&at::distribution(&world.project)), at::bond_vault()];
    for vault in vaults {
        let mut accounts = world.withdraw_treasury_accounts(destination);
        accounts.treasury = vault;
        let authority = world.authority.clone();
        let ix = network_ix(accounts, network::instruction::WithdrawTreasury { amount: 1 });
        assert_refused(world.svm.send(&[ix], &[&authority]), anchor_lang::error::ErrorCode::ConstraintSeeds);
    }
}

// ---- oracles' addresses ----

fn urls(world: &World) -> Vec<String> {
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    set.active().iter().map(|oracle| oracle.url().to_owned()).collect()
}

#[test]
fn an_oracle_says_where_it_is_reached() {
    let mut world = World::with_network();
    let (oracle, stranger) = (world.oracles[1].clone(), funded(&mut world));
    world.set_oracle_url(&oracle, &"u".repeat(96)).unwrap();
    assert_eq!(urls(&world), ["http://127.0.0.1:9100", &"u".repeat(96), "http://127.0.0.1:9102"]);
    let set: OracleSet = world.svm.pod(&at::oracle_set());
    assert_eq!(set.set_version, 1, "votes stay");
    assert_refused(world.set_oracle_url(&oracle, &"u".repeat(97)), E::OracleUrlTooLong);
    assert_refused(world.set_oracle_url(&stranger, "http://phish"), E::NotOracle);
    world.set_oracle_url(&oracle, "short").unwrap();
    assert_eq!(urls(&world)[1], "short");
}

#[test]
fn a_set_named_without_urls_keeps_those_it_has() {
    // Given a change that drops one oracle, keeps one, moves one elsewhere and adds one.
    let mut world = World::with_network();
    let (kept, newcomer) = (world.oracles[2].clone(), funded(&mut world));
    let named = |key: Pubkey, url: &str| OracleArg { key, url: url.to_owned() };
    let next =
        vec![named(newcomer.key(), ""), named(kept.key(), ""), named(world.oracles[0].key(), "https://elsewhere")];
    world.set_oracle_set(next.clone()).unwrap();
    // When a kept oracle moves during the timelock.
    world.set_oracle_url(&kept, "https://moved").unwrap();
    assert_refused(world.set_oracle_url(&newcomer, "https://early"), E::NotOracle);
    wait(&mut world, 60);
    world.set_oracle_set(next).unwrap();
    // Then the same set is in force, with the newest address of each; the new oracle states its own.
    assert_eq!(urls(&world), ["", "https://moved", "https://elsewhere"]);
    world.set_oracle_url(&newcomer, "https://new").unwrap();
    assert_eq!(urls(&world)[0], "https://new");
}

#[test]
fn sixteen_oracles_fit_one_transaction() {
    let mut world = World::with_network();
    let oracles: Vec<Wallet> = (0..16).map(|_| funded(&mut world)).collect();
    let named: Vec<OracleArg> =
        oracles.iter().map(|oracle| OracleArg { key: oracle.key(), url: String::new() }).collect();
    let data = network::instruction::SetOracleSet { oracles: named.clone() };
    let ix = network_ix(world.set_oracle_set_accounts(), data);
    let message = Message::new(&[ix], Some(&world.svm.payer.key()));
    let len = 1 + 2 * 64 + message.serialize().len();
    assert!(len <= TRANSACTION_LEN_MAX, "{len} bytes");
    world.set_oracle_set(named.clone()).unwrap();
    wait(&mut world, 60);
    world.set_oracle_set(named).unwrap();
    for oracle in &oracles {
        world.set_oracle_url(oracle, &"u".repeat(96)).unwrap();
    }
    assert!(urls(&world).iter().all(|url| url.len() == 96));
}
