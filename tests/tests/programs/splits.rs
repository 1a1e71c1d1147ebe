//! Splits: who gets what of a payout.

use muster_network::{self as network, NetworkError as E, state::Split};
use muster_tests::world::*;
use proptest::prelude::*;
use solana_sdk::pubkey::Pubkey;

/// A world with wallets that have token accounts.
fn with_recipients(count: usize) -> (World, Vec<Wallet>) {
    let mut world = World::with_project();
    let wallets: Vec<Wallet> = (0..count).map(|index| Wallet::named(&format!("recipient {index}"))).collect();
    for wallet in &wallets {
        world.fund_wallet(wallet, 0);
    }
    (world, wallets)
}

fn shares(wallets: &[Wallet], bps: &[u16]) -> Vec<(Pubkey, u16)> {
    wallets.iter().map(Wallet::key).zip(bps.iter().copied()).collect()
}

/// What anybody sends to a split.
fn pay(world: &mut World, split: &Pubkey, amount: u64) {
    let vault = at::ata(split, &world.mint, &TOKEN);
    let payer = world.svm.payer.clone();
    litesvm_token::MintTo::new(&mut world.svm.inner, payer.keypair(), &world.mint, &vault, amount)
        .send()
        .expect("tokens are minted");
}

#[test]
fn a_split_pays_each_recipient_his_share_of_all_that_came_in() {
    // Given a split of three between which 101 base units came in.
    let (mut world, wallets) = with_recipients(3);
    let owner = world.owner.clone();
    let split = world.create_split(&owner, 7, &shares(&wallets, &[5_000, 3_333, 1_667])).unwrap();
    pay(&mut world, &split, 101);
    // When two are paid, more comes in, and all are paid.
    let balance = |world: &World, index: usize| world.svm.tokens(&at::ata(&wallets[index].key(), &world.mint, &TOKEN));
    let paid = world.release(&split, &wallets[0].key(), 0).unwrap();
    world.release(&split, &wallets[1].key(), 1).unwrap();
    assert_eq!((balance(&world, 0), balance(&world, 1)), (50, 33));
    pay(&mut world, &split, 99);
    for (index, wallet) in wallets.iter().enumerate() {
        world.release(&split, &wallet.key(), index as u8).unwrap();
    }
    // Then each has his share of 200, rounded down, and the split remembers.
    assert_eq!([0, 1, 2].map(|index| balance(&world, index)), [100, 66, 33]);
    let state: Split = world.svm.pod(&split);
    assert_eq!((state.released_total, state.count, state.id, state.seq), (199, 3, 7, 6));
    assert_refused(world.release(&split, &wallets[2].key(), 2), E::NothingToRelease);
    println!("release {} CU", paid.compute_units_consumed);
}

#[test]
fn a_wrong_split_is_refused() {
    let (mut world, wallets) = with_recipients(9);
    let owner = world.owner.clone();
    let keys = shares(&wallets, &[1_112, 1_111, 1_111, 1_111, 1_111, 1_111, 1_111, 1_111, 1_111]);
    let own = at::split(&owner.key(), 0);
    let cases: [&[(Pubkey, u16)]; 8] = [
        &[],
        &keys,
        &[(wallets[0].key(), 9_999)],
        &[(wallets[0].key(), 10_000), (wallets[1].key(), 0)],
        &[(wallets[0].key(), 5_000), (wallets[0].key(), 5_000)],
        &[(wallets[0].key(), 60_000), (wallets[1].key(), 15_536)],
        &[(Pubkey::default(), 10_000)],
        &[(own, 10_000)],
    ];
    for case in cases {
        assert_refused(world.create_split(&owner, 0, case), E::SplitInvalid);
    }
    let args = network::CreateSplitArgs { id: 0, recipients: vec![wallets[0].key()], shares_bps: vec![5_000, 5_000] };
    let ix = network_ix(world.create_split_accounts(&owner.key(), 0), network::instruction::CreateSplit { args });
    assert_refused(world.svm.send(&[ix], &[&owner]), E::SplitInvalid);
    // Eight are a split, and one; neither is made twice.
    world.create_split(&owner, 0, &shares(&wallets[..8], &[1_250; 8])).unwrap();
    world.create_split(&owner, 1, &shares(&wallets[..1], &[10_000])).unwrap();
    assert!(world.create_split(&owner, 1, &shares(&wallets[..1], &[10_000])).is_err());
}

#[test]
fn a_split_exists_although_somebody_made_its_account_first() {
    let (mut world, wallets) = with_recipients(1);
    let owner = world.owner.clone();
    let address = at::split(&owner.key(), 0);
    let payer = world.svm.payer.clone();
    let mint = world.mint;
    litesvm_token::CreateAssociatedTokenAccount::new(&mut world.svm.inner, payer.keypair(), &mint)
        .owner(&address)
        .send()
        .unwrap();
    pay(&mut world, &address, 10);
    let split = world.create_split(&owner, 0, &shares(&wallets, &[10_000])).unwrap();
    world.release(&split, &wallets[0].key(), 0).unwrap();
    assert_eq!(world.svm.tokens(&at::ata(&wallets[0].key(), &world.mint, &TOKEN)), 10);
}

/// Defends I43.
#[test]
fn a_release_reaches_nobody_but_the_recipient() {
    let (mut world, wallets) = with_recipients(2);
    let owner = world.owner.clone();
    let split = world.create_split(&owner, 0, &shares(&wallets, &[4_000, 6_000])).unwrap();
    pay(&mut world, &split, 100);
    let (first, second) = (wallets[0].key(), wallets[1].key());
    // Under another's number, or with a number that nobody has.
    assert_refused(world.release(&split, &first, 1), E::NoSuchRecipient);
    for index in [2, 8, 255] {
        assert_refused(world.release(&split, &first, index), E::NoSuchRecipient);
        assert!(world.release(&split, &Pubkey::default(), index).is_err());
    }
    // Into another's account.
    let mut accounts = world.release_accounts(&split, &first);
    accounts.destination = at::ata(&second, &world.mint, &TOKEN);
    let ix = network_ix(accounts, network::instruction::Release { index: 0 });
    assert!(world.svm.send(&[ix], &[]).is_err());
    // Nor out of another's.
    let mut accounts = world.release_accounts(&split, &first);
    accounts.vault = at::budget_vault(&world.project);
    let ix = network_ix(accounts, network::instruction::Release { index: 0 });
    assert!(world.svm.send(&[ix], &[]).is_err());
}

fn any_shares() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::btree_set(1_u16..10_000, 0..8).prop_map(|cuts| {
        let ends = cuts.iter().copied().chain([10_000]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        ends.zip(starts).map(|(end, start)| end - start).collect()
    })
}

/// Money that comes in, or a release.
#[derive(Clone, Debug)]
enum Step {
    Pay(u64),
    Release(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![(1_u64..=1_000_000_000).prop_map(Step::Pay), (0_u8..8).prop_map(Step::Release)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Defends I43: in whatever order money comes and goes, nobody gets more than his share.
    #[test]
    fn no_order_of_releases_pays_anybody_more_than_his_share(
        bps in any_shares(),
        steps in prop::collection::vec(any_step(), 1..24),
    ) {
        let (mut world, wallets) = with_recipients(bps.len());
        let owner = world.owner.clone();
        let split = world.create_split(&owner, 0, &shares(&wallets, &bps)).unwrap();
        let mut received = 0_u64;
        for step in steps {
            match step {
                Step::Pay(amount) => {
                    pay(&mut world, &split, amount);
                    received += amount;
                }
                Step::Release(index) => {
                    // Refused when nothing is due or nobody has the number.
                    let key = wallets.get(usize::from(index)).map(Wallet::key).unwrap_or_default();
                    let _ = world.release(&split, &key, index);
                }
            }
            let paid: Vec<u64> =
                wallets.iter().map(|wallet| world.svm.tokens(&at::ata(&wallet.key(), &world.mint, &TOKEN))).collect();
            for (paid, share) in paid.iter().zip(&bps) {
                prop_assert!(u128::from(*paid) * 10_000 <= u128::from(received) * u128::from(*share));
            }
            let left = world.svm.tokens(&at::ata(&split, &world.mint, &TOKEN));
            prop_assert_eq!(paid.iter().sum::<u64>() + left, received);
        }
        // When all are paid, less than a base unit each is left.
        for (index, wallet) in wallets.iter().enumerate() {
            let _ = world.release(&split, &wallet.key(), index as u8);
        }
        prop_assert!(world.svm.tokens(&at::ata(&split, &world.mint, &TOKEN)) < bps.len() as u64);
    }
}
