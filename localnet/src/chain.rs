//! An embedded Solana with both programs deployed: surfpool, offline, a block every 400 ms.
//!
//! What differs from a validator, and what follows for those who use it:
//! - its two ports are picked by surfpool among the free ones, so the URL is only known after the start;
//! - in its default mode blocks are made for transactions only and the clock stands still: ours follows the clock;
//! - account reads answer the tip's state at every commitment, while signatures become final after 31 slots (12.4 s);
//! - a program written by its cheat code belongs to the system program unless an authority is named, which the SDK's
//!   `DeployProgram` cannot do: `initialize_network` wants to be signed by it, so the call is made here.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{
    pubkey::Pubkey,
    signature::{Keypair, Signer},
};
use surfpool_sdk::{BlockProductionMode, Surfnet};

const SLOT_MS: u64 = 400;
/// What every wallet starts with.
pub const AIRDROP_LAMPORTS: u64 = 1_000_000_000_000;
const PROGRAM_WAIT: Duration = Duration::from_secs(20);

/// A running chain; dropping it ends it.
pub struct LocalChain {
    surfnet: Surfnet,
}

impl LocalChain {
    /// Starts the chain, gives SOL to `authority` and to `wallets`, and deploys `programs` (address and `.so` file)
    /// with `authority` as their upgrade authority.
    pub async fn start(authority: &Keypair, wallets: &[Pubkey], programs: &[(Pubkey, &Path)]) -> Result<Self> {
        let surfnet = Surfnet::builder()
            .offline(true)
            .block_production_mode(BlockProductionMode::Clock)
            .slot_time_ms(SLOT_MS)
            .payer(authority.insecure_clone())
            .airdrop_addresses(wallets.to_vec())
            .airdrop_sol(AIRDROP_LAMPORTS)
            .start()
            .await
            .context("the embedded Solana did not start")?;
        let chain = Self { surfnet };
        for (address, file) in programs {
            chain.deploy(address, file, &authority.pubkey())?;
        }
        chain.wait_for_programs(programs).await?;
        Ok(chain)
    }

    /// Its JSON-RPC address.
    pub fn rpc_url(&self) -> &str {
        self.surfnet.rpc_url()
    }

    /// Ends the chain and frees its ports.
    pub fn stop(mut self) -> Result<()> {
        self.surfnet.stop().context("the embedded Solana did not stop")
    }

    fn deploy(&self, address: &Pubkey, file: &Path, authority: &Pubkey) -> Result<()> {
        let program =
            std::fs::read(file).with_context(|| format!("{} is not there: run toolchain/build", file.display()))?;
        let request = RpcRequest::Custom { method: "surfnet_writeProgram" };
        let arguments = serde_json::json!([address.to_string(), hex::encode(program), 0, authority.to_string()]);
        let rpc = self.surfnet.rpc_client();
        rpc.send::<serde_json::Value>(request, arguments)
            .with_context(|| format!("{} could not be deployed", file.display()))?;
        Ok(())
    }

    /// A program can be called from the slot after the one that it was written in.
    async fn wait_for_programs(&self, programs: &[(Pubkey, &Path)]) -> Result<()> {
        let rpc = self.surfnet.rpc_client();
        let written = rpc.get_slot()?;
        let deadline = tokio::time::Instant::now() + PROGRAM_WAIT;
        while rpc.get_slot()? <= written {
            if tokio::time::Instant::now() > deadline {
                bail!("the embedded Solana makes no blocks: still at slot {written} after {PROGRAM_WAIT:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for (address, file) in programs {
            let account = rpc.get_account(address)?;
            if !account.executable {
                bail!("{} was deployed but cannot be called", file.display());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_commitment_config::CommitmentConfig;
    use solana_sdk::{sysvar, transaction::Transaction};

    /// What every part of the network asks of the chain, asked of this one.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_embedded_chain_answers_what_the_services_ask() {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy");
        let network = deploy.join("muster_network.so");
        let jobs = deploy.join("muster_jobs.so");
        let programs = [(muster_network::ID, network.as_path()), (muster_jobs::ID, jobs.as_path())];
        let (authority, wallet) = (Keypair::new(), Keypair::new());
        let chain = LocalChain::start(&authority, &[wallet.pubkey()], &programs).await.unwrap();
        let rpc = chain.surfnet.rpc_client();

        assert_ne!(rpc.get_genesis_hash().unwrap().to_bytes(), [0; 32]);
        assert_eq!(rpc.get_balance(&wallet.pubkey()).unwrap(), AIRDROP_LAMPORTS);
        assert_eq!(rpc.get_account(&sysvar::clock::ID).unwrap().data.len(), 40);
        let loader: Pubkey = "BPFLoaderUpgradeab1e11111111111111111111111".parse().unwrap();
        for (address, _) in programs {
            let (data, _) = Pubkey::find_program_address(&[address.as_ref()], &loader);
            let state = rpc.get_account(&data).unwrap().data;
            // enum tag u32, slot u64, Some, authority
            assert_eq!(state[12], 1);
            assert_eq!(state[13..45], authority.pubkey().to_bytes());
        }

        let transfer = solana_sdk::pubkey::Pubkey::new_unique();
        let instruction = solana_system_transfer(&wallet.pubkey(), &transfer, 10_000_000);
        let transaction = Transaction::new_signed_with_payer(
            &[instruction],
            Some(&wallet.pubkey()),
            &[&wallet],
            rpc.get_latest_blockhash().unwrap(),
        );
        let signature = rpc.send_and_confirm_transaction(&transaction).unwrap();
        let history = rpc.get_signatures_for_address(&wallet.pubkey()).unwrap();
        assert!(history.iter().any(|entry| entry.signature == signature.to_string()));
        let arguments = serde_json::json!([signature.to_string(), {"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}]);
        let found: serde_json::Value = rpc.send(RpcRequest::GetTransaction, arguments).unwrap();
        assert!(found["meta"]["innerInstructions"].is_array(), "{found}");
        assert!(found["meta"]["computeUnitsConsumed"].is_u64(), "{found}");
        let tip = rpc.get_slot_with_commitment(CommitmentConfig::confirmed()).unwrap();
        assert!(rpc.get_slot_with_commitment(CommitmentConfig::finalized()).unwrap() <= tip);
        assert!(rpc.get_program_accounts(&muster_network::ID).unwrap().is_empty());
        chain.stop().unwrap();
    }

    fn solana_system_transfer(from: &Pubkey, to: &Pubkey, lamports: u64) -> solana_sdk::instruction::Instruction {
        use solana_sdk::instruction::{AccountMeta, Instruction};
        let mut data = 2u32.to_le_bytes().to_vec();
        data.extend_from_slice(&lamports.to_le_bytes());
        let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(*to, false)];
        Instruction { program_id: Pubkey::default(), accounts, data }
    }
}
