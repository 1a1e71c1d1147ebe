use anchor_lang::{Discriminator, prelude::*};

use super::Network;
use crate::{constants::MINTS_MAX, errors::NetworkError};

/// What a bind and a job's submission ask of the network, read where it stands: to decode the whole account, with its
/// fifteen keys, costs as much as a call of another program. The fields are those of `Network` from `fee_bps` on.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, packed)]
pub struct NetworkTerms {
    fee_bps: u16,
    next_fee_bps: u16,
    next_fee_epoch: u64,
    epoch_len: u32,
    _lengths: [u32; 5],
    paused: u32,
    guardian_paused: u32,
    guardian_pause_until: i64,
}

/// Behind the discriminator, version and bump, seven keys, the mints and their count.
const TERMS_AT: usize = 8 + 2 + 32 * (7 + MINTS_MAX) + 1;
const TERMS_END: usize = TERMS_AT + size_of::<NetworkTerms>();

impl NetworkTerms {
    /// Of the network's account, the only one of its type that can exist.
    pub fn read(network: &AccountInfo) -> Result<Self> {
        require_keys_eq!(*network.owner, crate::ID, ErrorCode::AccountOwnedByWrongProgram);
        let data = network.try_borrow_data()?;
        require!(data.starts_with(Network::DISCRIMINATOR), ErrorCode::AccountDiscriminatorMismatch);
        let fields = data.get(TERMS_AT..TERMS_END).ok_or(ErrorCode::AccountDidNotDeserialize)?;
        Ok(bytemuck::pod_read_unaligned(fields))
    }

    /// See `Network::require_running`.
    pub fn require_running(&self, bit: u32, now: i64) -> Result<()> {
        let guardian = if now < self.guardian_pause_until { self.guardian_paused } else { 0 };
        require!((self.paused | guardian) & bit == 0, NetworkError::Paused);
        Ok(())
    }

    /// See `Network::fee_bps_at`.
    pub fn fee_bps_at(&self, epoch: u64) -> u16 {
        if epoch >= self.next_fee_epoch { self.next_fee_bps } else { self.fee_bps }
    }

    /// See `Network::epoch_at`.
    pub fn epoch_at(&self, now: i64) -> u64 {
        now.max(0) as u64 / u64::from(self.epoch_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers at every edge are those of the whole account.
    #[test]
    fn terms_say_what_the_network_says() {
        // Given a network whose fee changes with epoch 3 and whose guardian's pause ends at 500, and around the fields
        // nothing is zero.
        let mut data = Network::DISCRIMINATOR.to_vec();
        data.resize(8 + Network::INIT_SPACE, 0);
        let mut network = Network::try_deserialize(&mut data.as_slice()).expect("zeros are a network");
        (network.epoch_len, network.paused, network.guardian_paused) = (100, 1, 2);
        (network.fee_bps, network.next_fee_bps, network.next_fee_epoch) = (2_000, 1_500, 3);
        (network.guardian_pause_until, network.allowed_mint_count, network.project_count) = (500, 8, u64::MAX);
        (network.bucket_len, network.oracle_set_delay) = (10, 7);
        let mut bytes = Vec::new();
        network.try_serialize(&mut bytes).expect("a network has its bytes");
        let (key, mut lamports) = (Pubkey::new_unique(), 1);
        let account = AccountInfo::new(&key, false, false, &mut lamports, &mut bytes, &crate::ID, false);
        // When its terms are read, then they answer as it does.
        let terms = NetworkTerms::read(&account).expect("the account is the network's");
        for now in [-1, 0, 99, 100, 299, 300, 499, 500, 501] {
            let epoch = network.epoch_at(now);
            assert_eq!(terms.epoch_at(now), epoch, "at {now}");
            assert_eq!(terms.fee_bps_at(epoch), network.fee_bps_at(epoch), "at {now}");
            for bit in [1, 2, 4] {
                let answers = [terms.require_running(bit, now).is_ok(), network.require_running(bit, now).is_ok()];
                assert_eq!(answers[0], answers[1], "bit {bit} at {now}");
            }
        }
    }

    #[test]
    fn no_other_account_has_terms() {
        let (key, mut lamports, mut bytes) = (Pubkey::new_unique(), 1, vec![0; 8 + Network::INIT_SPACE]);
        let account = AccountInfo::new(&key, false, false, &mut lamports, &mut bytes, &crate::ID, false);
        assert!(NetworkTerms::read(&account).is_err());
        let (stranger, mut bytes) =
            (Pubkey::new_unique(), [Network::DISCRIMINATOR, &[0; Network::INIT_SPACE]].concat());
        let account = AccountInfo::new(&key, false, false, &mut lamports, &mut bytes, &stranger, false);
        assert!(NetworkTerms::read(&account).is_err());
    }
}
