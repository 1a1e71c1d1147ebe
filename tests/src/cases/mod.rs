//! One world per instruction in which it succeeds: what the substitution test spoils and the benchmark measures.
//!
//! A new instruction gets a case in the file of its area:
//!
//! ```ignore
//! fn claim() -> Case {
//!     let mut world = World::with_nodes(2);
//!     let amounts = [POOL / 4, POOL - POOL / 4];
//!     let epoch = world.epoch() + 1;
//!     world.pay_epoch(epoch, BUDGET, &amounts);
//!     let proof = world.tree(&amounts).proof(0).expect("the node has a leaf");
//!     let data = network::instruction::Claim { cumulative: amounts[0], proof: proof.concat() };
//!     let ix = network_ix(world.claim_accounts(&world.nodes[0]), data);
//!     Case::new("claim", world, ix, vec![])
//! }
//! ```
//!
//! and a line in that file's `all`. `tests/tests/programs/substitution.rs` takes it from there: it proves that the
//! instruction succeeds as it is, then passes another account in every slot and expects a refusal. Where a substitute
//! is harmless (a free destination, any payer), that test's table of exceptions says so with the reason. For a case
//! to be worth most:
//! - every optional account is there;
//! - no address stands in two slots, and amounts are above zero;
//! - the instruction succeeds for the reason that is common in practice (a claim pays, a vote counts).
//!
//! An instruction with two ways through its accounts has two cases of the same name.

mod assets;
mod authorities;
mod bonds;
mod jobs;
mod licences;
mod network_basics;
mod nodes;
mod pools;
mod projects;
mod settlement;
mod splits;
mod suspension;
mod tenures;

use solana_sdk::instruction::Instruction;

use crate::world::{Wallet, World};

/// An instruction that succeeds in its world.
pub struct Case {
    /// The instruction's name in the IDL.
    pub name: &'static str,
    pub world: World,
    pub instruction: Instruction,
    /// Who signs besides the world's payer.
    pub signers: Vec<Wallet>,
}

impl Case {
    pub fn new(name: &'static str, world: World, instruction: Instruction, signers: Vec<Wallet>) -> Self {
        Self { name, world, instruction, signers }
    }
}

/// Every case, area by area.
pub fn all() -> Vec<Case> {
    [
        network_basics::all(),
        authorities::all(),
        pools::all(),
        projects::all(),
        licences::all(),
        nodes::all(),
        tenures::all(),
        splits::all(),
        suspension::all(),
        settlement::all(),
        jobs::all(),
        bonds::all(),
        assets::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
