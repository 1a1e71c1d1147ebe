//! The figures that have targets, and what others' programs cost.

use muster_network::{
    self as network,
    state::{Distribution, Root, Tenure},
};
use muster_protocol::merkle::{MAX_DEPTH, MAX_LEAVES, distribution_leaf, root_from_proof};
use muster_tests::world::*;
use serde_json::{Value, json};
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey,
    pubkey::Pubkey,
};

use super::{
    NAME,
    cost::{Cost, of_transaction},
};

const COMPUTE_BUDGET: Pubkey = pubkey!("ComputeBudget111111111111111111111111111111");
const BUDGET: u64 = 1_000 * TOKEN_UNIT;
const POOL: u64 = 800 * TOKEN_UNIT;
const BOUND_NODES: u32 = 16;

/// Something that must not be above its target.
pub struct Figure {
    pub name: &'static str,
    pub value: u64,
    pub target: u64,
    pub unit: &'static str,
}

impl Figure {
    pub fn is_met(&self) -> bool {
        self.value <= self.target
    }

    pub fn to_json(&self) -> Value {
        let Self { name, value, target, unit } = self;
        json!({"bench": NAME, "figure": name, "value": value, "target": target, "met": self.is_met(), "unit": unit})
    }
}

/// What another program costs.
pub struct Reference {
    pub name: &'static str,
    pub value: u64,
    pub unit: &'static str,
}

/// Built with the same toolchain, run in the same virtual machine.
pub const REFERENCES: [Reference; 6] = [
    Reference { name: "Jito merkle-distributor: claim at depth 20", value: 20_322, unit: "CU" },
    Reference { name: "Jito: the claim without the token account's creation", value: 1_037, unit: "bytes" },
    Reference { name: "Jito: rent of every claim's account", value: 1_336_320, unit: "lamports" },
    Reference { name: "Nosana jobs: open", value: 15_428, unit: "CU" },
    Reference { name: "Nosana jobs: list", value: 16_125, unit: "CU" },
    Reference { name: "Nosana jobs: finish with one node", value: 14_194, unit: "CU" },
];

/// The figures that have targets.
pub fn all(costs: &[Cost]) -> Vec<Figure> {
    // An instruction with two ways through its accounts counts by the dearer one.
    let cu = |instruction: &str| {
        let found = costs.iter().filter(|cost| cost.name == instruction).map(|cost| cost.cu).max();
        found.unwrap_or_else(|| panic!("{instruction} has no case in tests/src/cases"))
    };
    let units = |name, value, target| Figure { name, value, target, unit: "CU" };
    vec![
        units("claim_depth20_cu", claim_depth20(), 12_000),
        Figure { name: "claim_depth20_tx_bytes", value: claim_with_payout_account(), target: 1_232, unit: "bytes" },
        units("approve_root_cu", cu("approve_root"), 10_000),
        units("settle_epoch_cu", cu("settle_epoch"), 25_000),
        units("bind_node_cu", bind_node(), 45_000),
        units("job_submit_cu", cu("submit"), 12_000),
        units("job_settle_cu", cu("settle_job"), 14_000),
        units("attest_job_cu", cu("attest_job"), 8_000),
    ]
}

/// A node in a distribution of 1,048,576 leaves: a root over made-up siblings takes the active one's place.
fn deep_world() -> (World, Instruction) {
    let mut world = World::with_nodes(1);
    let epoch = world.epoch() + 1;
    world.pay_epoch(epoch, BUDGET, &[POOL]);
    let node = world.nodes[0].clone();
    let index = 0x5_5555;
    let proof: Vec<[u8; 32]> = (1..=MAX_DEPTH).map(|level| [level; 32]).collect();
    let distribution = at::distribution(&world.project);
    let leaf =
        distribution_leaf(&network::ID.to_bytes(), &distribution.to_bytes(), &node.tenure.to_bytes(), index, POOL);
    let root = root_from_proof(&leaf, index, &proof);
    world.svm.edit_pod::<Distribution>(&distribution, |state| {
        state.roots[0] = Root { root, count: MAX_LEAVES, ..state.roots[0] };
    });
    world.svm.edit_pod::<Tenure>(&node.tenure, |tenure| tenure.leaf_index = index);
    let data = network::instruction::Claim { cumulative: POOL, proof: proof.concat() };
    let claim = network_ix(world.claim_accounts(&node), data);
    (world, claim)
}

fn claim_depth20() -> u64 {
    let (mut world, claim) = deep_world();
    let (cu, _) = of_transaction("the claim at depth 20", &mut world, &[claim], &[]);
    cu
}

/// Bytes of the claim that also makes the payout account, with limit and price of its compute units.
fn claim_with_payout_account() -> u64 {
    let (mut world, mut claim) = deep_world();
    let owner = Wallet::named("payout owner").key();
    let payout = at::ata(&owner, &world.mint, &TOKEN);
    let node = world.nodes[0].clone();
    world.svm.edit_pod::<Tenure>(&node.tenure, |tenure| {
        tenure.payout_owner = owner;
        tenure.payout = payout;
    });
    let accounts = network::accounts::Claim { payout, ..world.claim_accounts(&node) };
    claim.accounts = network_ix(accounts, network::instruction::Claim { cumulative: 0, proof: vec![] }).accounts;
    let budget = |kind: u8, argument: &[u8]| Instruction {
        program_id: COMPUTE_BUDGET,
        accounts: vec![],
        data: [&[kind], argument].concat(),
    };
    let create = create_ata(&world.svm.payer.key(), &owner, &world.mint);
    let instructions = [budget(2, &60_000_u32.to_le_bytes()), budget(3, &1_000_u64.to_le_bytes()), create, claim];
    let (_, bytes) = of_transaction("the claim with its payout account", &mut world, &instructions, &[]);
    bytes as u64
}

/// Bind and accept in one transaction; the mean over nodes, since an address takes one to several tries to find.
fn bind_node() -> u64 {
    let mut world = World::with_nodes(1);
    let costs = (1..=BOUND_NODES).map(|serial| bind_and_accept(&mut world, serial));
    costs.sum::<u64>() / u64::from(BOUND_NODES)
}

fn bind_and_accept(world: &mut World, serial: u32) -> u64 {
    let (holder, key) = (Wallet::named(&format!("holder {serial}")), Wallet::named(&format!("node key {serial}")));
    world.svm.airdrop(&holder);
    world.fund_wallet(&holder, PRICE);
    world.buy_licence(&holder, serial, PRICE).expect("the licence is bought");
    let licence = at::licence(&world.project, serial);
    let node = at::node(&licence);
    let made = NodeOf { holder, key, licence, node, tenure: at::tenure(&node, 1) };
    let args = World::bind_args(&made);
    let bind = network_ix(world.bind_accounts(&made), network::instruction::Bind { args });
    let accept = network_ix(world.accept_accounts(&made), network::instruction::AcceptNode {});
    let (cu, _) = of_transaction("bind and accept", world, &[bind, accept], &[&made.holder, &made.key]);
    cu
}

/// The associated token account program's `CreateIdempotent`.
fn create_ata(payer: &Pubkey, owner: &Pubkey, mint: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*payer, true),
        AccountMeta::new(at::ata(owner, mint, &TOKEN), false),
        AccountMeta::new_readonly(*owner, false),
        AccountMeta::new_readonly(*mint, false),
        AccountMeta::new_readonly(SYSTEM, false),
        AccountMeta::new_readonly(TOKEN, false),
    ];
    Instruction { program_id: ATA_PROGRAM, accounts, data: vec![1] }
}
