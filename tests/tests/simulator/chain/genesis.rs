//! The accounts that a run begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anchor_lang::AccountDeserialize;
use anchor_lang::prelude::Pubkey;
use bytemuck::Zeroable;
use muster_client::addresses;
use muster_network::state::{Distribution, Network, OracleSet, PointsFormula, Project, node_status, reward_mode};

use super::super::plan::{BUCKET_S, EPOCH_S, GRACE_S, Plan, ROOT_DELAY_S};
use super::state::{Ix, ProjectState, State};

/// An account whose fields are all zero.
fn zeroed<T: AccountDeserialize>() -> T {
    let zeros = vec![0; 4096];
    T::try_deserialize_unchecked(&mut zeros.as_slice()).expect("zeros are a value of every field")
}

fn oracle_set(plan: &Plan) -> OracleSet {
    let mut set = OracleSet::zeroed();
    for (entry, oracle) in set.oracles.iter_mut().zip(&plan.oracles) {
        entry.key = oracle.key().into();
        entry.put_url(&oracle.url);
    }
    let count = plan.oracles.len() as u8;
    (set.count, set.set_version, set.threshold) = (count, 1, plan.threshold);
    set
}

/// A network with its projects, oracles and nodes, one second before the first epoch of the run.
pub fn genesis(plan: &Plan) -> State {
    let start_s = (plan.first_epoch * EPOCH_S) as i64;
    let mut network: Network = zeroed();
    (network.epoch_len, network.bucket_len) = (EPOCH_S as u32, BUCKET_S as u32);
    (network.grace, network.root_delay, network.hold_limit) = (GRACE_S, ROOT_DELAY_S, 1_000_000);
    (network.fee_bps, network.next_fee_bps) = (2_000, 2_000);
    let mut state = State {
        slot: 1_000,
        clock_s: start_s - 90,
        network,
        set: oracle_set(plan),
        projects: BTreeMap::new(),
        view_sets: BTreeMap::new(),
        fees: plan.oracles.iter().map(|oracle| (oracle.key(), u32::MAX)).collect(),
        plant: plan.plant,
    };
    for of in &plan.projects {
        let mut project: Project = zeroed();
        project.settler = of.settler_key().into();
        let formula = PointsFormula { w_uptime: 8_000, w_task: 2_000, cap: 10_000, min_uptime_bps: of.min_uptime_bps };
        (project.formula, project.next_formula) = (formula, formula);
        (project.max_epoch_budget, project.next_max_epoch_budget) = (u64::MAX, u64::MAX);
        project.next_epoch = plan.first_epoch;
        let mut distribution = Distribution::zeroed();
        distribution.project = of.address.into();
        distribution.epoch_len = EPOCH_S as u32;
        // Its own address, by which leaves are bound to it.
        distribution.vault = addresses::distribution(&of.address.into());
        if of.is_external {
            (project.reward_mode, distribution.reward_mode) = (reward_mode::EXTERNAL, reward_mode::EXTERNAL);
        }
        let funds = 1_000_000_000;
        let made = ProjectState {
            project,
            distribution,
            epochs: BTreeMap::new(),
            nodes: BTreeMap::new(),
            tenures: BTreeMap::new(),
            events: Arc::default(),
            budget: funds,
            vault: 0,
            treasury: 0,
            paid: 0,
            funded: funds,
            keys: BTreeSet::new(),
        };
        state.projects.insert(of.address, made);
    }
    for node in &plan.nodes {
        let project = plan.projects[node.project].address;
        let (address, node_key) = (node.address(), Pubkey::from(node.key(0)));
        let bind = Ix::Bind { project, node: address, tenure: node.tenure(0), node_key, holder: node.holder(0) };
        state.apply(&bind).expect("a bind at genesis");
        state.apply(&Ix::Accept { project, node: address }).expect("an accept at genesis");
        debug_assert_eq!(state.projects[&project].nodes[&address].status, node_status::ACTIVE);
    }
    state.clock_s = start_s - 1;
    state
}
