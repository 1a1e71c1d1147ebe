//! From a transaction to its events. Pure: [`crate::chain::Chain::transaction_of`] fetches.

use solana_sdk::pubkey::Pubkey;

use crate::{
    addresses,
    events::{self, Event},
};

/// A successful transaction, as far as events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainTransaction {
    /// Base58.
    pub signature: String,
    pub slot: u64,
    /// The flattened inner instructions, by top-level instruction.
    pub inner: Vec<InnerGroup>,
}

/// Everything that one top-level instruction called, at any depth, in the order of execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerGroup {
    /// Position of the top-level instruction in the message.
    pub ix: u32,
    pub instructions: Vec<InnerInstruction>,
}

/// One called instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerInstruction {
    pub program: Pubkey,
    pub accounts: Vec<Pubkey>,
    pub data: Vec<u8>,
}

/// An event and where it is: (signature, ix, inner) is unique on the chain.
#[derive(Clone, Debug)]
pub struct ChainEvent {
    pub signature: String,
    pub ix: u32,
    /// Position in the flattened list.
    pub inner: u32,
    pub slot: u64,
    pub event: Event,
    /// The inner instruction's data.
    pub raw: Vec<u8>,
}

/// An event that this version cannot read: going on would lose it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "transaction {signature} (slot {slot}) holds an event of program {program} at {ix}.{inner} that this version does \
     not know: update this program"
)]
pub struct UnknownEvent {
    pub signature: String,
    pub slot: u64,
    pub program: Pubkey,
    pub ix: u32,
    pub inner: u32,
}

/// The events of a transaction, in order. Only a program's call of itself counts: its one account is the program's
/// event authority, for which no one else can sign.
pub fn decode(transaction: &ChainTransaction) -> Result<Vec<ChainEvent>, UnknownEvent> {
    let mut found = Vec::new();
    for group in &transaction.inner {
        for (inner, instruction) in group.instructions.iter().enumerate() {
            let inner = inner as u32;
            let program = &instruction.program;
            if !events::is_event(program, &instruction.data)
                || instruction.accounts.as_slice() != [addresses::event_authority(program)]
            {
                continue;
            }
            let event = events::decode(program, &instruction.data).ok_or_else(|| UnknownEvent {
                signature: transaction.signature.clone(),
                slot: transaction.slot,
                program: *program,
                ix: group.ix,
                inner,
            })?;
            found.push(ChainEvent {
                signature: transaction.signature.clone(),
                ix: group.ix,
                inner,
                slot: transaction.slot,
                event,
                raw: instruction.data.clone(),
            });
        }
    }
    Ok(found)
}
