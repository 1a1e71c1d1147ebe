//! What every command needs: settings, the chain, the signer, the oracles.

use std::{path::PathBuf, time::Duration};

use clap::{ArgMatches, Args};
use muster_client::{
    Instruction, Pubkey, Signature,
    accounts::ChainAccount,
    addresses,
    chain::{Chain, ChainError, Mint, SendOptions, Sent},
    muster_jobs::state::JobsConfig,
    muster_network::state::{Distribution, Network, OracleSet, Project, Tenure},
    shell::{
        keys,
        log::{self, LogSettings},
        settings::{self, Loaded},
        solana_cli::{SolanaCli, normalise_url},
    },
};
use serde::{Deserialize, Serialize};
use solana_sdk::signature::{Keypair, Signer};

use crate::{
    args::{Global, ProjectRef},
    error::{CliError, failed, usage},
    facts::Facts,
    oracles::Oracle,
    output::Answer,
};

/// Settings of file, environment and flags, the strongest last.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub struct Settings {
    /// RPC node: an address, or l(ocalhost), d(evnet), t(estnet). Default: the Solana CLI's.
    #[arg(long, short = 'u', visible_alias = "rpc-url", global = true, env = "MUSTER_RPC_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Key file that signs and pays. Default: the Solana CLI's.
    #[arg(long, short = 'k', global = true, env = "MUSTER_KEYPAIR", value_name = "FILE")]
    pub keypair: Option<PathBuf>,
    /// Base URLs of oracles, several times or separated by commas. Default: the on-chain set's.
    #[arg(
        long, global = true, env = "MUSTER_ORACLES", value_name = "URL", num_args = 1.., value_delimiter = ',',
    )]
    pub oracle: Option<Vec<String>>,
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogSettings,
}

/// See the module.
pub struct Context {
    pub loaded: Loaded<Settings>,
    pub chain: Chain,
    pub json: bool,
    pub base_units: bool,
    pub dry_run: bool,
}

impl Context {
    /// Merges the settings and starts the log.
    pub fn load(matches: &ArgMatches, global: &Global) -> Result<Self, CliError> {
        let solana = SolanaCli::load();
        let defaults = Settings {
            url: Some(solana.url()),
            keypair: Some(solana.keypair()),
            oracle: None,
            log: LogSettings::at("warn"),
        };
        let loaded = settings::load(matches, &global.settings, global.config.as_deref(), &defaults, &[])?;
        log::init(&loaded.settings.log)?;
        let url = normalise_url(loaded.settings.url.as_deref().unwrap_or_default());
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(usage(format!("the RPC node's address {url:?} is neither http:// nor https://")));
        }
        Ok(Self {
            chain: Chain::new(&url),
            loaded,
            json: global.json,
            base_units: global.base_units,
            dry_run: global.dry_run,
        })
    }

    /// Prints an answer in the form that was asked for.
    pub fn print(&self, answer: &Answer) {
        answer.print(self.json);
    }

    /// The key that signs and pays.
    pub fn signer(&self) -> Result<Keypair, CliError> {
        let path = self.loaded.settings.keypair.clone().unwrap_or_default();
        Ok(keys::read(&path)?)
    }

    /// As [`Context::signer`], who must be `key`; `role` says of whom, as "the project's owner".
    pub fn signer_as(&self, role: &str, key: &Pubkey) -> Result<Keypair, CliError> {
        let signer = self.signer()?;
        let own = signer.pubkey();
        match own == *key {
            true => Ok(signer),
            false => Err(usage(format!("the signer {own} is not {role} {key}: name that key's file by --keypair"))),
        }
    }

    /// As [`Context::signer`], who must be an oracle of the set in force.
    pub async fn signer_as_oracle(&self) -> Result<(Keypair, OracleSet), CliError> {
        let signer = self.signer()?;
        let set = self.oracle_set().await?;
        match set.position(&signer.pubkey()) {
            Some(_) => Ok((signer, set)),
            None => Err(usage(format!(
                "the signer {} is no oracle of the set: name the key file of one by --keypair; `muster network show` \
                 lists them",
                signer.pubkey()
            ))),
        }
    }

    /// Sends, and answers with what that did and the signature.
    pub async fn done(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        facts: Facts,
    ) -> Result<Answer, CliError> {
        let signature = self.send(instructions, signers).await?;
        Ok(facts.say("signature", signature).answer())
    }

    /// Signs with `signers`, the first of which pays, sends, and waits until it is confirmed. A dry run ends here.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Signature, CliError> {
        Ok(self.send_with(instructions, signers, SendOptions::default()).await?.signature)
    }

    /// As [`Context::send`], with a compute budget.
    pub async fn send_with(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        options: SendOptions,
    ) -> Result<Sent, CliError> {
        if self.dry_run {
            let simulated = self.chain.simulate(instructions, signers, options).await?;
            return Err(CliError::DryRun(Box::new(simulated)));
        }
        Ok(self.chain.send_with(instructions, signers, options).await?)
    }

    /// The network, which must be initialised.
    pub async fn network(&self) -> Result<Network, CliError> {
        self.expect_or("the network", &addresses::network(), "create it by `muster network init`").await
    }

    /// The oracle set.
    pub async fn oracle_set(&self) -> Result<OracleSet, CliError> {
        self.expect_or("the oracle set", &addresses::oracle_set(), "create it by `muster network init`").await
    }

    /// The jobs program's config.
    pub async fn jobs_config(&self) -> Result<JobsConfig, CliError> {
        self.expect_or("the jobs config", &addresses::jobs_config(), "create it by `muster jobs init`").await
    }

    /// A project's distribution.
    pub async fn distribution(&self, project: &Pubkey) -> Result<Distribution, CliError> {
        self.expect("the project's distribution", &addresses::distribution(project)).await
    }

    /// A tenure.
    pub async fn tenure(&self, address: &Pubkey) -> Result<Tenure, CliError> {
        self.expect_or("the tenure", address, "`muster node show` names a node's tenure").await
    }

    /// A project by index or address.
    pub async fn project(&self, project: &ProjectRef) -> Result<(Pubkey, Project), CliError> {
        let address = project.address();
        let what = format!("project {project}");
        Ok((address, self.expect_or(&what, &address, "`muster project show` lists the projects").await?))
    }

    /// An account that must exist.
    pub async fn expect<T: ChainAccount>(&self, what: &str, address: &Pubkey) -> Result<T, CliError> {
        Ok(self.chain.expect(what, address).await?)
    }

    /// An account that must exist; `remedy` says what makes it or where to look.
    pub async fn expect_or<T: ChainAccount>(
        &self,
        what: &str,
        address: &Pubkey,
        remedy: &'static str,
    ) -> Result<T, CliError> {
        let found = self.chain.fetch(address).await?;
        found.ok_or_else(|| CliError::Absent { what: what.to_owned(), address: *address, remedy })
    }

    /// A mint and the token program that owns it.
    pub async fn mint(&self, address: &Pubkey) -> Result<Mint, CliError> {
        Ok(self.chain.expect_mint(address).await?)
    }

    /// The oracles to ask: those named, else those of the on-chain set that have a URL.
    pub async fn oracles(&self) -> Result<Vec<Oracle>, CliError> {
        let named = self.loaded.settings.oracle.clone().unwrap_or_default();
        let urls = if named.is_empty() {
            let set = self.oracle_set().await?;
            set.active().iter().map(|oracle| oracle.url().to_owned()).filter(|url| !url.is_empty()).collect()
        } else {
            named
        };
        if urls.is_empty() {
            return Err(usage("no oracle is known: name one by --oracle URL"));
        }
        urls.iter().map(|url| Oracle::new(url)).collect()
    }

    /// Compute units of a confirmed transaction, once the node shows it.
    pub async fn compute_units(&self, sent: &Sent) -> Option<u64> {
        for _ in 0..10 {
            if let Ok(Some(info)) = self.chain.transaction(&sent.signature).await {
                return info.compute_units;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        None
    }

    /// Base units of an amount argument.
    pub fn to_base_units(&self, amount: &crate::amount::Amount, decimals: u8) -> Result<u64, CliError> {
        amount.base_units(decimals, self.base_units).map_err(usage)
    }
}

/// An account that is absent although it must be there by the chain's own rules.
pub fn missing(what: &str, address: &Pubkey) -> CliError {
    CliError::Chain(ChainError::Missing { what: what.to_owned(), address: *address })
}

/// Waits for `check` to give a value, until `timeout`. `what` completes "waited 30 s for".
pub async fn wait_for<T, F>(
    what: &str,
    timeout: Duration,
    every: Duration,
    mut check: impl FnMut() -> F,
) -> Result<T, CliError>
where
    F: Future<Output = Result<Option<T>, CliError>>,
{
    let started = tokio::time::Instant::now();
    loop {
        if let Some(value) = check().await? {
            return Ok(value);
        }
        if started.elapsed() >= timeout {
            return Err(failed(format!("waited {} s for {what}, in vain", timeout.as_secs())));
        }
        tokio::time::sleep(every).await;
    }
}
