//! What an RPC node answers, which may be anybody's.

use muster_client::accounts::AnyAccount;
use muster_client::chain::{Mint, TokenAccount};
use muster_client::transactions::{ChainTransaction, InnerGroup, InnerInstruction, decode};
use muster_client::{Pubkey, addresses, events};

use super::engine::Verdict;

const PROGRAMS: [Pubkey; 2] = [muster_network::ID, muster_client::muster_jobs::ID];

/// An account's data, whichever program is said to own it.
pub fn account(bytes: &[u8]) -> Verdict {
    let mut why = "no account of ours";
    for program in PROGRAMS {
        match AnyAccount::decode(&program, bytes) {
            Ok(Some(account)) => {
                let _ = account.name();
                return Verdict::Taken;
            }
            Ok(None) => {}
            Err(_) => why = "an account of ours that cannot be read",
        }
    }
    Verdict::Refused(why.into())
}

/// The data of an inner instruction.
pub fn event(bytes: &[u8]) -> Verdict {
    for program in PROGRAMS {
        if let Some(event) = events::decode(&program, bytes) {
            let _ = (event.name(), event.fields());
            return Verdict::Accepted(event.encode());
        }
    }
    Verdict::Refused(if events::is_event(&PROGRAMS[0], bytes) { "unknown event" } else { "no event" }.into())
}

/// A token account or a mint of either token program.
pub fn token(bytes: &[u8]) -> Verdict {
    for program in [addresses::TOKEN_PROGRAM, addresses::TOKEN_2022_PROGRAM] {
        if TokenAccount::decode(&program, bytes).is_some() || Mint::decode(&program, bytes).is_some() {
            return Verdict::Taken;
        }
    }
    Verdict::Refused("no token account and no mint".into())
}

/// A transaction in which a program calls itself with this data.
pub fn transaction(bytes: &[u8]) -> Verdict {
    let mut why = String::new();
    for program in PROGRAMS {
        let accounts = vec![addresses::event_authority(&program)];
        let instruction = InnerInstruction { program, accounts, data: bytes.to_vec() };
        let group = InnerGroup { ix: 0, instructions: vec![instruction] };
        let transaction = ChainTransaction { signature: String::new(), slot: 1, inner: vec![group] };
        match decode(&transaction) {
            Ok(events) if events.is_empty() => why = "no event".into(),
            Ok(_) => return Verdict::Taken,
            Err(error) => why = error.to_string(),
        }
    }
    Verdict::Refused(why)
}
