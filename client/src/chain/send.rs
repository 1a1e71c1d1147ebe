use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_rpc_client_api::config::{RpcSendTransactionConfig, RpcTransactionConfig};
use solana_sdk::{
    instruction::Instruction,
    message::Message,
    pubkey::Pubkey,
    signature::{Signature, Signer},
    transaction::{Transaction, TransactionError},
};
use solana_transaction_status_client_types::{EncodedConfirmedTransactionWithStatusMeta, UiTransactionEncoding};

use super::{Chain, ChainError, error::preflight_refusal};
use crate::instructions::{compute_unit_limit, compute_unit_price};

/// The longest that one transaction is waited for.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at a transaction's status.
const POLL_EVERY: Duration = Duration::from_millis(250);
/// Between two sendings of the same signed transaction.
const RESEND_EVERY: Duration = Duration::from_secs(2);
/// Fresh blockhashes for a transaction that the node's simulation found expired before it was ever sent.
const BLOCKHASHES_MAX: u32 = 3;
/// The most bytes of a transaction.
const TRANSACTION_LEN_MAX: usize = 1232;

/// How a transaction is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions {
    /// Compute units; the runtime's default of 200,000 an instruction when none.
    pub compute_units: Option<u32>,
    /// Millionths of a lamport per compute unit.
    pub compute_unit_price: Option<u64>,
}

/// A confirmed transaction.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub signature: Signature,
    /// Length on the wire.
    pub bytes: usize,
}

/// What the cluster keeps about a transaction.
#[derive(Debug, Clone)]
pub struct TransactionInfo {
    pub slot: u64,
    /// Unix seconds.
    pub block_time: Option<i64>,
    pub compute_units: Option<u64>,
    /// Lamports.
    pub fee: u64,
    pub error: Option<TransactionError>,
    pub logs: Vec<String>,
}

impl Chain {
    /// Signs with `signers`, the first of which pays, sends, and waits until it is confirmed: 60 s at most.
    /// Cancelling the future sends nothing further.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&impl Signer]) -> Result<Signature, ChainError> {
        let sent = self.send_with(instructions, signers, SendOptions::default()).await?;
        Ok(sent.signature)
    }

    /// As [`Chain::send`], with a compute budget.
    pub async fn send_with(
        &self,
        instructions: &[Instruction],
        signers: &[&impl Signer],
        options: SendOptions,
    ) -> Result<Sent, ChainError> {
        let Some(payer) = signers.first() else {
            return Err(ChainError::Build("no signer pays".to_owned()));
        };
        let instructions = with_budget(instructions, options);
        let deadline = Instant::now() + CONFIRM_TIMEOUT;
        let mut attempt = 1;
        loop {
            let (blockhash, last_valid_height) = self.blockhash().await?;
            let message = Message::new_with_blockhash(&instructions, Some(&payer.pubkey()), &blockhash);
            let (transaction, bytes) = signed(message, signers)?;
            let pending = Pending { transaction, last_valid_height, deadline };
            match self.deliver(&pending, &instructions).await {
                Ok(signature) => return Ok(Sent { signature, bytes }),
                // The node has not seen our blockhash, or no longer: nothing was forwarded.
                Err(ChainError::Transaction { error: TransactionError::BlockhashNotFound, .. })
                    if attempt < BLOCKHASHES_MAX && Instant::now() < deadline =>
                {
                    attempt += 1;
                    tokio::time::sleep(POLL_EVERY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a transaction that wallets signed, and waits until it is confirmed.
    pub async fn send_signed(&self, transaction: Transaction) -> Result<Sent, ChainError> {
        let bytes = wire_bytes(&transaction)?.len();
        let instructions = decompile(&transaction.message);
        let height = self.retry("read the block height", || self.rpc.get_block_height()).await?;
        let pending = Pending {
            transaction,
            // How old its blockhash is cannot be read off it; a blockhash lives 150 blocks.
            last_valid_height: height + 150,
            deadline: Instant::now() + CONFIRM_TIMEOUT,
        };
        let signature = self.deliver(&pending, &instructions).await?;
        Ok(Sent { signature, bytes })
    }

    /// A transaction for wallets to sign: its bytes with empty signatures.
    pub async fn unsigned(&self, instructions: &[Instruction], payer: &Pubkey) -> Result<Vec<u8>, ChainError> {
        let (blockhash, _) = self.blockhash().await?;
        let message = Message::new_with_blockhash(instructions, Some(payer), &blockhash);
        wire_bytes(&Transaction::new_unsigned(message))
    }

    /// [`Chain::unsigned`] in base64.
    pub async fn unsigned_base64(&self, instructions: &[Instruction], payer: &Pubkey) -> Result<String, ChainError> {
        Ok(BASE64_STANDARD.encode(self.unsigned(instructions, payer).await?))
    }

    /// What became of a transaction; `None` while the cluster does not show it.
    pub async fn transaction(&self, signature: &Signature) -> Result<Option<TransactionInfo>, ChainError> {
        let Some(found) = self.raw_transaction(signature).await? else {
            return Ok(None);
        };
        let meta = found.transaction.meta.ok_or_else(|| ChainError::Answer {
            what: format!("read transaction {signature}"),
            why: "it has no meta data".to_owned(),
        })?;
        Ok(Some(TransactionInfo {
            slot: found.slot,
            block_time: found.block_time,
            compute_units: Option::from(meta.compute_units_consumed),
            fee: meta.fee,
            error: meta.err.map(Into::into),
            logs: Option::<Vec<String>>::from(meta.log_messages).unwrap_or_default(),
        }))
    }

    /// A transaction as RPC returns it, base64-encoded with inner instructions; `None` while it is not shown.
    pub async fn raw_transaction(
        &self,
        signature: &Signature,
    ) -> Result<Option<EncodedConfirmedTransactionWithStatusMeta>, ChainError> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(0),
        };
        let params = serde_json::json!([signature.to_string(), config]);
        self.retry("read a transaction", || {
            self.rpc.send::<Option<EncodedConfirmedTransactionWithStatusMeta>>(
                solana_rpc_client_api::request::RpcRequest::GetTransaction,
                params.clone(),
            )
        })
        .await
    }

    /// A fresh blockhash and the last block height at which it is good.
    pub(super) async fn blockhash(&self) -> Result<(solana_sdk::hash::Hash, u64), ChainError> {
        self.retry("read a blockhash", || self.rpc.get_latest_blockhash_with_commitment(CommitmentConfig::confirmed()))
            .await
    }

    /// Sends until the transaction is confirmed, refused, or can no longer land.
    async fn deliver(&self, pending: &Pending, instructions: &[Instruction]) -> Result<Signature, ChainError> {
        let started = Instant::now();
        let signature = pending.transaction.signatures[0];
        self.submit(pending, instructions, true).await?;
        let mut last_sent = Instant::now();
        loop {
            match self.status(&signature).await {
                Ok(Some(Ok(()))) => return Ok(signature),
                Ok(Some(Err(error))) => {
                    let logs = self.logs_of(&signature).await;
                    return Err(ChainError::from_transaction(error, logs, instructions));
                }
                Ok(None) => {}
                // Not knowing is not refusal: look again until the deadline.
                Err(error) => {
                    tracing::debug!(%signature, %error, "could not read a transaction's status")
                }
            }
            let seconds = started.elapsed().as_secs();
            if Instant::now() >= pending.deadline {
                return Err(ChainError::Unconfirmed { signature, seconds, expired: false });
            }
            if last_sent.elapsed() >= RESEND_EVERY {
                if self.is_expired(pending).await && !matches!(self.status(&signature).await, Ok(Some(_))) {
                    return Err(ChainError::Unconfirmed { signature, seconds, expired: true });
                }
                self.submit(pending, instructions, false).await?;
                last_sent = Instant::now();
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Hands the transaction to the node. Only a refusal of its simulation is an error: of a lost answer nobody knows
    /// whether the transaction travels, so its status decides.
    async fn submit(&self, pending: &Pending, instructions: &[Instruction], preflight: bool) -> Result<(), ChainError> {
        let config = RpcSendTransactionConfig {
            skip_preflight: !preflight,
            preflight_commitment: Some(CommitmentLevel::Confirmed),
            encoding: Some(UiTransactionEncoding::Base64),
            max_retries: Some(0),
            min_context_slot: None,
        };
        let Err(error) = self.rpc.send_transaction_with_config(&pending.transaction, config).await else {
            return Ok(());
        };
        match preflight_refusal(&error) {
            Some((TransactionError::AlreadyProcessed, _)) => Ok(()),
            Some((refusal, logs)) if preflight => Err(ChainError::from_transaction(refusal, logs, instructions)),
            None if preflight && !super::is_transient(&error) => Err(ChainError::rpc("send a transaction", error)),
            _ => {
                tracing::debug!(%error, "sending a transaction got no answer, its status will tell");
                Ok(())
            }
        }
    }

    /// `None` until it is confirmed.
    async fn status(&self, signature: &Signature) -> Result<Option<Result<(), TransactionError>>, ChainError> {
        let statuses = self
            .retry("read a transaction's status", || self.rpc.get_signature_statuses(std::slice::from_ref(signature)))
            .await?;
        let Some(status) = statuses.value.into_iter().next().flatten() else {
            return Ok(None);
        };
        if !status.satisfies_commitment(CommitmentConfig::confirmed()) {
            return Ok(None);
        }
        Ok(Some(match status.err {
            None => Ok(()),
            Some(error) => Err(error),
        }))
    }

    /// Whether the blockhash is certainly out of date.
    async fn is_expired(&self, pending: &Pending) -> bool {
        let height = self.rpc.get_block_height_with_commitment(CommitmentConfig::confirmed()).await;
        matches!(height, Ok(height) if height > pending.last_valid_height)
    }

    /// Logs for an error's sentence; without them it still has its code.
    async fn logs_of(&self, signature: &Signature) -> Vec<String> {
        match self.transaction(signature).await {
            Ok(found) => found.map(|found| found.logs).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

/// A signed transaction on its way.
struct Pending {
    transaction: Transaction,
    last_valid_height: u64,
    deadline: Instant,
}

pub(super) fn with_budget(instructions: &[Instruction], options: SendOptions) -> Vec<Instruction> {
    let mut all = Vec::with_capacity(instructions.len() + 2);
    all.extend(options.compute_units.map(compute_unit_limit));
    all.extend(options.compute_unit_price.map(compute_unit_price));
    all.extend_from_slice(instructions);
    all
}

/// A message with its signatures, and its length on the wire.
pub(super) fn signed(message: Message, signers: &[&impl Signer]) -> Result<(Transaction, usize), ChainError> {
    let blockhash = message.recent_blockhash;
    let mut transaction = Transaction::new_unsigned(message);
    transaction.try_sign(&distinct(signers), blockhash).map_err(|error| ChainError::Build(error.to_string()))?;
    let bytes = wire_bytes(&transaction)?.len();
    Ok((transaction, bytes))
}

/// The same key given twice (a holder that also pays) signs once.
fn distinct<'a, S: Signer>(signers: &[&'a S]) -> Vec<&'a S> {
    let mut distinct: Vec<&S> = Vec::with_capacity(signers.len());
    for signer in signers {
        if !distinct.iter().any(|other| other.pubkey() == signer.pubkey()) {
            distinct.push(signer);
        }
    }
    distinct
}

/// The transaction on the wire: signatures, counted in one byte, then the message.
fn wire_bytes(transaction: &Transaction) -> Result<Vec<u8>, ChainError> {
    let message = transaction.message.serialize();
    let mut bytes = Vec::with_capacity(1 + transaction.signatures.len() * 64 + message.len());
    // At most 19 signatures fit a transaction, so the compact length is one byte.
    bytes.push(transaction.signatures.len() as u8);
    for signature in &transaction.signatures {
        bytes.extend_from_slice(signature.as_ref());
    }
    bytes.extend_from_slice(&message);
    if bytes.len() > TRANSACTION_LEN_MAX {
        let len = bytes.len();
        return Err(ChainError::Build(format!("it has {len} bytes, a transaction has at most {TRANSACTION_LEN_MAX}")));
    }
    Ok(bytes)
}

/// Enough of a message's instructions to name the program of a failure.
fn decompile(message: &Message) -> Vec<Instruction> {
    message
        .instructions
        .iter()
        .map(|compiled| Instruction {
            program_id: message.account_keys.get(usize::from(compiled.program_id_index)).copied().unwrap_or_default(),
            accounts: Vec::new(),
            data: compiled.data.clone(),
        })
        .collect()
}
