//! Events of both programs, as `emit_cpi!` leaves them in inner instructions: eight bytes of tag, eight of
//! discriminator, Borsh.

use anchor_lang::{AnchorDeserialize, Discriminator, event::EVENT_IX_TAG_LE};
use muster_jobs::events::{
    BondCredit, BondOpened, BondSlashed, BondStaked, BondUnbonded, BondUnbonding, BondWithdrawn, JobAttested,
    JobCancelRequested, JobClosed, JobFinished, JobRefunded, JobSponsored, JobSubmitted, JobTipped, JobsConfigSet,
    JobsInitialized, SlashHeld, SlashVoided, SlashVoted, SponsorRefunded,
};
use muster_network::{
    events::{
        AuthorityAccepted, AuthorityProposed, BudgetWithdrawn, Claimed, CollectionLinked, CorrectionVoted,
        DistributionToppedUp, EpochClosed, EpochSettled, FeeChanged, FormulaChanged, HoldEnded, LicenceGifted,
        LicenceSold, MaintenanceAnnounced, MaxEpochBudgetChanged, MetadataSet, MintAllowed, MintForbidden,
        NetworkInitialized, NodeAccepted, NodeBound, NodeDetached, NodeKeyRotated, NodeSuspended, NodeThawed,
        NodeUnbound, OperatorReleased, OperatorSet, OracleSetChanged, OracleUrlChanged, OwnerAccepted, OwnerProposed,
        PauseChanged, PayoutSet, PoolCapacityChanged, PoolClosed, PoolCreated, PoolJoined, PoolLeft, ProjectClosed,
        ProjectCreated, ProjectFunded, RootActivated, RootHeld, RootVoted, SaleChanged, SettlementReplaced,
        SettlementVoided, SettlerChanged, SplitCreated, SplitReleased, SuspensionAppealed, SuspensionLifted,
        SuspensionVoted, TreasuryWithdrawn, ViewSetClosed, ViewsCommitted, WithdrawalAnnounced,
    },
    state::PointsFormula,
};
use serde_json::{Map, Value, json};
use solana_sdk::pubkey::Pubkey;

/// A field as JSON: keys base58, hashes hex, `u64` as strings (JavaScript cannot hold them), the rest as they are.
trait Render {
    fn render(&self) -> Value;
}

macro_rules! render_number {
    ($($ty:ty),*) => {$(
        impl Render for $ty {
            fn render(&self) -> Value {
                json!(self)
            }
        }
    )*};
}
render_number!(u8, u16, u32, i64, bool, String);

impl Render for u64 {
    fn render(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Render for Pubkey {
    fn render(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Render for [u8; 32] {
    fn render(&self) -> Value {
        Value::String(hex(self))
    }
}

impl<T: Render> Render for Vec<T> {
    fn render(&self) -> Value {
        Value::Array(self.iter().map(Render::render).collect())
    }
}

impl Render for PointsFormula {
    fn render(&self) -> Value {
        let Self { w_uptime, w_task, cap, min_uptime_bps } = self;
        json!({"w_uptime": w_uptime, "w_task": w_task, "cap": cap.to_string(), "min_uptime_bps": min_uptime_bps})
    }
}

impl Render for BondCredit {
    fn render(&self) -> Value {
        let Self { bond, seq, tenure, amount, earned } = self;
        json!({
            "bond": bond.to_string(), "seq": seq.to_string(), "tenure": tenure.to_string(),
            "amount": amount.to_string(), "earned": earned.to_string(),
        })
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // writing to a String cannot fail
        let _ = write!(out, "{byte:02x}");
        out
    })
}

macro_rules! events {
    ($($name:ident of $program:ident { $($field:ident),* $(,)? })*) => {
        /// An event of either program.
        #[derive(Debug, Clone)]
        pub enum Event {
            $($name($name)),*
        }

        impl Event {
            /// The names of all events.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The event's name, as in the IDL.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name)),*
                }
            }

            /// The program that emitted it.
            pub fn program(&self) -> Pubkey {
                match self {
                    $(Self::$name(_) => $program::ID),*
                }
            }

            /// The account whose gapless numbering it belongs to.
            pub fn stream(&self) -> Pubkey {
                match self {
                    $(Self::$name(event) => event.stream),*
                }
            }

            /// Its number in the stream, from 1.
            pub fn seq(&self) -> u64 {
                match self {
                    $(Self::$name(event) => event.seq),*
                }
            }

            /// The clock's time, Unix seconds.
            pub fn timestamp(&self) -> i64 {
                match self {
                    $(Self::$name(event) => event.timestamp),*
                }
            }

            /// The fields other than stream, seq and timestamp.
            pub fn fields(&self) -> Map<String, Value> {
                let mut map = Map::new();
                match self {
                    $(Self::$name(event) => {
                        // Destructured so that a new field cannot be forgotten.
                        let $name { stream: _, seq: _, timestamp: _, $($field),* } = event;
                        $(map.insert(stringify!($field).to_owned(), $field.render());)*
                    })*
                }
                map
            }

            /// What an `emit_cpi!` of this event puts into the inner instruction.
            pub fn encode(&self) -> Vec<u8> {
                let mut data = EVENT_IX_TAG_LE.to_vec();
                match self {
                    $(Self::$name(event) => {
                        data.extend_from_slice(<$name as Discriminator>::DISCRIMINATOR);
                        // writing to a Vec cannot fail
                        let _ = anchor_lang::AnchorSerialize::serialize(event, &mut data);
                    })*
                }
                data
            }
        }

        fn decode_body(program: &Pubkey, discriminator: &[u8], mut body: &[u8]) -> Option<Event> {
            $(
                if *program == $program::ID && discriminator == <$name as Discriminator>::DISCRIMINATOR {
                    let event = <$name as AnchorDeserialize>::deserialize(&mut body).ok()?;
                    return body.is_empty().then_some(Event::$name(event));
                }
            )*
            None
        }
    };
}

events! {
    NetworkInitialized of muster_network {
        authority, guardian, treasury_owner, job_mint, fee_bps, epoch_len, bucket_len, grace, root_delay, hold_limit,
        oracle_set_delay,
    }
    OracleSetChanged of muster_network { set_version, threshold, effective_at, oracles }
    ProjectCreated of muster_network {
        index, owner, settler, collection, distribution, reward_mint, payment_mint, price, licences_max, formula,
        max_epoch_budget, reward_mode, next_epoch, name, uri,
    }
    ProjectFunded of muster_network { funder, amount, balance }
    LicenceSold of muster_network { licence, serial, buyer, payment_mint, price }
    NodeBound of muster_network {
        node, licence, serial, holder, node_key, tenure, tenure_number, leaf_index, from_epoch, payout, payout_owner,
        metadata_hash,
    }
    NodeAccepted of muster_network { node, node_key }
    ViewsCommitted of muster_network { epoch, set_version, oracle, oracle_index, hashes, in_count, closed }
    EpochSettled of muster_network {
        project, epoch, revision, skipped_from, points_root, total_points, node_count, budget, fee_bps, fee, node_pool,
        dataset_hash, scores_hash, is_final,
    }
    RootVoted of muster_network {
        project, oracle, oracle_index, epoch, revision, root, total, count, dataset_hash, log_head, set_version, votes,
        approved, eta,
    }
    RootActivated of muster_network {
        project, epoch, revision, root, total, count, budget, fee, node_pool, log_head,
    }
    Claimed of muster_network { tenure, payout, leaf_index, amount, claimed_total }
    AuthorityProposed of muster_network { role, proposed }
    AuthorityAccepted of muster_network { role, former, holder }
    FeeChanged of muster_network { former_fee_bps, fee_bps, from_epoch }
    MintAllowed of muster_network { mint, treasury }
    MintForbidden of muster_network { mint }
    PauseChanged of muster_network { by, paused, guardian_paused, guardian_pause_until }
    TreasuryWithdrawn of muster_network { mint, amount, destination, balance }
    OracleUrlChanged of muster_network { oracle, oracle_index, url }
    OwnerProposed of muster_network { proposed }
    OwnerAccepted of muster_network { former, owner }
    SettlerChanged of muster_network { former, settler }
    FormulaChanged of muster_network { formula, from_epoch }
    MaxEpochBudgetChanged of muster_network { max_epoch_budget, from_epoch }
    SaleChanged of muster_network { payment_mint, price, licences_max }
    WithdrawalAnnounced of muster_network { amount, due_at, lapses_at }
    BudgetWithdrawn of muster_network { amount, destination, balance }
    ProjectClosed of muster_network {}
    LicenceGifted of muster_network { licence, serial, recipient }
    PoolCreated of muster_network { pool, index, capacity, name }
    PoolClosed of muster_network { pool }
    PoolCapacityChanged of muster_network { pool, capacity }
    PoolJoined of muster_network { pool, node, count }
    PoolLeft of muster_network { pool, node, by, count }
    SettlementReplaced of muster_network {
        project, epoch, revision, points_root, total_points, node_count, budget_before, budget, fee_bps, fee, node_pool,
        dataset_hash, scores_hash, is_final,
    }
    SettlementVoided of muster_network { project, epoch, revision, budget, caller }
    RootHeld of muster_network { project, epoch, revision, root, is_active, held_until, set_version }
    HoldEnded of muster_network { project, epoch, revision, root }
    CorrectionVoted of muster_network {
        project, oracle, oracle_index, epoch, revision, root, total, count, dataset_hash, log_head, set_version, votes,
        is_active, corrected, from,
    }
    DistributionToppedUp of muster_network { project, payer, amount, topped_up }
    EpochClosed of muster_network { project, epoch, rent_payer }
    ViewSetClosed of muster_network { epoch, rent_payer }
    NodeUnbound of muster_network { node, tenure, until_epoch, thaw_at }
    NodeThawed of muster_network { node, tenure }
    NodeKeyRotated of muster_network { node, tenure, authority, old_key, node_key }
    PayoutSet of muster_network { tenure, payout, payout_owner }
    OperatorSet of muster_network { tenure, operator, bps }
    OperatorReleased of muster_network { tenure, operator }
    MetadataSet of muster_network { node, metadata_hash }
    MaintenanceAnnounced of muster_network { node, start, end, used_s }
    NodeSuspended of muster_network { node, reason, evidence_hash, from_epoch, until_epoch }
    SuspensionLifted of muster_network { node, from_epoch, until_epoch }
    SuspensionVoted of muster_network {
        node, oracle, oracle_index, reason, evidence_hash, epochs, set_version, votes, reached, from_epoch, until_epoch,
    }
    SuspensionAppealed of muster_network { node, authority, evidence_hash }
    SplitCreated of muster_network { creator, id, mint, vault, recipients, shares_bps }
    SplitReleased of muster_network { index, recipient, amount, released, released_total }
    CollectionLinked of muster_network { collection, standard }
    NodeDetached of muster_network { node, licence, holder, tenure, until_epoch }
    JobsInitialized of muster_jobs {
        network, mint, default_stake, stake_min, sponsor_min, attest_grace, cancel_window, unbond_delay, slash_delay,
    }
    BondOpened of muster_jobs { tenure, holder }
    JobSubmitted of muster_jobs {
        index, submitter, nonce, refund_account, stake, tip, fee_bps, redundancy, deadline, attest_grace, cancel_window,
        descriptor_hash,
    }
    JobAttested of muster_jobs { oracle, oracle_index, outcome_hash, set_version, votes, reached }
    JobFinished of muster_jobs {
        state, outcome_hash, result_hash, reason, to_nodes, to_treasury, refunded, owed, to_sponsors, number, ledger_head,
        credits,
    }
    BondWithdrawn of muster_jobs { tenure, amount, destination, earned }
    JobsConfigSet of muster_jobs {
        default_stake, stake_min, sponsor_min, attest_grace, cancel_window, unbond_delay, slash_delay,
    }
    JobSponsored of muster_jobs { sponsor, refund_account, amount, total, sponsored }
    JobTipped of muster_jobs { amount, tip }
    JobCancelRequested of muster_jobs { cancel_at }
    JobRefunded of muster_jobs { refund_account, amount }
    SponsorRefunded of muster_jobs { sponsor, refund_account, amount }
    JobClosed of muster_jobs { index }
    BondStaked of muster_jobs { tenure, staker, amount, staked }
    BondUnbonding of muster_jobs { tenure, amount, staked, unbonding, unbond_at }
    BondUnbonded of muster_jobs { tenure, amount, destination, unbonding }
    SlashVoted of muster_jobs {
        oracle, oracle_index, amount, reason, evidence_hash, set_version, votes, eta, set_aside, set_aside_until,
    }
    SlashHeld of muster_jobs { held_until, set_aside_until }
    SlashVoided of muster_jobs { evidence_hash }
    BondSlashed of muster_jobs {
        tenure, decided, reason, evidence_hash, from_earned, from_staked, from_unbonding,
    }
}

impl Event {
    /// Further (stream, seq) pairs that this event accounts for: a finished job is one event of its own stream and one
    /// of each credited bond's.
    pub fn also_covers(&self) -> Vec<(Pubkey, u64)> {
        match self {
            Self::JobFinished(event) => event.credits.iter().map(|credit| (credit.bond, credit.seq)).collect(),
            _ => Vec::new(),
        }
    }

    /// Everything: `{event, program, stream, seq, timestamp, fields: {...}}`; `seq` is a string as every `u64`.
    pub fn to_json(&self) -> Value {
        json!({
            "event": self.name(),
            "program": self.program().to_string(),
            "stream": self.stream().to_string(),
            "seq": self.seq().to_string(),
            "timestamp": self.timestamp(),
            "fields": self.fields(),
        })
    }
}

/// Reads an event out of the data of an inner instruction that `program` called on itself. `None` when it is none, or
/// none that this version knows; see [`is_event`].
pub fn decode(program: &Pubkey, data: &[u8]) -> Option<Event> {
    if !is_event(program, data) {
        return None;
    }
    decode_body(program, &data[8..16], &data[16..])
}

/// Whether the data is an event of one of the two programs at all: an indexer that sees one which [`decode`] does not
/// know must stop, not skip.
pub fn is_event(program: &Pubkey, data: &[u8]) -> bool {
    (*program == muster_network::ID || *program == muster_jobs::ID) && data.len() >= 16 && data[..8] == *EVENT_IX_TAG_LE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished() -> Event {
        let credit = |seq| BondCredit {
            bond: Pubkey::new_unique(),
            seq,
            tenure: Pubkey::new_unique(),
            amount: 40_000_000,
            earned: u64::MAX,
        };
        Event::JobFinished(JobFinished {
            stream: Pubkey::new_unique(),
            seq: 5,
            timestamp: 1_700_000_000,
            state: 2,
            outcome_hash: [1; 32],
            result_hash: [0xab; 32],
            reason: 0,
            to_nodes: 80_000_000,
            to_treasury: 20_000_000,
            refunded: 0,
            owed: 0,
            to_sponsors: 0,
            number: 1,
            ledger_head: [7; 32],
            credits: vec![credit(2), credit(9)],
        })
    }

    #[test]
    fn an_event_reads_back_and_renders_for_javascript() {
        let event = finished();
        let read = decode(&muster_jobs::ID, &event.encode()).unwrap();
        assert_eq!(read.to_json(), event.to_json());
        assert_eq!((read.name(), read.seq(), read.timestamp()), ("JobFinished", 5, 1_700_000_000));
        let fields = read.fields();
        assert_eq!(fields["to_nodes"], "80000000");
        assert_eq!(fields["result_hash"], "ab".repeat(32));
        assert_eq!(fields["credits"][1]["earned"], u64::MAX.to_string());
        assert_eq!(fields["state"], 2);
    }

    #[test]
    fn a_finished_job_accounts_for_each_bonds_event() {
        let covered = finished().also_covers();
        assert_eq!(covered.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [2, 9]);
    }

    #[test]
    fn what_is_no_whole_event_is_none() {
        let data = finished().encode();
        // Another program's, cut short, longer, or an event that this version does not know
        assert!(decode(&Pubkey::new_unique(), &data).is_none());
        assert!(decode(&muster_network::ID, &data).is_none());
        assert!(decode(&muster_jobs::ID, &data[..data.len() - 1]).is_none());
        assert!(decode(&muster_jobs::ID, &[&data[..], &[0]].concat()).is_none());
        let mut unknown = data.clone();
        unknown[8] ^= 1;
        assert!(decode(&muster_jobs::ID, &unknown).is_none() && is_event(&muster_jobs::ID, &unknown));
        assert!(!is_event(&muster_jobs::ID, &data[..12]));
        // An instruction of ours is no event.
        let instruction = crate::instructions::compute_unit_limit(1);
        assert!(!is_event(&muster_network::ID, &instruction.data));
    }

    #[test]
    fn a_network_event_with_lists_and_texts_reads_back() {
        let event = Event::ProjectCreated(ProjectCreated {
            stream: Pubkey::new_unique(),
            seq: 1,
            timestamp: -1,
            index: 3,
            owner: Pubkey::new_unique(),
            settler: Pubkey::new_unique(),
            collection: Pubkey::new_unique(),
            distribution: Pubkey::new_unique(),
            reward_mint: Pubkey::new_unique(),
            payment_mint: Pubkey::new_unique(),
            price: 1,
            licences_max: 2,
            formula: PointsFormula { w_uptime: 1, w_task: 2, cap: 1 << 60, min_uptime_bps: 3 },
            max_epoch_budget: 4,
            reward_mode: 0,
            next_epoch: 5,
            name: "ünïcode".to_owned(),
            uri: String::new(),
        });
        let read = decode(&muster_network::ID, &event.encode()).unwrap();
        assert_eq!(read.to_json(), event.to_json());
        assert_eq!(read.fields()["formula"]["cap"], (1u64 << 60).to_string());
    }
}
