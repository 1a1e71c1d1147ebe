//! The SBF toolchain computes what the host computes: the same source, run as a program and run here.

use anchor_lang::{InstructionData, ToAccountMetas};
use litesvm::LiteSVM;
use muster_conformance::{accounts, instruction, ops};
use solana_sdk::{
    instruction::Instruction,
    message::Message,
    signature::{Keypair, Signer},
    transaction::Transaction,
};

/// For each operation, so that every shape of operands below comes up 40 times.
const CASES_PER_OP: u32 = 200;
const SO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/deploy/muster_conformance.so");

/// A fixed sequence: a failure here is a failure everywhere.
struct Operands(u128);

impl Operands {
    fn next(&mut self) -> u128 {
        self.0 ^= self.0 << 23;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 45;
        self.0 = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15);
        self.0
    }

    /// Full width, both 64 bits, and three kinds of unequal lengths: the helpers branch on length.
    fn pair(&mut self, case: u32) -> (u128, u128) {
        let (a, b) = (self.next(), self.next());
        match case % 5 {
            0 => (a >> 64, b >> 64),
            1 => (a, b >> 100),
            2 => (a >> 96, b >> 70),
            3 => (a, b & 127),
            _ => (a, b),
        }
    }
}

struct Chain {
    svm: LiteSVM,
    payer: Keypair,
}

impl Chain {
    fn new() -> Self {
        let mut svm = LiteSVM::new();
        svm.add_program_from_file(muster_conformance::ID, SO)
            .unwrap_or_else(|error| panic!("{SO} does not load ({error}): run `make programs`"));
        let payer = Keypair::new();
        svm.airdrop(&payer.pubkey(), 1_000_000_000_000).unwrap();
        Self { svm, payer }
    }

    fn run(&mut self, op: u8, a: u128, b: u128) -> Result<u128, String> {
        let call = Instruction {
            program_id: muster_conformance::ID,
            accounts: accounts::Run { payer: self.payer.pubkey() }.to_account_metas(None),
            data: instruction::Run { op, a, b }.data(),
        };
        self.svm.expire_blockhash();
        let message = Message::new(&[call], Some(&self.payer.pubkey()));
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        let done = self.svm.send_transaction(transaction).map_err(|failed| format!("{:?}", failed.err))?;
        // trailing zero bytes of return data are cut
        let mut answer = [0; 16];
        answer[..done.return_data.data.len()].copy_from_slice(&done.return_data.data);
        Ok(u128::from_le_bytes(answer))
    }
}

#[test]
fn host_and_chain_agree_on_every_operation() {
    // Given the program built by the toolchain under test.
    let mut chain = Chain::new();
    let mut operands = Operands(0x9E37_79B9_7F4A_7C15);

    // When each operation runs here and there on the same operands.
    let mut differences = Vec::new();
    let mut distinct = std::collections::HashSet::new();
    for op in 0..ops::COUNT {
        for case in 0..CASES_PER_OP {
            let (a, b) = operands.pair(case);
            let here = ops::run(op, a, b);
            distinct.insert((op, here));
            match chain.run(op, a, b) {
                Ok(there) if there == here => {}
                there => differences.push(format!("op {op}, {a:#x}, {b:#x}: here {here:#x}, on chain {there:#x?}")),
            }
        }
    }

    // Then no answer differs, and the operations did compute something.
    assert!(distinct.len() > 2_000, "the operands exercise too little: {} distinct answers", distinct.len());
    assert!(differences.is_empty(), "{} answers differ, the first: {}", differences.len(), differences[0]);
}
