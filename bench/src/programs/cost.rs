//! What one transaction costs.

use muster_tests::{
    cases::Case,
    world::{Wallet, World},
};
use solana_sdk::{instruction::Instruction, message::Message};

/// Bytes of a signature in a transaction.
const SIGNATURE_LEN: usize = 64;

/// An instruction alone in a legacy transaction, its event included.
pub struct Cost {
    pub program: &'static str,
    pub name: &'static str,
    pub cu: u64,
    pub tx_bytes: usize,
}

impl Cost {
    pub fn of_case(mut case: Case) -> Self {
        let signers: Vec<&Wallet> = case.signers.iter().collect();
        let program = if case.instruction.program_id == muster_network::ID { "network" } else { "jobs" };
        let instructions = [case.instruction];
        let (cu, tx_bytes) = of_transaction(case.name, &mut case.world, &instructions, &signers);
        Self { program, name: case.name, cu, tx_bytes }
    }
}

/// Compute units and bytes of a transaction that the world's payer pays for. Panics when it is refused: a cost of a
/// failure is none.
pub fn of_transaction(
    name: &str,
    world: &mut World,
    instructions: &[Instruction],
    signers: &[&Wallet],
) -> (u64, usize) {
    let message = Message::new(instructions, Some(&world.svm.payer.key()));
    // One byte says how many signatures there are.
    let tx_bytes = 1 + usize::from(message.header.num_required_signatures) * SIGNATURE_LEN + message.serialize().len();
    let sent = world.svm.send(instructions, signers);
    let sent = sent.unwrap_or_else(|refusal| panic!("{name} is refused: {refusal:#?}"));
    (sent.compute_units_consumed, tx_bytes)
}
