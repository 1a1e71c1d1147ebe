//! Everything else that somebody could pass in a slot.

use std::collections::HashMap;

use muster_tests::{cases::Case, world::*};
use solana_sdk::{account::Account, instruction::Instruction, pubkey::Pubkey};

use super::{
    history,
    state::{State, Type, mint_and_owner, wallet_account},
};

/// How a slot was spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A valid account of the same type: another project, node, job, another oracle's or holder's wallet.
    Another,
    /// The same bytes and owner at another address. Anybody makes a second token account of the same owner and mint;
    /// our programs make no second account of one identity.
    Twin,
    /// The same bytes, but of another program.
    Impostor,
    /// An account of another type.
    OtherType,
    /// A token account of the same mint and another owner.
    OtherOwner,
    /// A token account of another mint.
    OtherMint,
    /// A wallet that has nothing to do with the network; it signs where the slot asks for it.
    Stranger,
    /// An address at which there is nothing.
    Nothing,
    /// What an optional account is when it is not there: the program itself.
    Absent,
    /// Anything at all, where the case leaves an optional account out.
    Surplus,
    NotSigning,
    NotWritable,
}

/// A case's instruction with one slot spoilt.
pub struct Spoilt {
    pub kind: Kind,
    /// The slot's type before it was spoilt.
    pub slot_type: Type,
    /// What stands in the slot, for a person to read.
    pub what: String,
    pub instruction: Instruction,
    /// An account to be put there first.
    pub account: Option<(Pubkey, Account)>,
}

/// Accounts of the same type that are tried in a slot, and token accounts of each relation.
const SAME_TYPE_MAX: usize = 16;
const TOKEN_ACCOUNTS_MAX: usize = 16;

/// What is known of a slot while its substitutes are gathered.
struct Slot<'a> {
    state: &'a State,
    case: &'a Case,
    slot: usize,
    address: Pubkey,
    account: Option<Account>,
    slot_type: Type,
    found: Vec<Spoilt>,
}

impl Spoilt {
    /// All of them for one slot; `after` are the accounts after the case's success.
    pub fn all(
        state: &State,
        case: &Case,
        slot: usize,
        is_optional: bool,
        after: &HashMap<Pubkey, Account>,
    ) -> Vec<Self> {
        let address = case.instruction.accounts[slot].pubkey;
        let program = case.instruction.program_id;
        let account = state.account(&address);
        let made = after.get(&address);
        let slot_type = state.type_of(&address, account.as_ref().or(made));
        let mut slot = Slot { state, case, slot, address, account, slot_type, found: vec![] };
        slot.same_type();
        slot.twin_and_impostor();
        slot.forged_token_accounts();
        slot.other_types();
        slot.flags();
        if address != program {
            slot.push(Kind::Absent, "the program, as if it were left out".to_owned(), program, None);
        } else if is_optional {
            slot.found.iter_mut().for_each(|spoilt| spoilt.kind = Kind::Surplus);
        }
        slot.found
    }
}

impl Slot<'_> {
    fn push(&mut self, kind: Kind, what: String, address: Pubkey, account: Option<Account>) {
        let mut instruction = self.case.instruction.clone();
        let meta = &mut instruction.accounts[self.slot];
        meta.pubkey = address;
        // Whoever has no key cannot sign.
        meta.is_signer &= self.state.wallet(&address).is_some();
        self.found.push(Spoilt {
            kind,
            slot_type: self.slot_type.clone(),
            what,
            instruction,
            account: account.map(|account| (address, account)),
        });
    }

    /// An address at which nothing is, the same for the same slot and use.
    fn fresh(&self, purpose: &str) -> Pubkey {
        Wallet::named(&format!("{purpose} of {} {}", self.case.name, self.slot)).key()
    }

    fn same_type(&mut self) {
        let all = self.state.index.get(&self.slot_type).cloned().unwrap_or_default();
        let others = all.into_iter().filter(|other| *other != self.address);
        if self.slot_type == Type::TokenAccount {
            return self.real_token_accounts(others.collect());
        }
        for other in others.take(SAME_TYPE_MAX).collect::<Vec<_>>() {
            self.push(Kind::Another, format!("another {}, {other}", self.slot_type), other, None);
        }
    }

    fn real_token_accounts(&mut self, others: Vec<Pubkey>) {
        let mut counts = HashMap::new();
        for other in others {
            let Some(account) = self.state.account(&other) else { continue };
            // A slot that the instruction fills has no mint to compare yet.
            let kind = self.account.as_ref().map_or(Kind::OtherMint, |right| relation(right, &account));
            let count = counts.entry(kind as u8).or_insert(0);
            *count += 1;
            if *count <= TOKEN_ACCOUNTS_MAX {
                self.push(kind, format!("the token account {other}"), other, None);
            }
        }
    }

    fn twin_and_impostor(&mut self) {
        let Some(account) = self.account.clone().filter(|account| !account.data.is_empty()) else { return };
        if matches!(self.slot_type, Type::Program | Type::Sysvar) {
            return;
        }
        let twin = self.fresh("twin");
        self.push(Kind::Twin, "the same bytes at another address".to_owned(), twin, Some(account.clone()));
        let of_tokens = [TOKEN, TOKEN_2022].contains(&account.owner);
        for owner in [muster_network::ID, muster_jobs::ID, TOKEN, TOKEN_2022, SYSTEM] {
            // Either token program is right for an account of tokens; at one address there is but one.
            let is_right = owner == account.owner || (of_tokens && [TOKEN, TOKEN_2022].contains(&owner));
            let address = if is_right { self.fresh("token program") } else { self.address };
            if owner != account.owner {
                let what = format!("the same bytes, owned by the program {owner}");
                self.push(Kind::Impostor, what, address, Some(Account { owner, ..account.clone() }));
            }
        }
    }

    /// What anybody can make with the token program.
    fn forged_token_accounts(&mut self) {
        let Some(account) = self.account.clone().filter(|_| self.slot_type == Type::TokenAccount) else { return };
        let mut of_stranger = account.clone();
        of_stranger.data[32..64].copy_from_slice(history::stranger().key().as_ref());
        let address = self.fresh("stranger's token account");
        self.push(Kind::OtherOwner, "a stranger's token account of the mint".to_owned(), address, Some(of_stranger));
        let mut of_mint = account;
        of_mint.data[..32].copy_from_slice(history::other_mint().as_ref());
        let address = self.fresh("other mint's token account");
        self.push(Kind::OtherMint, "the owner's token account of another mint".to_owned(), address, Some(of_mint));
    }

    /// One account of every other type, a stranger's wallet, and nothing.
    fn other_types(&mut self) {
        let index: Vec<(Type, Pubkey)> = self
            .state
            .index
            .iter()
            .filter(|(kind, _)| **kind != self.slot_type && !matches!(kind, Type::Other | Type::Nothing | Type::Wallet))
            .filter_map(|(kind, all)| all.iter().find(|other| **other != self.address).map(|one| (kind.clone(), *one)))
            .collect();
        for (kind, other) in index {
            self.push(Kind::OtherType, format!("the {kind} {other}"), other, None);
        }
        let stranger = history::stranger().key();
        self.push(Kind::Stranger, "a stranger's wallet".to_owned(), stranger, Some(wallet_account()));
        let nothing = self.fresh("nothing");
        self.push(Kind::Nothing, "an address with nothing".to_owned(), nothing, None);
        // An event authority has no account: it looks like nothing too.
        if self.slot_type == Type::Nothing {
            for program in [muster_network::ID, muster_jobs::ID] {
                let authority = at::event_authority(&program);
                if authority != self.address {
                    self.push(Kind::Another, format!("the event authority of {program}"), authority, None);
                }
            }
        }
    }

    /// The right account without its flags; wherever it stands, for a transaction knows one set of flags an account.
    fn flags(&mut self) {
        let meta = self.case.instruction.accounts[self.slot].clone();
        if meta.is_signer {
            self.without(Kind::NotSigning, "the right account, not signing");
        }
        if meta.is_writable {
            self.without(Kind::NotWritable, "the right account, not writable");
        }
    }

    fn without(&mut self, kind: Kind, what: &str) {
        self.push(kind, what.to_owned(), self.address, None);
        let Some(spoilt) = self.found.last_mut() else { return };
        for meta in spoilt.instruction.accounts.iter_mut().filter(|meta| meta.pubkey == self.address) {
            meta.is_signer &= kind != Kind::NotSigning;
            meta.is_writable &= kind != Kind::NotWritable;
        }
    }
}

/// What one token account is to another.
fn relation(right: &Account, other: &Account) -> Kind {
    let ((mint, owner), (other_mint, other_owner)) = (mint_and_owner(right), mint_and_owner(other));
    match (mint == other_mint && right.owner == other.owner, owner == other_owner) {
        (false, _) => Kind::OtherMint,
        (true, false) => Kind::OtherOwner,
        (true, true) => Kind::Twin,
    }
}
