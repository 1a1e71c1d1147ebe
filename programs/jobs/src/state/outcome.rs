use anchor_lang::prelude::*;
use muster_protocol::votes::outcome_hash;

/// Why a job failed; refunds are the same for all.
pub mod failure_reason {
    /// The image exited with an error on a quorum of nodes.
    pub const IMAGE: u16 = 1;
    /// The image did not end within its time on a quorum of nodes.
    pub const TIMEOUT: u16 = 2;
    /// No quorum of equal results within the allowed attempts.
    pub const NO_QUORUM: u16 = 3;
    /// The descriptor never arrived, or is not valid.
    pub const DESCRIPTOR: u16 = 4;
    /// No node matched the requirements.
    pub const NO_NODES: u16 = 5;

    /// Whether a code is one of these.
    pub fn is_known(reason: u16) -> bool {
        (IMAGE..=NO_NODES).contains(&reason)
    }
}

/// What the oracles attest about a job. Its Borsh bytes are what `outcome_hash` covers.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A quorum of nodes of distinct holders gave the same result.
    Completed {
        /// 1 to 8 tenures, strictly ascending.
        tenures: Vec<Pubkey>,
        result_hash: [u8; 32],
    },
    Failed {
        /// One of `failure_reason`.
        reason: u16,
    },
    Cancelled {
        /// When work began; 0 if it never did.
        started_at: i64,
        /// 0 to 8 tenures that worked, strictly ascending.
        tenures: Vec<Pubkey>,
    },
}

impl Outcome {
    /// What an oracle votes: binds the job, the oracle set's version and the outcome's bytes.
    pub fn hash(&self, job: &Pubkey, set_version: u32) -> Result<[u8; 32]> {
        let mut bytes = Vec::with_capacity(64);
        self.serialize(&mut bytes)?;
        Ok(outcome_hash(&job.to_bytes(), set_version, &bytes))
    }
}
