use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::config::RpcSimulateTransactionConfig;
use solana_sdk::{instruction::Instruction, message::Message, signature::Signer};
use solana_transaction_status_client_types::UiTransactionEncoding;

use super::{
    Chain, ChainError, SendOptions,
    send::{signed, with_budget},
};

/// What a transaction would do now; nothing was sent.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// Of all its instructions together.
    pub compute_units: u64,
    /// Lamports, rent not included.
    pub fee: u64,
    /// Length on the wire.
    pub bytes: usize,
    pub logs: Vec<String>,
}

impl Chain {
    /// Signs as [`Chain::send_with`] would and asks the node what would come of it. What the programs would refuse is
    /// the same error as if it had been sent.
    pub async fn simulate(
        &self,
        instructions: &[Instruction],
        signers: &[&impl Signer],
        options: SendOptions,
    ) -> Result<Simulated, ChainError> {
        let Some(payer) = signers.first() else {
            return Err(ChainError::Build("no signer pays".to_owned()));
        };
        let instructions = with_budget(instructions, options);
        let (blockhash, _) = self.blockhash().await?;
        let message = Message::new_with_blockhash(&instructions, Some(&payer.pubkey()), &blockhash);
        let fee = self.retry("read a transaction's fee", || self.rpc.get_fee_for_message(&message)).await?;
        let (transaction, bytes) = signed(message, signers)?;
        let config = RpcSimulateTransactionConfig {
            sig_verify: true,
            commitment: Some(CommitmentConfig::confirmed()),
            encoding: Some(UiTransactionEncoding::Base64),
            ..Default::default()
        };
        let what = "simulate a transaction";
        let answer =
            self.retry(what, || self.rpc.simulate_transaction_with_config(&transaction, config.clone())).await?.value;
        let logs = answer.logs.unwrap_or_default();
        match answer.err {
            Some(error) => Err(ChainError::from_transaction(error.into(), logs, &instructions)),
            None => {
                let compute_units = answer.units_consumed.ok_or_else(|| ChainError::Answer {
                    what: what.to_owned(),
                    why: "it names no compute units".to_owned(),
                })?;
                Ok(Simulated { compute_units, fee, bytes, logs })
            }
        }
    }
}
