//! What is wrong on the chain is noticed: each check fails when what it is for is spoilt behind the programs' back.

use muster_jobs::state::{Bond, Job};
use muster_network::state::{Distribution, Network, Node, OracleSet, Project, Tenure, ViewSet};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{machine::Machine, prepared};

/// Adds one to the byte of an account.
fn spoil(machine: &mut Machine, address: Pubkey, byte: usize) {
    let svm = &mut machine.world.svm.inner;
    let mut account = svm.get_account(&address).expect("the account exists");
    account.data[byte] = account.data[byte].wrapping_add(1);
    svm.set_account(address, account).expect("the account is stored");
}

type Spoil = fn(&mut Machine);

/// Where a token account holds its amount and its state.
const AMOUNT_AT: usize = 64;
const STATE_AT: usize = 108;

const ALARMS: [(&str, Spoil); 16] = [
    ("a vault with another amount", |m| spoil(m, m.model.projects[0].vault, AMOUNT_AT)),
    ("a purse with another amount", |m| spoil(m, m.purse(super::reference::MALLORY, &m.model.mint), AMOUNT_AT)),
    ("a bond vault with another amount", |m| spoil(m, at::bond_vault(), AMOUNT_AT)),
    ("a mint with another supply", |m| spoil(m, m.model.mint, 36)),
    ("a bound licence that can be moved", |m| {
        let of = &m.model.licences[0];
        let account = at::ata(&m.key(of.holder), &of.mint, &TOKEN_2022);
        // Frozen is 2: it becomes something else.
        spoil(m, account, STATE_AT);
    }),
    ("a root that nobody approved", |m| {
        m.world
            .svm
            .edit_pod(&m.model.projects[0].distribution.clone(), |of: &mut Distribution| of.roots[0].root = [9; 32])
    }),
    ("more claimed than paid", |m| {
        m.world.svm.edit_pod(&m.model.projects[0].distribution.clone(), |of: &mut Distribution| of.claimed += 1)
    }),
    ("another owner", |m| {
        m.world.svm.edit(&m.model.projects[0].key.clone(), |of: &mut Project| of.owner = Pubkey::default())
    }),
    ("a lost event", |m| m.world.svm.edit(&m.model.projects[0].key.clone(), |of: &mut Project| of.seq -= 1)),
    ("a tenure that goes on", |m| {
        m.world.svm.edit_pod(&m.model.tenures[0].key.clone(), |of: &mut Tenure| of.claimed_total += 1)
    }),
    ("a node with another status", |m| {
        m.world.svm.edit_pod(&m.model.licences[0].node_address.clone(), |of: &mut Node| of.status = 1)
    }),
    ("a bond that earned more", |m| {
        m.world.svm.edit_pod(&at::bond(&m.model.tenures[0].key), |of: &mut Bond| of.earned += 1)
    }),
    ("a job that is over", |m| m.world.svm.edit_pod(&m.model.jobs[1].key.clone(), |of: &mut Job| of.state = 3)),
    ("a view that is in", |m| {
        let epoch = *m.model.views.keys().next().expect("views are there");
        m.world.svm.edit_pod(&at::view_set(epoch), |of: &mut ViewSet| of.view_hashes[0] = [9; 32]);
    }),
    ("another oracle", |m| {
        m.world.svm.edit_pod(&at::oracle_set(), |of: &mut OracleSet| of.oracles[1].key = Pubkey::default())
    }),
    ("a fee above the cap", |m| m.world.svm.edit(&at::network(), |of: &mut Network| of.next_fee_bps = 3_001)),
];

#[test]
fn each_check_notices_what_it_is_for() {
    let networks = prepared().expect("honest people get along");
    let busy = networks.last().expect("there are networks");
    busy.check_all().expect("nothing is wrong before");
    for (name, spoil) in ALARMS {
        let mut machine = busy.clone();
        spoil(&mut machine);
        assert!(machine.check_all().is_err(), "{name} is not noticed");
    }
}

#[test]
fn a_missing_event_and_a_stray_token_are_noticed_at_once() {
    use super::actions::{Amount, Pick};
    let networks = prepared().expect("honest people get along");
    let fund = |machine: &mut Machine| machine.fund(Pick(0), Pick(0), Amount(TOKEN_UNIT));
    fund(&mut networks[0].clone()).expect("nothing is wrong before");
    let mut machine = networks[0].clone();
    let project = machine.model.projects[0].key;
    machine.world.svm.edit(&project, |of: &mut Project| of.seq += 1);
    fund(&mut machine).expect_err("a gap in a stream is not noticed");
    let mut machine = networks[0].clone();
    let vault = machine.model.projects[0].budget_vault;
    spoil(&mut machine, vault, AMOUNT_AT);
    fund(&mut machine).expect_err("a stray token is not noticed");
}
