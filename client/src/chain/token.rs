use solana_sdk::pubkey::Pubkey;

use super::{Chain, ChainError};
use crate::addresses::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

/// Bytes of a token account without extensions; the first ones of one with them.
const ACCOUNT_LEN: usize = 165;
/// Bytes of a mint without extensions; the first ones of one with them.
const MINT_LEN: usize = 82;
/// What Token-2022 puts behind the 165 bytes of an account with extensions, and where.
const ACCOUNT_TYPE_OFFSET: usize = 165;
const ACCOUNT_TYPE_MINT: u8 = 1;
const ACCOUNT_TYPE_ACCOUNT: u8 = 2;

/// A token account of SPL Token or Token-2022.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenAccount {
    /// The token program that owns it.
    pub program: Pubkey,
    pub mint: Pubkey,
    pub owner: Pubkey,
    /// Base units.
    pub amount: u64,
    pub frozen: bool,
}

/// A mint of SPL Token or Token-2022.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mint {
    /// The token program that owns it.
    pub program: Pubkey,
    /// Base units.
    pub supply: u64,
    pub decimals: u8,
    pub authority: Option<Pubkey>,
}

impl TokenAccount {
    /// Reads the raw bytes; `None` if they are no initialised token account.
    pub fn decode(program: &Pubkey, data: &[u8]) -> Option<Self> {
        if !is_kind(program, data, ACCOUNT_LEN, ACCOUNT_TYPE_ACCOUNT) {
            return None;
        }
        let state = data[108];
        (state == 1 || state == 2).then_some(Self {
            program: *program,
            mint: key(data, 0),
            owner: key(data, 32),
            amount: number(data, 64),
            frozen: state == 2,
        })
    }
}

impl Mint {
    /// Reads the raw bytes; `None` if they are no initialised mint.
    pub fn decode(program: &Pubkey, data: &[u8]) -> Option<Self> {
        if !is_kind(program, data, MINT_LEN, ACCOUNT_TYPE_MINT) {
            return None;
        }
        (data[45] == 1).then_some(Self {
            program: *program,
            supply: number(data, 36),
            decimals: data[44],
            authority: (data[0] == 1).then(|| key(data, 4)),
        })
    }
}

/// Classic accounts are told by their length, Token-2022's longer ones by the type behind the 165th byte.
fn is_kind(program: &Pubkey, data: &[u8], len: usize, kind: u8) -> bool {
    if *program == TOKEN_PROGRAM {
        return data.len() == len;
    }
    *program == TOKEN_2022_PROGRAM && (data.len() == len || data.get(ACCOUNT_TYPE_OFFSET) == Some(&kind))
}

fn key(data: &[u8], at: usize) -> Pubkey {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&data[at..at + 32]);
    Pubkey::new_from_array(bytes)
}

fn number(data: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&data[at..at + 8]);
    u64::from_le_bytes(bytes)
}

impl Chain {
    /// A token account of either token program; `None` if nothing lives there.
    pub async fn token_account(&self, address: &Pubkey) -> Result<Option<TokenAccount>, ChainError> {
        let Some(account) = self.account(address).await? else {
            return Ok(None);
        };
        TokenAccount::decode(&account.owner, &account.data).map(Some).ok_or_else(|| not_a("token account", address))
    }

    /// Base units in a token account; `None` if it does not exist.
    pub async fn balance(&self, address: &Pubkey) -> Result<Option<u64>, ChainError> {
        Ok(self.token_account(address).await?.map(|account| account.amount))
    }

    /// A mint of either token program; `None` if nothing lives there.
    pub async fn mint(&self, address: &Pubkey) -> Result<Option<Mint>, ChainError> {
        let Some(account) = self.account(address).await? else {
            return Ok(None);
        };
        Mint::decode(&account.owner, &account.data).map(Some).ok_or_else(|| not_a("mint", address))
    }

    /// A mint that must exist.
    pub async fn expect_mint(&self, address: &Pubkey) -> Result<Mint, ChainError> {
        self.mint(address).await?.ok_or_else(|| ChainError::Missing { what: "the mint".to_owned(), address: *address })
    }
}

fn not_a(what: &str, address: &Pubkey) -> ChainError {
    ChainError::Answer { what: format!("read account {address}"), why: format!("it is not a {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account_bytes(len: usize) -> Vec<u8> {
        let mut data = vec![0; len];
        data[..32].fill(7);
        data[32..64].fill(9);
        data[64..72].copy_from_slice(&123_456_u64.to_le_bytes());
        data[108] = 2;
        data
    }

    #[test]
    fn a_token_account_of_both_programs_reads_alike() {
        let classic = TokenAccount::decode(&TOKEN_PROGRAM, &account_bytes(165)).unwrap();
        assert_eq!((classic.amount, classic.frozen), (123_456, true));
        let mut long = account_bytes(170);
        long[165] = 2;
        let extended = TokenAccount::decode(&TOKEN_2022_PROGRAM, &long).unwrap();
        assert_eq!(extended.mint, classic.mint);
    }

    #[test]
    fn a_mint_is_no_token_account_and_others_own_neither() {
        let mut mint = vec![0; 170];
        mint[36..44].copy_from_slice(&5_u64.to_le_bytes());
        (mint[44], mint[45], mint[165], mint[108]) = (6, 1, 1, 1);
        assert_eq!(TokenAccount::decode(&TOKEN_2022_PROGRAM, &mint), None);
        assert_eq!(Mint::decode(&TOKEN_2022_PROGRAM, &mint).unwrap().decimals, 6);
        assert_eq!(Mint::decode(&TOKEN_PROGRAM, &mint[..82]).unwrap().supply, 5);
        assert_eq!(Mint::decode(&Pubkey::new_unique(), &mint[..82]), None);
        assert_eq!(TokenAccount::decode(&TOKEN_PROGRAM, &[0; 165]), None);
    }
}
