//! What a project's owner may do, when it takes effect, and what he can never take back.

use muster_network::{
    self as network, NetworkError as E,
    state::{PointsFormula, Project, pause},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const HOLD_LIMIT: i64 = 3_600;
const NOTICE: i64 = EPOCH_LEN as i64;

fn project_of(world: &World) -> Project {
    world.svm.borsh(&world.project)
}

fn funded(world: &mut World) -> Wallet {
    let wallet = Wallet::new();
    world.svm.airdrop(&wallet);
    world.fund_wallet(&wallet, 1_000 * TOKEN_UNIT);
    wallet
}

fn wait(world: &mut World, seconds: i64) {
    let now = world.svm.now();
    world.svm.set_time(now + seconds);
}

fn formula(w_uptime: u32) -> PointsFormula {
    PointsFormula { w_uptime, w_task: 1, cap: 10_000, min_uptime_bps: 5_000 }
}

/// Ends every epoch before `epoch` for the project.
fn settle_before(world: &mut World, epoch: u64) {
    world.close_views(epoch - 1);
    world.settle(World::empty_settle_args(epoch - 1)).unwrap();
}

// ---- owner and settler ----

#[test]
fn a_project_changes_hands_in_two_steps() {
    let mut world = World::with_project();
    let (next, stranger, buyer) = (funded(&mut world), funded(&mut world), funded(&mut world));
    world.announce_withdrawal(BUDGET).unwrap();
    world.propose_owner(next.key()).unwrap();
    assert_eq!(project_of(&world).owner, world.owner.key());
    assert_refused(world.accept_owner(&stranger), E::NotProposed);
    world.accept_owner(&next).unwrap();
    // Then prices go to the new owner, the former one has no say, and what he announced has lapsed.
    assert_refused(world.propose_owner(stranger.key()), E::NotProjectOwner);
    assert_refused(world.accept_owner(&next), E::NotProposed);
    world.owner = next.clone();
    let (account, before) = (at::ata(&next.key(), &world.mint, &TOKEN), 1_000 * TOKEN_UNIT);
    world.buy_licence(&buyer, 0, PRICE).unwrap();
    assert_eq!(world.svm.tokens(&account), before + PRICE);
    wait(&mut world, NOTICE);
    assert_refused(world.withdraw_budget(account, 1), E::WithdrawalNotDue);
}

#[test]
fn a_proposed_owner_can_be_taken_back() {
    let mut world = World::with_project();
    let next = funded(&mut world);
    world.propose_owner(next.key()).unwrap();
    world.propose_owner(Pubkey::default()).unwrap();
    assert_refused(world.accept_owner(&next), E::NotProposed);
}

#[test]
fn a_replaced_settler_settles_nothing_more() {
    let mut world = World::with_nodes(1);
    let (former, next) = (world.settler.clone(), funded(&mut world));
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    assert_refused(world.set_settler(Pubkey::default()), E::ZeroKey);
    world.set_settler(next.key()).unwrap();
    assert_refused(world.settle(world.settle_args(epoch, BUDGET)), E::NotSettler);
    world.settler = next;
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    assert_ne!(project_of(&world).settler, former.key());
}

#[test]
fn nobody_but_the_owner_rules_a_project() {
    use network::instruction as data;
    let mut world = World::with_project();
    let (project, key) = (world.project, Pubkey::new_unique());
    world.create_pool(World::create_pool_args(0)).unwrap();
    world.announce_withdrawal(1).unwrap();
    let destination = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    let mint = world.mint;
    let instructions = |world: &World| {
        [
            network_ix(world.propose_owner_accounts(), data::ProposeOwner { key }),
            network_ix(world.set_settler_accounts(), data::SetSettler { settler: key }),
            network_ix(world.set_formula_accounts(), data::SetFormula { formula: formula(1) }),
            network_ix(world.set_max_epoch_budget_accounts(), data::SetMaxEpochBudget { amount: 1 }),
            network_ix(world.set_sale_accounts(&mint), data::SetSale { price: 0, licences_max: 1 }),
            network_ix(world.announce_withdrawal_accounts(), data::AnnounceWithdrawal { amount: 1 }),
            network_ix(world.withdraw_budget_accounts(destination), data::WithdrawBudget { amount: 1 }),
            network_ix(world.close_project_accounts(), data::CloseProject {}),
            network_ix(world.gift_licence_accounts(&key, 0), data::GiftLicence { serial: 0 }),
            network_ix(world.create_pool_accounts(1), data::CreatePool { args: World::create_pool_args(1) }),
            network_ix(world.close_pool_accounts(0), data::ClosePool {}),
            network_ix(world.set_pool_capacity_accounts(0), data::SetPoolCapacity { capacity: 1 }),
        ]
    };
    for thief in [world.settler.clone(), world.authority.clone(), world.oracles[0].clone()] {
        let mut spoilt = world.clone();
        spoilt.owner = thief.clone();
        for instruction in instructions(&spoilt) {
            assert_refused(spoilt.svm.send(&[instruction], &[&thief]), E::NotProjectOwner);
        }
    }
    assert_eq!(project_of(&world).owner, world.owner.key());
    assert_eq!(world.project, project);
}

// ---- formula and max_epoch_budget ----

#[test]
fn a_formula_holds_from_the_next_epoch() {
    let mut world = World::with_project();
    let (epoch, old) = (world.epoch(), project_of(&world).formula);
    world.set_formula(formula(1)).unwrap();
    let project = project_of(&world);
    assert_eq!((project.formula_at(epoch), project.formula_at(epoch + 1)), (old, formula(1)));
    // Before it begins it is replaced, and the old one stays what it was.
    world.set_formula(formula(2)).unwrap();
    let project = project_of(&world);
    assert_eq!((project.formula_at(epoch), project.formula_at(epoch + 1)), (old, formula(2)));
    for spoilt in
        [PointsFormula { w_uptime: 0, w_task: 0, ..formula(1) }, PointsFormula { min_uptime_bps: 10_001, ..formula(1) }]
    {
        assert_refused(world.set_formula(spoilt), E::FormulaInvalid);
    }
}

#[test]
fn no_change_touches_an_epoch_that_can_still_be_settled() {
    // Given a project whose formula and budget changed at its second epoch.
    let mut world = World::with_nodes(1);
    let first = world.epoch() + 1;
    let (old, old_max) = (project_of(&world).formula, MAX_BUDGET);
    world.go_after(first - 1, 1);
    world.set_formula(formula(1)).unwrap();
    world.set_max_epoch_budget(7).unwrap();
    world.go_after(first, 1);
    // When its first epoch is over and unsettled, then neither changes a second time,
    assert_refused(world.set_formula(formula(2)), E::ChangePending);
    assert_refused(world.set_max_epoch_budget(8), E::ChangePending);
    // not even while it is settled and waits for the oracles;
    world.close_views(first);
    let mut tried = world.clone();
    tried.settle(tried.settle_args(first, BUDGET)).unwrap();
    assert_refused(tried.set_formula(formula(2)), E::ChangePending);
    assert_eq!((project_of(&world).formula_at(first), project_of(&world).max_budget_at(first)), (old, old_max));
    // once it is final, both do, and what held in between holds.
    world.settle(World::empty_settle_args(first)).unwrap();
    world.set_formula(formula(2)).unwrap();
    world.set_max_epoch_budget(8).unwrap();
    let (project, next) = (project_of(&world), world.epoch() + 1);
    assert_eq!((project.formula_at(next - 1), project.formula_at(next)), (formula(1), formula(2)));
    assert_eq!((project.max_budget_at(next - 1), project.max_budget_at(next)), (7, 8));
}

#[test]
fn every_answer_for_an_unsettled_epoch_stays_the_same() {
    // Whatever the owner tries in whatever order, what an epoch was told once, it is told again.
    let mut world = World::with_project();
    let start = world.epoch();
    let mut told: Vec<(u64, PointsFormula, u64)> = Vec::new();
    let mut changes = 0;
    for step in 0..60u32 {
        let accepted = world.set_formula(formula(step + 1)).is_ok();
        let _ = world.set_max_epoch_budget(u64::from(step));
        changes += u32::from(accepted);
        if step % 3 == 0 {
            let ended = world.epoch();
            world.go_after(ended, 1);
        }
        if step % 7 == 6 {
            let epoch = world.epoch();
            settle_before(&mut world, epoch);
        }
        let project = project_of(&world);
        told.retain(|(epoch, _, _)| *epoch >= project.next_epoch);
        for (epoch, formula, budget) in &told {
            assert_eq!((project.formula_at(*epoch), project.max_budget_at(*epoch)), (*formula, *budget), "{epoch}");
        }
        let current = world.epoch();
        let known: Vec<u64> = told.iter().map(|(epoch, _, _)| *epoch).collect();
        for epoch in (project.next_epoch.max(start)..=current).filter(|epoch| !known.contains(epoch)) {
            told.push((epoch, project.formula_at(epoch), project.max_budget_at(epoch)));
        }
    }
    assert!(changes > 8, "{changes} changes");
}

#[test]
fn a_higher_budget_pays_no_epoch_that_began_before_it() {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    world.go_after(epoch - 1, 1);
    world.set_max_epoch_budget(MAX_BUDGET + 1).unwrap();
    world.close_views(epoch);
    assert_refused(world.settle(world.settle_args(epoch, MAX_BUDGET + 1)), E::BudgetAboveMax);
    let mut next = world.clone();
    next.close_views(epoch + 1);
    next.settle(next.settle_args(epoch + 1, MAX_BUDGET + 1)).unwrap();
    world.settle(world.settle_args(epoch, MAX_BUDGET)).unwrap();
}

// ---- sale ----

#[test]
fn a_sale_changes_at_once_and_deceives_no_buyer() {
    let mut world = World::with_project();
    let (buyer, owner) = (funded(&mut world), world.owner.clone());
    // When the price rises while a buyer is on his way, then he buys nothing.
    world.set_sale(PRICE + 1, 1_000).unwrap();
    assert_refused(world.buy_licence(&buyer, 0, PRICE), E::PriceTooHigh);
    world.buy_licence(&buyer, 0, PRICE + 1).unwrap();
    // When the same number means tokens of another mint, then he buys nothing either.
    let mint = world.svm.add_mint("dear");
    world.allow_mint(&mint).unwrap();
    let sale = network::instruction::SetSale { price: PRICE, licences_max: 1_000 };
    world.svm.send(&[network_ix(world.set_sale_accounts(&mint), sale)], &[&owner]).unwrap();
    assert!(world.buy_licence(&buyer, 1, PRICE).is_err());
    assert_eq!(project_of(&world).licences_sold, 1);
}

#[test]
fn the_number_of_licences_grows_and_shrinks_down_to_what_is_sold() {
    let mut world = World::with_network();
    let mut args = world.project_args();
    args.licences_max = 1;
    world.create_project(args).unwrap();
    let owner = world.owner.clone();
    world.fund_wallet(&owner, 0);
    let buyer = funded(&mut world);
    world.buy_licence(&buyer, 0, PRICE).unwrap();
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::SoldOut);
    world.set_sale(PRICE, 3).unwrap();
    world.buy_licence(&buyer, 1, PRICE).unwrap();
    assert_refused(world.set_sale(PRICE, 1), E::LicencesMaxOutOfRange);
    world.set_sale(PRICE, 2).unwrap();
    assert_refused(world.buy_licence(&buyer, 2, PRICE), E::SoldOut);
    assert_refused(world.set_sale(PRICE, network::LEAVES_MAX + 1), E::LicencesMaxOutOfRange);
    world.set_sale(PRICE, network::LEAVES_MAX).unwrap();
    let mut unsold = World::with_project();
    assert_refused(unsold.set_sale(PRICE, 0), E::LicencesMaxOutOfRange);
}

#[test]
fn a_sale_takes_no_mint_that_the_network_does_not_list() {
    let mut world = World::with_project();
    let (mint, owner) = (world.svm.add_mint("unlisted"), world.owner.clone());
    let sale = network::instruction::SetSale { price: PRICE, licences_max: 1_000 };
    let ix = network_ix(world.set_sale_accounts(&mint), sale);
    assert_refused(world.svm.send(&[ix], &[&owner]), E::MintNotAllowed);
}

// ---- withdrawal ----

#[test]
fn budget_leaves_after_an_epochs_notice_and_no_more_than_announced() {
    let mut world = World::with_project();
    let vault = at::budget_vault(&world.project);
    let destination = world.fund_wallet(&Wallet::new(), 0);
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalNotDue);
    world.announce_withdrawal(100).unwrap();
    wait(&mut world, NOTICE - 1);
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalNotDue);
    wait(&mut world, 1);
    assert_refused(world.withdraw_budget(destination, 0), E::ZeroAmount);
    assert_refused(world.withdraw_budget(destination, 101), E::WithdrawalTooLarge);
    let before = world.svm.tokens(&vault);
    world.withdraw_budget(destination, 60).unwrap();
    assert_refused(world.withdraw_budget(destination, 41), E::WithdrawalTooLarge);
    world.withdraw_budget(destination, 40).unwrap();
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalTooLarge);
    assert_eq!((world.svm.tokens(&vault), world.svm.tokens(&destination)), (before - 100, 100));
}

#[test]
fn an_announced_withdrawal_lapses_and_is_replaced() {
    let mut world = World::with_project();
    let destination = world.fund_wallet(&Wallet::new(), 0);
    world.announce_withdrawal(100).unwrap();
    wait(&mut world, NOTICE + HOLD_LIMIT - 1);
    world.withdraw_budget(destination, 1).unwrap();
    wait(&mut world, 1);
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalNotDue);
    // Announced again it waits again, also when the first is still due.
    world.announce_withdrawal(100).unwrap();
    wait(&mut world, NOTICE);
    world.announce_withdrawal(200).unwrap();
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalNotDue);
    world.announce_withdrawal(0).unwrap();
    wait(&mut world, NOTICE);
    assert_refused(world.withdraw_budget(destination, 1), E::WithdrawalTooLarge);
}

#[test]
fn a_withdrawal_reaches_no_settled_budget() {
    // Given a stolen owner's key that announces everything there is, and an epoch that is settled meanwhile.
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    world.announce_withdrawal(u64::MAX).unwrap();
    wait(&mut world, NOTICE);
    // Then he gets what is not settled, and the nodes get theirs.
    let destination = world.fund_wallet(&Wallet::new(), 0);
    let vault = at::budget_vault(&world.project);
    let left = world.svm.tokens(&vault);
    assert_refused(world.withdraw_budget(destination, left + 1), E::BudgetUnfunded);
    world.withdraw_budget(destination, left).unwrap();
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &[POOL])).unwrap();
    }
    wait(&mut world, i64::from(ROOT_DELAY));
    world.activate(epoch).unwrap();
    world.claim(0, &[POOL]).unwrap();
}

// ---- closing ----

#[test]
fn a_closed_project_begins_nothing_and_ends_everything() {
    // Given a project with a node in a pool, a settled epoch and an unbound licence.
    let mut world = World::with_nodes(1);
    world.create_pool(World::create_pool_args(0)).unwrap();
    let (buyer, owner) = (funded(&mut world), world.owner.clone());
    world.buy_licence(&buyer, 1, PRICE).unwrap();
    let licence = at::licence(&world.project, 1);
    let node = at::node(&licence);
    let unbound = NodeOf { holder: buyer.clone(), key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) };
    let epoch = world.epoch() + 1;
    world.close_views(epoch);
    world.settle(world.settle_args(epoch, BUDGET)).unwrap();
    // When its owner closes it.
    world.close_project().unwrap();
    assert_refused(world.close_project(), E::ProjectClosed);
    // Then nothing new begins,
    assert_refused(world.buy_licence(&buyer, 2, PRICE), E::ProjectClosed);
    assert_refused(world.gift_licence(&buyer.key(), 2), E::ProjectClosed);
    assert_refused(world.bind(&unbound), E::ProjectClosed);
    let source = at::ata(&owner.key(), &world.mint, &TOKEN);
    assert_refused(world.fund_project(source, 1), E::ProjectClosed);
    assert_refused(world.set_sale(PRICE, 1_000), E::ProjectClosed);
    assert_refused(world.create_pool(World::create_pool_args(1)), E::ProjectClosed);
    let bound = world.nodes[0].clone();
    assert_refused(world.join_pool(&bound, 0), E::ProjectClosed);
    // what was earned is paid, the epoch that runs out is settled too,
    for oracle in 0..2 {
        world.approve(oracle, world.approve_args(epoch, &[POOL])).unwrap();
    }
    wait(&mut world, i64::from(ROOT_DELAY));
    world.activate(epoch).unwrap();
    world.claim(0, &[POOL]).unwrap();
    world.close_views(epoch + 1);
    world.settle(world.settle_args(epoch + 1, BUDGET)).unwrap();
    // and the rest of the budget goes back, paused or not.
    world.set_paused(pause::ALL).unwrap();
    world.announce_withdrawal(10).unwrap();
    wait(&mut world, NOTICE);
    world.withdraw_budget(source, 10).unwrap();
}

// ---- gifts ----

#[test]
fn a_gift_costs_the_recipient_nothing_and_is_a_licence_like_any() {
    let mut world = World::with_project();
    let recipient = Wallet::new();
    let owner_account = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    let before = world.svm.tokens(&owner_account);
    let given = world.gift_licence(&recipient.key(), 0).unwrap();
    println!("gift_licence: {} CU", given.compute_units_consumed);
    let licence = at::licence(&world.project, 0);
    assert_eq!(world.svm.tokens(&at::ata(&recipient.key(), &licence, &TOKEN_2022)), 1);
    let mint = world.svm.inner.get_account(&licence).unwrap().data;
    assert_eq!(mint[0..4], [0; 4], "no mint authority");
    assert_eq!((world.svm.tokens(&owner_account), project_of(&world).licences_sold), (before, 1));
    // Its holder binds it, and the next one is sold under the next number.
    world.svm.airdrop(&recipient);
    let node = at::node(&licence);
    let bound = NodeOf { holder: recipient, key: Wallet::new(), licence, node, tenure: at::tenure(&node, 1) };
    world.bind(&bound).unwrap();
    world.accept(&bound).unwrap();
    let buyer = funded(&mut world);
    world.buy_licence(&buyer, 1, PRICE).unwrap();
}

#[test]
fn gifts_obey_the_order_the_number_and_the_pause() {
    let mut world = World::with_network();
    let mut args = world.project_args();
    args.licences_max = 1;
    world.create_project(args).unwrap();
    let recipient = Pubkey::new_unique();
    assert_refused(world.gift_licence(&recipient, 1), E::WrongSerial);
    assert_refused(world.gift_licence(&Pubkey::default(), 0), E::ZeroKey);
    world.set_paused(pause::BUY).unwrap();
    assert_refused(world.gift_licence(&recipient, 0), E::Paused);
    world.set_paused(0).unwrap();
    world.gift_licence(&recipient, 0).unwrap();
    assert_refused(world.gift_licence(&recipient, 1), E::SoldOut);
}

#[test]
fn licences_of_another_standard_are_neither_sold_nor_given() {
    let mut world = World::with_project();
    let buyer = funded(&mut world);
    let external = network::state::licence_standard::TOKEN_2022 + 1;
    world.svm.edit(&world.project.clone(), |project: &mut Project| project.standard = external);
    assert_refused(world.buy_licence(&buyer, 0, PRICE), E::WrongStandard);
    assert_refused(world.gift_licence(&buyer.key(), 0), E::WrongStandard);
    assert_refused(world.set_sale(PRICE, 1_000), E::WrongStandard);
}
