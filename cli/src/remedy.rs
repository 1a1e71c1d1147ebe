//! What to do about a refusal: which account is to blame, and which command mends it.

use muster_client::chain::ChainError;
use solana_sdk::transaction::TransactionError;

use crate::error::CliError;

/// An error's sentence, with the account that is to blame and the remedy where they are known.
pub fn sentence(error: &CliError) -> String {
    let said = error.to_string();
    match error {
        CliError::Chain(ChainError::Program { error, logs, .. }) => {
            let account = blamed(logs);
            let blame = account.map(|name| format!("; the account to blame is {name}")).unwrap_or_default();
            let remedy = of_account(&error.name, account).or_else(|| of_refusal(&error.name));
            let remedy = remedy.map(|remedy| format!(": {remedy}")).unwrap_or_default();
            format!("{said}{blame}{remedy}")
        }
        CliError::Chain(ChainError::Transaction { error, .. }) if lacks_lamports(error) => {
            format!("{said}: send SOL to the signer, or name another payer by --keypair")
        }
        _ => said,
    }
}

/// The account that a constraint names in the logs.
fn blamed(logs: &[String]) -> Option<&str> {
    let named = |line: &'_ String| line.find("caused by account: ").map(|at| at + "caused by account: ".len());
    logs.iter().find_map(|line| named(line).and_then(|at| line[at..].split('.').next()))
}

fn lacks_lamports(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::AccountNotFound
            | TransactionError::InsufficientFundsForFee
            | TransactionError::InsufficientFundsForRent { .. }
    )
}

/// What to run when an account is missing, or is another one than it should be.
fn of_account(name: &str, account: Option<&str>) -> Option<&'static str> {
    if !matches!(name, "AccountNotInitialized" | "AccountOwnedByWrongProgram" | "AccountDiscriminatorNotFound") {
        return None;
    }
    Some(match account? {
        "network" | "oracle_set" => "create the network by `muster network init`",
        "config" | "bond_vault" => "create the jobs config by `muster jobs init`",
        "treasury" => "the authority allows the mint by `muster network allow-mint`",
        "project" | "distribution" | "budget_vault" => "`muster project show` lists the projects",
        "node" => "`muster node list` lists the nodes, `muster node bind` makes one",
        "tenure" => "`muster node show` names a node's tenure",
        "pool" => "`muster pool list` lists a project's pools",
        "split" => "make it by `muster split create`",
        "bond" => "open it by `muster bond open`",
        "job" => "`muster job list` lists the jobs; one that was closed is gone",
        "sponsorship" => "this wallet is no sponsor of the job",
        "view_set" => "no oracle has committed views of this epoch; see `muster epoch show`",
        "epoch" => "settle the epoch by `muster epoch settle`",
        "licence" | "licence_account" => "`muster licence list` names the licences and their holders",
        "source" | "payment_source" => "make the token account by receiving tokens, or name another by --source",
        "destination" | "payout" | "payment_destination" | "refund_account" => {
            "the token account that is to be paid does not exist; its owner makes it"
        }
        _ => return None,
    })
}

/// Who should have signed, or what comes first.
fn of_refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "NotAuthority" | "NotGuardian" | "NotTreasuryOwner" => {
            "`muster network show` names the key; sign with its file by --keypair"
        }
        "NotProjectOwner" | "NotSettler" => "`muster project show` names the key; sign with its file by --keypair",
        "NotOracle" => "`muster network show` lists the oracles; sign with the key of one by --keypair",
        "NotHolder" | "NotHolderOrOperator" | "NotOperator" => {
            "`muster node show` names the keys; sign with the right file by --keypair"
        }
        "NotSubmitter" => "`muster job show` names the submitter; sign with his file by --keypair",
        "Paused" => "`muster network show` says what is paused",
        "AccountFrozen" => "a bound licence is frozen: `muster node unbind`, then `muster node thaw`",
        "ResultWithNegativeLamports" => "send SOL to the signer, or name another payer by --keypair",
        "WrongSetVersion" | "OracleSetChangedSince" => "`muster network show` names the set in force; vote again",
        "EpochNotOver" | "ViewsOpen" | "DelayRuns" => "`muster epoch show` says when",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use muster_client::{errors::explain, muster_network};

    use super::*;

    fn refused(code: u32, logs: &[&str]) -> CliError {
        let error = Box::new(explain(&muster_network::ID, code));
        CliError::Chain(ChainError::Program {
            error,
            instruction: 0,
            logs: logs.iter().map(|&line| line.to_owned()).collect(),
        })
    }

    #[test]
    fn a_missing_account_is_named_with_the_command_that_makes_it() {
        let log = "Program log: AnchorError caused by account: split. Error Code: AccountNotInitialized. Error Number: \
                   3012. Error Message: The program expected this account to be already initialized.";
        let said = sentence(&refused(3012, &["Program x invoke [1]", log]));
        assert!(said.contains("the account to blame is split: make it by `muster split create`"), "{said}");
    }

    #[test]
    fn a_wrong_signer_hears_where_the_right_key_is_named() {
        let code = u32::from(muster_network::NetworkError::NotProjectOwner);
        let said = sentence(&refused(code, &[]));
        assert!(said.starts_with("the signer is not the project's owner") && said.contains("--keypair"), "{said}");
    }

    #[test]
    fn who_cannot_pay_hears_so() {
        let error = ChainError::Transaction { error: TransactionError::AccountNotFound, logs: Vec::new() };
        assert!(sentence(&CliError::Chain(error)).contains("send SOL"));
        assert_eq!(sentence(&CliError::Failed("no".to_owned())), "no");
    }
}
