//! One file per noun.

mod audit;
mod bond;
mod claim;
mod epoch;
mod job;
mod jobs;
mod ledger;
mod licence;
mod mint;
mod network;
mod node;
mod pool;
mod poot;
mod project;
mod split;

use crate::{
    args::{Command, ConfigCommand},
    context::Context,
    error::CliError,
    output::Answer,
    reference,
};

/// Runs a command and prints its answer.
pub async fn run(context: &Context, command: Command) -> Result<(), CliError> {
    let answer = match command {
        Command::Network(command) => network::run(context, command).await?,
        Command::Mint(command) => mint::run(context, command).await?,
        Command::Project(command) => project::run(context, command).await?,
        Command::Licence(command) => licence::run(context, command).await?,
        Command::Node(command) => node::run(context, command).await?,
        Command::Split(command) => split::run(context, command).await?,
        Command::Pool(command) => pool::run(context, command).await?,
        Command::Poot(command) => poot::run(context, command).await?,
        Command::Jobs(command) => jobs::run(context, command).await?,
        Command::Bond(command) => bond::run(context, command).await?,
        Command::Job(command) => job::run(context, command).await?,
        Command::Epoch(command) => epoch::run(context, command).await?,
        Command::Ledger(command) => ledger::run(context, command).await?,
        Command::Claim(args) => claim::run(context, args).await?,
        Command::Audit(args) => return audit::run(context, args).await,
        Command::Config(ConfigCommand::Show) => Answer::text(context.loaded.text(), context.loaded.json()),
        Command::Reference => Answer::text(reference::text(), serde_json::Value::Null),
    };
    context.print(&answer);
    Ok(())
}
