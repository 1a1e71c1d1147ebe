//! What a year of claims costs, with and without an account for every claim.

use std::fmt;

use muster_tests::world::World;
use serde_json::{Value, json};

use super::NAME;

const NODES: u64 = 1_000_000;
const CLAIMS_A_YEAR: u64 = 52;
/// Lamports of a signature.
const FEE: u64 = 5_000;
/// Data bytes of the account that Jito's merkle-distributor makes for every claim.
const CLAIM_STATUS_LEN: usize = 64;

/// Lamports that weekly claims of a million nodes cost in a year.
pub struct Yearly {
    fees: u64,
    rent_of_claim_accounts: u64,
}

/// The rent is what the virtual machine asks.
pub fn yearly() -> Yearly {
    let claims = NODES * CLAIMS_A_YEAR;
    let rent = World::bare().svm.inner.minimum_balance_for_rent_exemption(CLAIM_STATUS_LEN);
    Yearly { fees: claims * FEE, rent_of_claim_accounts: claims * rent }
}

impl Yearly {
    pub fn to_json(&self) -> Value {
        let Self { fees, rent_of_claim_accounts } = self;
        json!({
            "bench": NAME, "yearly": "1M nodes claim weekly", "unit": "lamports", "claims": NODES * CLAIMS_A_YEAR,
            "cumulative": fees, "account_per_claim": fees + rent_of_claim_accounts,
        })
    }
}

impl fmt::Display for Yearly {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { fees, rent_of_claim_accounts } = self;
        writeln!(f, "1M nodes that claim weekly, lamports a year (5,000 a signature)")?;
        writeln!(f, "{:<52} {:>20}", "cumulative claims: fees, no account", fees)?;
        write!(f, "{:<52} {:>20}", "an account for every claim: fees and rent", fees + rent_of_claim_accounts)
    }
}
