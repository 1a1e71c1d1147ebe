//! Typed decoding of every account of both programs: owner and discriminator are checked, never assumed.

use anchor_lang::{AccountDeserialize, Discriminator};
use muster_jobs::state::{Bond, Job, JobsConfig, Slash, Sponsorship};
use muster_network::state::{
    Ballot, CollectionMarker, Distribution, Epoch, KeyMarker, Network, Node, OracleSet, Pool, Project, Split, Tenure,
    ViewSet,
};
use solana_sdk::pubkey::Pubkey;

/// Bytes of the discriminator before every account's fields.
pub const DISCRIMINATOR_LEN: usize = 8;

/// Why bytes are not the account that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the account belongs to program {owner}, a {expected} belongs to {program}")]
    Owner { expected: &'static str, owner: Pubkey, program: Pubkey },
    #[error("the account's discriminator is not that of a {0}")]
    Discriminator(&'static str),
    #[error("the {expected} has {len} bytes of data, at least {need} are needed")]
    Short { expected: &'static str, len: usize, need: usize },
    #[error("the {0}'s fields cannot be read")]
    Fields(&'static str),
}

/// An account of one of the two programs.
pub trait ChainAccount: Sized {
    /// What it is called.
    const NAME: &'static str;
    /// The program that owns it.
    const PROGRAM: Pubkey;

    /// Its first eight bytes.
    fn discriminator() -> &'static [u8];

    /// Reads the fields of data whose discriminator was checked.
    fn read(data: &[u8]) -> Result<Self, DecodeError>;
}

macro_rules! zero_copy {
    ($($name:ident of $program:ident),* $(,)?) => {$(
        impl ChainAccount for $name {
            const NAME: &'static str = stringify!($name);
            const PROGRAM: Pubkey = $program::ID;

            fn discriminator() -> &'static [u8] {
                <$name as Discriminator>::DISCRIMINATOR
            }

            fn read(data: &[u8]) -> Result<Self, DecodeError> {
                let need = DISCRIMINATOR_LEN + size_of::<$name>();
                let fields = data.get(DISCRIMINATOR_LEN..need).ok_or(DecodeError::Short {
                    expected: Self::NAME,
                    len: data.len(),
                    need,
                })?;
                Ok(bytemuck::pod_read_unaligned(fields))
            }
        }
    )*};
}

macro_rules! borsh {
    ($($name:ident of $program:ident),* $(,)?) => {$(
        impl ChainAccount for $name {
            const NAME: &'static str = stringify!($name);
            const PROGRAM: Pubkey = $program::ID;

            fn discriminator() -> &'static [u8] {
                <$name as Discriminator>::DISCRIMINATOR
            }

            fn read(data: &[u8]) -> Result<Self, DecodeError> {
                let mut rest = data;
                <$name as AccountDeserialize>::try_deserialize(&mut rest)
                    .map_err(|_| DecodeError::Fields(Self::NAME))
            }
        }
    )*};
}

zero_copy!(
    OracleSet of muster_network,
    Distribution of muster_network,
    Node of muster_network,
    Tenure of muster_network,
    ViewSet of muster_network,
    Epoch of muster_network,
    Split of muster_network,
    Ballot of muster_network,
    Job of muster_jobs,
    Bond of muster_jobs,
    JobsConfig of muster_jobs,
    Slash of muster_jobs,
);
borsh!(
    Network of muster_network,
    Project of muster_network,
    KeyMarker of muster_network,
    CollectionMarker of muster_network,
    Pool of muster_network,
    Sponsorship of muster_jobs,
);

/// Reads an account of a known type.
pub fn decode<T: ChainAccount>(owner: &Pubkey, data: &[u8]) -> Result<T, DecodeError> {
    if *owner != T::PROGRAM {
        return Err(DecodeError::Owner { expected: T::NAME, owner: *owner, program: T::PROGRAM });
    }
    if data.get(..DISCRIMINATOR_LEN) != Some(T::discriminator()) {
        return Err(DecodeError::Discriminator(T::NAME));
    }
    T::read(data)
}

macro_rules! any_account {
    ($($name:ident),* $(,)?) => {
        /// Any account of the two programs, told apart by owner and discriminator.
        #[derive(Debug)]
        pub enum AnyAccount {
            $($name(Box<$name>)),*
        }

        impl AnyAccount {
            /// Reads whatever account this is. `Ok(None)`: not an account that this version knows.
            pub fn decode(owner: &Pubkey, data: &[u8]) -> Result<Option<Self>, DecodeError> {
                let Some(discriminator) = data.get(..DISCRIMINATOR_LEN) else {
                    return Ok(None);
                };
                $(
                    if *owner == <$name as ChainAccount>::PROGRAM && discriminator == <$name as ChainAccount>::discriminator() {
                        return Ok(Some(Self::$name(Box::new(<$name as ChainAccount>::read(data)?))));
                    }
                )*
                Ok(None)
            }

            /// The account's type.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$name as ChainAccount>::NAME),*
                }
            }
        }
    };
}

any_account!(
    Network,
    OracleSet,
    Project,
    Distribution,
    Node,
    Tenure,
    ViewSet,
    Epoch,
    Split,
    Ballot,
    KeyMarker,
    CollectionMarker,
    Pool,
    JobsConfig,
    Job,
    Bond,
    Sponsorship,
    Slash,
);

#[cfg(test)]
mod tests {
    use anchor_lang::AccountSerialize;
    use bytemuck::Zeroable;

    use super::*;

    fn zero_copy_bytes<T: ChainAccount + bytemuck::Pod>(account: &T) -> Vec<u8> {
        [T::discriminator(), bytemuck::bytes_of(account)].concat()
    }

    #[test]
    fn a_zero_copy_account_reads_back_at_any_alignment() {
        // Given a job behind one odd byte, so that nothing is aligned
        let mut job = Job::zeroed();
        (job.index, job.stake, job.state) = (7, 100_000_000, 1);
        job.votes[15] = [9; 32];
        let bytes = [vec![0], zero_copy_bytes(&job)].concat();
        // When it is decoded
        let read: Job = decode(&muster_jobs::ID, &bytes[1..]).unwrap();
        // Then it is the same.
        assert_eq!(bytemuck::bytes_of(&read), bytemuck::bytes_of(&job));
        let any = AnyAccount::decode(&muster_jobs::ID, &bytes[1..]).unwrap().unwrap();
        assert_eq!(any.name(), "Job");
    }

    #[test]
    fn a_borsh_account_reads_back() {
        let marker = KeyMarker { node: Pubkey::new_unique(), bump: 254 };
        let mut bytes = Vec::new();
        marker.try_serialize(&mut bytes).unwrap();
        let read: KeyMarker = decode(&muster_network::ID, &bytes).unwrap();
        assert_eq!((read.node, read.bump), (marker.node, marker.bump));
        assert_eq!(
            decode::<KeyMarker>(&muster_network::ID, &bytes[..20]).map(|_| ()),
            Err(DecodeError::Fields("KeyMarker"))
        );
    }

    #[test]
    fn neither_another_owner_nor_another_type_is_believed() {
        let bytes = zero_copy_bytes(&Tenure::zeroed());
        let stranger = Pubkey::new_unique();
        assert!(matches!(decode::<Tenure>(&stranger, &bytes), Err(DecodeError::Owner { .. })));
        assert!(AnyAccount::decode(&stranger, &bytes).unwrap().is_none());
        assert_eq!(decode::<Node>(&muster_network::ID, &bytes).map(|_| ()), Err(DecodeError::Discriminator("Node")));
        assert!(matches!(decode::<Tenure>(&muster_network::ID, &bytes[..100]), Err(DecodeError::Short { .. })));
        assert!(AnyAccount::decode(&muster_network::ID, &bytes[..5]).unwrap().is_none());
    }

    /// getProgramAccounts filters by these offsets.
    #[test]
    fn filtered_fields_stand_where_the_filters_look() {
        let offset = DISCRIMINATOR_LEN;
        assert_eq!(offset + std::mem::offset_of!(Node, project), 8);
        assert_eq!(offset + std::mem::offset_of!(Epoch, project), 8);
        assert_eq!(offset + std::mem::offset_of!(Tenure, project), 40);
        assert_eq!(offset + std::mem::offset_of!(Tenure, holder), 104);
    }
}
