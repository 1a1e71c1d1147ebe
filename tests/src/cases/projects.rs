//! Projects and their budgets.

use muster_network::{self as network, state::PointsFormula};

use super::Case;
use crate::world::*;

pub fn all() -> Vec<Case> {
    vec![
        create_project(),
        fund_project(),
        propose_owner(),
        accept_owner(),
        set_settler(),
        set_formula(),
        set_max_epoch_budget(),
        set_sale(),
        announce_withdrawal(),
        withdraw_budget(),
        close_project(),
    ]
}

fn create_project() -> Case {
    let world = World::with_network();
    let owner = world.owner.clone();
    let data = network::instruction::CreateProject { args: world.project_args() };
    let ix = network_ix(world.create_project_accounts(), data);
    Case::new("create_project", world, ix, vec![owner])
}

fn fund_project() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let source = at::ata(&owner.key(), &world.mint, &TOKEN);
    let data = network::instruction::FundProject { amount: TOKEN_UNIT };
    let ix = network_ix(world.fund_project_accounts(source), data);
    Case::new("fund_project", world, ix, vec![owner])
}

fn propose_owner() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let ix =
        network_ix(world.propose_owner_accounts(), network::instruction::ProposeOwner { key: world.settler.key() });
    Case::new("propose_owner", world, ix, vec![owner])
}

fn accept_owner() -> Case {
    let mut world = World::with_project();
    let next = world.settler.clone();
    world.propose_owner(next.key()).expect("the owner is proposed");
    let ix = network_ix(world.accept_owner_accounts(&next.key()), network::instruction::AcceptOwner {});
    Case::new("accept_owner", world, ix, vec![next])
}

fn set_settler() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let ix =
        network_ix(world.set_settler_accounts(), network::instruction::SetSettler { settler: world.authority.key() });
    Case::new("set_settler", world, ix, vec![owner])
}

fn set_formula() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let formula = PointsFormula { w_uptime: 1, w_task: 1, cap: 10_000, min_uptime_bps: 0 };
    let ix = network_ix(world.set_formula_accounts(), network::instruction::SetFormula { formula });
    Case::new("set_formula", world, ix, vec![owner])
}

fn set_max_epoch_budget() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let ix = network_ix(
        world.set_max_epoch_budget_accounts(),
        network::instruction::SetMaxEpochBudget { amount: MAX_BUDGET / 2 },
    );
    Case::new("set_max_epoch_budget", world, ix, vec![owner])
}

/// Resizes the collection too.
fn set_sale() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let data = network::instruction::SetSale { price: PRICE / 2, licences_max: 2_000 };
    let ix = network_ix(world.set_sale_accounts(&world.mint), data);
    Case::new("set_sale", world, ix, vec![owner])
}

fn announce_withdrawal() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let ix = network_ix(
        world.announce_withdrawal_accounts(),
        network::instruction::AnnounceWithdrawal { amount: TOKEN_UNIT },
    );
    Case::new("announce_withdrawal", world, ix, vec![owner])
}

fn withdraw_budget() -> Case {
    let mut world = World::with_project();
    let owner = world.owner.clone();
    world.announce_withdrawal(TOKEN_UNIT).expect("the withdrawal is announced");
    let ended = world.epoch();
    world.go_after(ended, 0);
    let destination = at::ata(&owner.key(), &world.mint, &TOKEN);
    let data = network::instruction::WithdrawBudget { amount: TOKEN_UNIT / 2 };
    let ix = network_ix(world.withdraw_budget_accounts(destination), data);
    Case::new("withdraw_budget", world, ix, vec![owner])
}

fn close_project() -> Case {
    let world = World::with_project();
    let owner = world.owner.clone();
    let ix = network_ix(world.close_project_accounts(), network::instruction::CloseProject {});
    Case::new("close_project", world, ix, vec![owner])
}
