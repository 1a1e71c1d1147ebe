use muster_network::{self as network, NetworkError as E, state::Project};
use muster_tests::world::*;

fn buyer(world: &mut World) -> Wallet {
    let buyer = Wallet::new();
    world.svm.airdrop(&buyer);
    world.fund_wallet(&buyer, 1_000 * TOKEN_UNIT);
    buyer
}

#[test]
fn a_buyer_pays_the_owner_and_gets_the_one_token() {
    // Given a project and a buyer with tokens.
    let mut world = World::with_project();
    let buyer = buyer(&mut world);
    let owner_account = at::ata(&world.owner.key(), &world.mint, &TOKEN);
    let before = world.svm.tokens(&owner_account);
    // When the buyer buys the first licence.
    let paid = world.buy_licence(&buyer, 0, PRICE).unwrap();
    // Then the price went to the owner, and the licence's only token to the buyer; nobody can mint more.
    assert_eq!(world.svm.tokens(&owner_account), before + PRICE);
    let licence = at::licence(&world.project, 0);
    assert_eq!(world.svm.tokens(&at::ata(&buyer.key(), &licence, &TOKEN_2022)), 1);
    let mint = world.svm.inner.get_account(&licence).unwrap().data;
    assert_eq!(u64::from_le_bytes(mint[36..44].try_into().unwrap()), 1, "supply");
    assert_eq!(mint[0..4], [0; 4], "no mint authority");
    assert_eq!(mint[50..82], world.project.to_bytes(), "the project freezes");
    let project: Project = world.svm.borsh(&world.project);
    assert_eq!(project.licences_sold, 1);
    println!("buy_licence: {} CU", paid.compute_units_consumed);
}

#[test]
fn the_price_cannot_exceed_the_buyers_maximum() {
    let mut world = World::with_project();
    let buyer = buyer(&mut world);
    assert_refused(world.buy_licence(&buyer, 0, PRICE - 1), E::PriceTooHigh);
}

#[test]
fn licences_are_sold_in_order_until_none_is_left() {
    let mut world = World::with_network();
    let mut args = world.project_args();
    args.licences_max = 1;
    world.create_project(args).unwrap();
    let owner = world.owner.clone();
    world.fund_wallet(&owner, 0);
    let buyer = buyer(&mut world);
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::WrongSerial);
    world.buy_licence(&buyer, 0, PRICE).unwrap();
    assert!(world.buy_licence(&buyer, 0, PRICE).is_err(), "the licence exists");
    assert_refused(world.buy_licence(&buyer, 1, PRICE), E::SoldOut);
}

#[test]
fn the_payment_reaches_nobody_but_the_owner() {
    let mut world = World::with_project();
    let buyer = buyer(&mut world);
    let other = Wallet::new();
    let others = world.fund_wallet(&other, 0);
    let mut accounts = world.buy_licence_accounts(&buyer.key(), 0);
    accounts.payment_destination = others;
    let ix = network_ix(accounts, network::instruction::BuyLicence { serial: 0, max_price: PRICE });
    assert!(world.svm.send(&[ix], &[&buyer]).is_err());
    // Nor an account of the owner's where he does not look.
    let payer = world.svm.payer.clone();
    let hidden = litesvm_token::CreateAccount::new(&mut world.svm.inner, payer.keypair(), &world.mint)
        .owner(&world.owner.key())
        .send()
        .unwrap();
    let mut accounts = world.buy_licence_accounts(&buyer.key(), 0);
    accounts.payment_destination = hidden;
    let ix = network_ix(accounts, network::instruction::BuyLicence { serial: 0, max_price: PRICE });
    assert_refused(world.svm.send(&[ix], &[&buyer]), E::WrongPaymentAccount);
}

#[test]
fn an_owner_cannot_pay_a_price_to_himself() {
    let mut world = World::with_project();
    let owner = world.owner.clone();
    // Source and destination would be one account, which Anchor refuses to see twice as writable.
    assert_refused(
        world.buy_licence(&owner, 0, PRICE),
        anchor_lang::error::ErrorCode::ConstraintDuplicateMutableAccount,
    );
}

#[test]
fn a_buyer_without_the_price_gets_nothing() {
    let mut world = World::with_project();
    let poor = Wallet::new();
    world.svm.airdrop(&poor);
    world.fund_wallet(&poor, PRICE - 1);
    assert!(world.buy_licence(&poor, 0, PRICE).is_err());
    assert!(world.svm.inner.get_account(&at::licence(&world.project, 0)).is_none());
}

#[test]
fn a_foreign_collection_sells_no_licence_of_the_project() {
    let mut world = World::with_project();
    let buyer = buyer(&mut world);
    let mut accounts = world.buy_licence_accounts(&buyer.key(), 0);
    accounts.collection = world.mint;
    let ix = network_ix(accounts, network::instruction::BuyLicence { serial: 0, max_price: PRICE });
    assert!(world.svm.send(&[ix], &[&buyer]).is_err());
}
