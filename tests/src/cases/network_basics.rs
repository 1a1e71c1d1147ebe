//! The network's and the jobs program's beginning, and the oracle set.

use muster_jobs as jobs;
use muster_network as network;

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![initialize_network(), set_oracle_set(), initialize_jobs()]
}

fn initialize_network() -> Case {
    let world = World::bare();
    let signer = world.upgrade_authority.clone();
    let data = network::instruction::InitializeNetwork { args: world.network_args() };
    let ix = network_ix(world.initialize_network_accounts(), data);
    Case::new("initialize_network", world, ix, vec![signer])
}

fn set_oracle_set() -> Case {
    let world = World::with_network();
    let authority = world.authority.clone();
    let mut oracles = world.oracle_args();
    oracles.pop();
    let ix = network_ix(world.set_oracle_set_accounts(), network::instruction::SetOracleSet { oracles });
    Case::new("set_oracle_set", world, ix, vec![authority])
}

fn initialize_jobs() -> Case {
    let mut world = World::bare();
    world.initialize_network(world.network_args()).expect("the network is initialised");
    let authority = world.authority.clone();
    let data = jobs::instruction::InitializeJobs { args: world.jobs_args() };
    let ix = jobs_ix(world.initialize_jobs_accounts(), data, &[]);
    Case::new("initialize_jobs", world, ix, vec![authority])
}
