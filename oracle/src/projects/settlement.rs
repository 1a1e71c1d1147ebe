//! A settlement that somebody else signs: what the program is told, as an unsigned transaction.

use muster_network::SettleEpochArgs;
use muster_network::state::{Project, reward_mode};
use muster_protocol::dataset::Dataset;
use muster_protocol::split::fee_and_pool;
use muster_protocol::wire::WireError;
use serde_json::{Value, json};

/// Why a settlement is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// A budget where nothing is paid, or none where something is.
    #[error("{0}")]
    Budget(String),
    /// Nobody earned anything.
    #[error("nobody earned a point in this epoch: only a budget of 0 can be settled")]
    NoPoints,
    /// The dataset is not good.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// What a settlement states. `None` as the budget of a project that pays elsewhere; a budget of 0 ends an epoch without
/// any statement.
pub fn arguments(
    project: &Project,
    dataset: &Dataset,
    budget: Option<u64>,
    vault_balance: u64,
) -> Result<SettleEpochArgs, SettleError> {
    let epoch = dataset.header.epoch.get();
    let is_external = project.reward_mode == reward_mode::EXTERNAL;
    let amount = match (budget, is_external) {
        (Some(amount), true) if amount > 0 => {
            let why = "this project's rewards are paid elsewhere: leave the budget out";
            return Err(SettleError::Budget(why.into()));
        }
        (None, false) => return Err(SettleError::Budget("name the budget, in base units of the reward mint".into())),
        (amount, _) => amount.unwrap_or(0),
    };
    let most = project.max_budget_at(epoch);
    if amount > most {
        let why = format!("the budget of {amount} base units is above the project's {most} an epoch");
        return Err(SettleError::Budget(why));
    }
    if amount > vault_balance {
        let why = format!("the budget vault has {vault_balance} base units, {amount} are needed");
        return Err(SettleError::Budget(why));
    }
    let states_nothing = if is_external { budget.is_some() } else { amount == 0 };
    if states_nothing {
        return Ok(SettleEpochArgs {
            epoch,
            points_root: [0; 32],
            total_points: 0,
            node_count: 0,
            budget: 0,
            dataset_hash: [0; 32],
            scores_hash: [0; 32],
        });
    }
    let total_points = dataset.total_points();
    if total_points == 0 {
        return Err(SettleError::NoPoints);
    }
    Ok(SettleEpochArgs {
        epoch,
        points_root: dataset.points_root()?,
        total_points,
        node_count: u32::try_from(dataset.rows.len()).unwrap_or(u32::MAX),
        budget: amount,
        dataset_hash: dataset.hash()?,
        scores_hash: dataset.header.scores_hash,
    })
}

/// What a settlement states, for people to check before they sign.
pub fn statement(arguments: &SettleEpochArgs, fee_bps: u16) -> Value {
    let (fee, node_pool) = fee_and_pool(arguments.budget, fee_bps);
    json!({
        "epoch": arguments.epoch,
        "budget": arguments.budget.to_string(),
        "fee": fee.to_string(),
        "node_pool": node_pool.to_string(),
        "total_points": arguments.total_points.to_string(),
        "node_count": arguments.node_count,
        "points_root": hex::encode(arguments.points_root),
        "dataset_hash": hex::encode(arguments.dataset_hash),
        "scores_hash": hex::encode(arguments.scores_hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projects::export::tests::dataset;

    fn project(mode: u8) -> Project {
        let mut project = zeroed_project();
        (project.reward_mode, project.max_epoch_budget, project.next_max_epoch_budget) = (mode, 1_000, 1_000);
        project
    }

    /// A project of zeros.
    fn zeroed_project() -> Project {
        use anchor_lang::AnchorDeserialize;
        Project::deserialize(&mut [0u8; 4_096].as_slice()).unwrap()
    }

    #[test]
    fn a_prepared_settlement_states_the_dataset_and_a_budget_within_the_rules() {
        let (data, owned) = (dataset(), project(reward_mode::ONCHAIN));
        let made = arguments(&owned, &data, Some(1_000), 1_000).unwrap();
        assert_eq!((made.budget, made.total_points, made.node_count), (1_000, 4_000, 2));
        assert_eq!((made.dataset_hash, made.points_root), (data.hash().unwrap(), data.points_root().unwrap()));
        let said = statement(&made, 2_000);
        assert_eq!((&said["fee"], &said["node_pool"]), (&"200".into(), &"800".into()));
        for (budget, vault) in [(Some(1_001), 5_000), (Some(1_000), 999), (None, 5_000)] {
            assert!(matches!(arguments(&owned, &data, budget, vault), Err(SettleError::Budget(_))), "{budget:?}");
        }
        // A budget of 0 is final at once and states nothing.
        let empty = arguments(&owned, &data, Some(0), 0).unwrap();
        assert_eq!((empty.budget, empty.points_root, empty.dataset_hash), (0, [0; 32], [0; 32]));
    }

    #[test]
    fn a_project_that_pays_elsewhere_states_its_points_without_a_budget() {
        let (data, external) = (dataset(), project(reward_mode::EXTERNAL));
        let made = arguments(&external, &data, None, 0).unwrap();
        assert_eq!((made.budget, made.dataset_hash), (0, data.hash().unwrap()));
        assert!(matches!(arguments(&external, &data, Some(1), 5), Err(SettleError::Budget(_))));
        assert_eq!(arguments(&external, &data, Some(0), 0).unwrap().points_root, [0; 32]);
        let mut nobody = data;
        nobody.rows.clear();
        assert!(matches!(arguments(&external, &nobody, None, 0), Err(SettleError::NoPoints)));
    }
}
