mod export;
mod money;
mod owner;
mod rules;
mod serve;

use muster_client::{
    Pubkey,
    accounts::ChainAccount,
    addresses, instructions,
    muster_network::{
        CreateProjectArgs,
        state::{PointsFormula, Project, licence_standard, reward_mode},
    },
};
use serde_json::{Value, json};
use solana_sdk::signature::Signer;

use crate::{
    amount::tokens,
    args::{ProjectCommand, ProjectCreate, ProjectRef, RewardMode},
    context::Context,
    error::CliError,
    output::Answer,
};

pub async fn run(context: &Context, command: ProjectCommand) -> Result<Answer, CliError> {
    match command {
        ProjectCommand::Create(args) => create(context, args).await,
        ProjectCommand::Fund(args) => money::fund(context, args).await,
        ProjectCommand::Show { project: Some(project) } => show(context, &project).await,
        ProjectCommand::Show { project: None } => list(context).await,
        ProjectCommand::ProposeOwner { project, key } => owner::propose(context, &project, key).await,
        ProjectCommand::AcceptOwner { project } => owner::accept(context, &project).await,
        ProjectCommand::SetSettler { project, settler } => owner::set_settler(context, &project, settler).await,
        ProjectCommand::SetFormula(args) => rules::set_formula(context, args).await,
        ProjectCommand::SetBudget { project, amount } => rules::set_budget(context, &project, &amount).await,
        ProjectCommand::SetSale(args) => rules::set_sale(context, args).await,
        ProjectCommand::AnnounceWithdrawal { project, amount } => money::announce(context, &project, &amount).await,
        ProjectCommand::Withdraw(args) => money::withdraw(context, args).await,
        ProjectCommand::Close { project, .. } => owner::close(context, &project).await,
        ProjectCommand::LinkCollection(args) => rules::link_collection(context, args).await,
        ProjectCommand::TopUp(args) => money::top_up(context, args).await,
        ProjectCommand::Serve(args) => serve::run(context, args).await,
        ProjectCommand::Export(args) => export::run(context, args).await,
    }
}

async fn create(context: &Context, args: ProjectCreate) -> Result<Answer, CliError> {
    let owner = context.signer()?;
    let network = context.network().await?;
    let reward_mint = args.reward_mint.unwrap_or(network.job_mint);
    let payment_mint = args.payment_mint.unwrap_or(network.job_mint);
    let reward = context.mint(&reward_mint).await?;
    let payment = context.mint(&payment_mint).await?;
    let arguments = CreateProjectArgs {
        index: network.project_count,
        settler: args.settler.unwrap_or_else(|| owner.pubkey()),
        price: context.to_base_units(&args.price, payment.decimals)?,
        licences_max: args.licences_max,
        formula: PointsFormula {
            w_uptime: args.w_uptime,
            w_task: args.w_task,
            cap: args.cap,
            min_uptime_bps: args.min_uptime_bps,
        },
        max_epoch_budget: context.to_base_units(&args.max_epoch_budget, reward.decimals)?,
        reward_mode: match args.reward_mode {
            RewardMode::Onchain => reward_mode::ONCHAIN,
            RewardMode::External => reward_mode::EXTERNAL,
        },
        name: args.name,
        uri: args.uri,
    };
    let index = arguments.index;
    let instruction =
        instructions::create_project(&owner.pubkey(), &reward_mint, &payment_mint, &reward.program, arguments);
    // The owner's account for the payments, so that the first buyer need not make it.
    let account = instructions::create_ata(&owner.pubkey(), &owner.pubkey(), &payment_mint, &payment.program);
    let signature = context.send(&[instruction, account], &[&owner]).await?;
    let project = addresses::project(index);
    let json = json!({
        "signature": signature.to_string(),
        "project": project.to_string(),
        "index": index,
        "collection": addresses::group(&project).to_string(),
        "distribution": addresses::distribution(&project).to_string(),
        "budget_vault": addresses::budget_vault(&project).to_string(),
    });
    let lines = [
        ("project", project.to_string()),
        ("index", index.to_string()),
        ("collection", addresses::group(&project).to_string()),
        ("signature", signature.to_string()),
    ];
    Ok(Answer::new(&lines, json))
}

async fn show(context: &Context, project: &ProjectRef) -> Result<Answer, CliError> {
    let (address, project) = context.project(project).await?;
    let mint = context.mint(&project.reward_mint).await?;
    let payment = context.mint(&project.payment_mint).await?;
    let vault = addresses::budget_vault(&address);
    let distribution = context.distribution(&address).await?;
    let balance = context.chain.balance(&vault).await?.unwrap_or(0);
    let formula = project.formula;
    let lines = [
        ("project", format!("{address} (index {})", project.index)),
        ("name", project.name().to_owned()),
        ("owner", project.owner.to_string()),
        ("settler", project.settler.to_string()),
        ("state", if project.closed { "closed" } else { "open" }.to_owned()),
        ("licences", standard_name(project.standard).to_owned()),
        ("licences sold", format!("{} of {}", project.licences_sold, project.licences_max)),
        ("price", tokens(project.price, payment.decimals)),
        ("budget vault", tokens(balance, mint.decimals)),
        ("budget per epoch", format!("{} at most", tokens(project.max_epoch_budget, mint.decimals))),
        (
            "points",
            format!(
                "{} by uptime, {} by tasks, at most {}, from {} bps uptime on",
                formula.w_uptime, formula.w_task, formula.cap, formula.min_uptime_bps
            ),
        ),
        ("tenures", project.leaf_count.to_string()),
        ("next epoch", project.next_epoch.to_string()),
        ("allocated", tokens(distribution.allocated, mint.decimals)),
        ("claimed", tokens(distribution.claimed, mint.decimals)),
    ];
    let mut json = project_json(&address, &project);
    json["budget_balance"] = balance.to_string().into();
    json["allocated"] = distribution.allocated.to_string().into();
    json["claimed"] = distribution.claimed.to_string().into();
    json["open_state"] = distribution.open_state.into();
    json["open_epoch"] = distribution.open_epoch.into();
    Ok(Answer::new(&lines, json))
}

async fn list(context: &Context) -> Result<Answer, CliError> {
    let projects = context.chain.all::<Project>().await?;
    let rows: Vec<Vec<String>> = projects
        .iter()
        .map(|(address, project)| {
            vec![
                project.index.to_string(),
                project.name().to_owned(),
                address.to_string(),
                format!("{}/{}", project.licences_sold, project.licences_max),
            ]
        })
        .collect();
    let all: Vec<Value> = projects.iter().map(|(address, project)| project_json(address, project)).collect();
    let empty = format!("no {} exists yet", Project::NAME.to_lowercase());
    Ok(Answer::table(&["INDEX", "NAME", "ADDRESS", "SOLD"], &rows, &empty, json!({"projects": all})))
}

/// A licence standard in words.
fn standard_name(standard: u8) -> &'static str {
    match standard {
        licence_standard::TOKEN_2022 => "its own",
        licence_standard::CORE => "Metaplex Core",
        licence_standard::TOKEN_METADATA => "Metaplex Token Metadata",
        _ => "unknown",
    }
}

fn project_json(address: &Pubkey, project: &Project) -> Value {
    let formula = project.formula;
    json!({
        "project": address.to_string(),
        "index": project.index,
        "name": project.name(),
        "uri": project.uri(),
        "owner": project.owner.to_string(),
        "settler": project.settler.to_string(),
        "collection": project.collection.to_string(),
        "distribution": addresses::distribution(address).to_string(),
        "budget_vault": addresses::budget_vault(address).to_string(),
        "reward_mint": project.reward_mint.to_string(),
        "payment_mint": project.payment_mint.to_string(),
        "price": project.price.to_string(),
        "licences_max": project.licences_max,
        "licences_sold": project.licences_sold,
        "formula": {
            "w_uptime": formula.w_uptime,
            "w_task": formula.w_task,
            "cap": formula.cap.to_string(),
            "min_uptime_bps": formula.min_uptime_bps,
        },
        "next_formula_epoch": project.next_formula_epoch,
        "pending_owner": (project.pending_owner != Pubkey::default()).then(|| project.pending_owner.to_string()),
        "closed": project.closed,
        "standard": standard_name(project.standard),
        "reward_mode": if project.reward_mode == reward_mode::EXTERNAL { "external" } else { "onchain" },
        "withdraw_amount": project.withdraw_amount.to_string(),
        "withdraw_at": project.withdraw_at,
        "pool_count": project.pool_count,
        "max_epoch_budget": project.max_epoch_budget.to_string(),
        "leaf_count": project.leaf_count,
        "next_epoch": project.next_epoch,
    })
}
