//! Whose signature is good for what. Pure.

use crate::registry::{NodeInfo, ProjectInfo, Registry};

/// A key that is none: what an account holds where nobody is named.
const NOBODY: [u8; 32] = [0; 32];

/// The project's owner or settler.
pub fn manages(project: &ProjectInfo, key: &[u8; 32]) -> bool {
    *key != NOBODY && (*key == project.owner || *key == project.settler)
}

/// The holder or operator of a node's current tenure, the node's own key, or who manages its project.
pub fn asks_about(registry: &Registry, node: &NodeInfo, key: &[u8; 32]) -> bool {
    let runs =
        registry.tenures.get(&node.tenure).is_some_and(|tenure| tenure.holder == *key || tenure.operator == *key);
    let manages = registry.projects.get(&node.project).is_some_and(|project| manages(project, key));
    *key != NOBODY && (runs || manages || *key == node.node_key)
}

/// Who manages a project, an oracle of the set, or who runs a node of the project.
pub fn calculates(registry: &Registry, project: &ProjectInfo, key: &[u8; 32]) -> bool {
    if *key == NOBODY {
        return false;
    }
    if manages(project, key) || registry.oracle_set.position(key).is_some() {
        return true;
    }
    let of_node = registry.nodes.get(key).is_some_and(|node| node.project == project.project);
    let runs = |tenure: &crate::registry::TenureInfo| {
        tenure.project == project.project && (tenure.holder == *key || tenure.operator == *key)
    };
    of_node || registry.tenures.values().any(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{OraclePeer, TenureInfo};
    use muster_client::muster_network::state::node_status;
    use muster_protocol::points::Formula;

    const OWNER: [u8; 32] = [1; 32];
    const SETTLER: [u8; 32] = [2; 32];
    const HOLDER: [u8; 32] = [3; 32];
    const OPERATOR: [u8; 32] = [4; 32];
    const KEY: [u8; 32] = [5; 32];
    const ORACLE: [u8; 32] = [6; 32];

    /// Project 1 with one node; project 2 of somebody else.
    fn registry() -> (Registry, NodeInfo) {
        let mut registry = Registry::default();
        let formula = Formula::default();
        for (project, owner, settler) in [([10; 32], OWNER, SETTLER), ([20; 32], [7; 32], NOBODY)] {
            let info = ProjectInfo {
                project,
                distribution: [11; 32],
                owner,
                settler,
                next_epoch: 0,
                formulas: (formula, formula),
                next_formula_epoch: 0,
                seq: 0,
            };
            registry.projects.insert(project, info);
        }
        let node = NodeInfo {
            node: [12; 32],
            project: [10; 32],
            node_key: KEY,
            tenure: [13; 32],
            status: node_status::ACTIVE,
            accepted_at: 1,
            suspended: (0, 0),
            until_epoch: u64::MAX,
            maintenance: (0, 0),
        };
        registry.nodes.insert(KEY, node.clone());
        for (tenure, operator) in [([13; 32], OPERATOR), ([14; 32], NOBODY)] {
            let info = TenureInfo {
                tenure,
                node: [12; 32],
                project: [10; 32],
                holder: if operator == OPERATOR { HOLDER } else { [8; 32] },
                operator,
                leaf_index: 0,
                until_epoch: u64::MAX,
            };
            registry.tenures.insert(tenure, info);
        }
        registry.oracle_set.oracles.push(OraclePeer { key: ORACLE, url: String::new() });
        (registry, node)
    }

    #[test]
    fn each_key_may_do_its_own_and_nothing_else() {
        let (registry, node) = registry();
        let (mine, other) = (&registry.projects[&[10; 32]], &registry.projects[&[20; 32]]);
        let may = |key| {
            let asks = asks_about(&registry, &node, &key);
            [manages(mine, &key), asks, calculates(&registry, mine, &key), calculates(&registry, other, &key)]
        };
        assert_eq!([OWNER, SETTLER].map(may), [[true, true, true, false]; 2]);
        assert_eq!([HOLDER, OPERATOR, KEY].map(may), [[false, true, true, false]; 3]);
        assert_eq!(may(ORACLE), [false, false, true, true]);
        assert_eq!(may([8; 32]), [false, false, true, false], "the holder of a tenure that was");
        assert_eq!([NOBODY, [9; 32]].map(may), [[false; 4]; 2]);
    }
}
