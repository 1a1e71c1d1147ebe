//! What owners, guardians, operators, sponsors and stakers change, in the story.

use muster_client::events::Event;
use muster_client::muster_jobs::events::*;
use muster_client::muster_network::events::*;
use muster_client::muster_network::state::PointsFormula;
use muster_client::{Pubkey, addresses};

use super::{NONCE, Story, bind, key};

/// Pushes an event with the next number of its stream.
macro_rules! tell {
    ($story:expr, $stream:expr, $name:ident { $($field:tt)* }) => {{
        let (stream, timestamp) = ($stream, $story.now());
        let seq = $story.seq(stream);
        $story.push(Event::$name($name { stream, seq, timestamp, $($field)* }));
    }};
}

pub fn network(s: &mut Story) {
    let network = addresses::network();
    for role in 0..3u8 {
        tell!(s, network, AuthorityProposed { role, proposed: key(70 + role) });
        tell!(s, network, AuthorityAccepted { role, former: key(1 + role), holder: key(70 + role) });
    }
    tell!(s, network, FeeChanged { former_fee_bps: 2000, fee_bps: 1500, from_epoch: 101 });
    tell!(s, network, FeeChanged { former_fee_bps: 1500, fee_bps: 1000, from_epoch: 120 });
    tell!(s, network, MintAllowed { mint: key(74), treasury: key(75) });
    tell!(s, network, MintAllowed { mint: key(76), treasury: key(77) });
    tell!(s, network, MintForbidden { mint: key(74) });
    tell!(s, network, PauseChanged { by: key(70), paused: 3, guardian_paused: 0, guardian_pause_until: 0 });
    tell!(s, network, PauseChanged { by: key(71), paused: 3, guardian_paused: 4, guardian_pause_until: 1_800_000_000 });
    tell!(s, network, TreasuryWithdrawn { mint: key(4), amount: 5, destination: key(78), balance: 7 });
    for version in ["a", "b"] {
        let url = format!("https://{version}.example.org");
        tell!(s, network, OracleUrlChanged { oracle: key(10), oracle_index: 0, url });
    }
}

pub fn project(s: &mut Story, project: Pubkey) {
    tell!(s, project, OwnerProposed { proposed: key(80) });
    tell!(s, project, OwnerAccepted { former: key(20), owner: key(80) });
    tell!(s, project, SettlerChanged { former: key(21), settler: key(81) });
    for (cap, from_epoch) in [(1, 101), (2, 101), (3, 103)] {
        let formula = PointsFormula { w_uptime: 1, w_task: 2, cap, min_uptime_bps: 0 };
        tell!(s, project, FormulaChanged { formula, from_epoch });
        tell!(s, project, MaxEpochBudgetChanged { max_epoch_budget: cap * 1_000, from_epoch });
    }
    tell!(s, project, SaleChanged { payment_mint: key(74), price: 3, licences_max: 200 });
    tell!(s, project, WithdrawalAnnounced { amount: 900, due_at: 1_800_000_000, lapses_at: 1_800_000_100 });
    for amount in [300, 200] {
        tell!(s, project, BudgetWithdrawn { amount, destination: key(82), balance: 1_000 - amount });
    }
    tell!(s, project, CollectionLinked { collection: key(83), standard: 1 });
    let licence = addresses::licence(&project, 2);
    tell!(s, project, LicenceGifted { licence, serial: 2, recipient: key(84) });
    tell!(s, project, ProjectClosed {});
}

/// The first node changes its key, is suspended, spared and lifted, leaves its pool, and is sold; the second is detached.
pub fn nodes(s: &mut Story, project: Pubkey) {
    let node = |serial| addresses::node(&addresses::licence(&project, serial));
    let (first, second) = (node(0), node(1));
    let (tenure, other) = (addresses::tenure(&first, 2), addresses::tenure(&second, 1));
    let pool = |index: u8| Pubkey::new_from_array(muster_protocol::hashv(&[project.as_ref(), &[index]]));
    for index in 0..2u8 {
        let name = format!("pool {index}");
        tell!(s, project, PoolCreated { pool: pool(index), index: index.into(), capacity: 100, name });
    }
    tell!(s, project, PoolJoined { pool: pool(0), node: first, count: 1 });
    tell!(s, project, PoolJoined { pool: pool(0), node: second, count: 2 });
    tell!(s, project, PoolCapacityChanged { pool: pool(0), capacity: 7 });
    tell!(s, project, PoolLeft { pool: pool(0), node: first, by: key(80), count: 1 });
    tell!(s, project, PoolClosed { pool: pool(1) });

    let (old_key, node_key) = (key(85), Pubkey::new_from_array(muster_protocol::hashv(&[first.as_ref(), b"rotated"])));
    tell!(s, project, NodeKeyRotated { node: first, tenure, authority: key(30), old_key, node_key });
    tell!(s, project, PayoutSet { tenure, payout: key(86), payout_owner: key(87) });
    tell!(s, project, OperatorSet { tenure, operator: key(88), bps: 1_000 });
    tell!(s, project, OperatorSet { tenure: other, operator: key(88), bps: 2_000 });
    tell!(s, project, OperatorReleased { tenure, operator: key(88) });
    tell!(s, project, MetadataSet { node: first, metadata_hash: [44; 32] });
    tell!(s, project, MaintenanceAnnounced { node: first, start: 1_800_000_000, end: 1_800_003_600, used_s: 3_600 });
    let (reason, evidence_hash) = (3, [45; 32]);
    tell!(s, project, NodeSuspended { node: first, reason, evidence_hash, from_epoch: 102, until_epoch: 105 });
    tell!(s, project, SuspensionAppealed { node: first, authority: key(30), evidence_hash });
    for votes in 1..=2u8 {
        tell!(
            s,
            project,
            SuspensionVoted {
                node: first,
                oracle: key(10 + votes),
                oracle_index: votes,
                reason,
                evidence_hash,
                epochs: 9,
                set_version: 1,
                votes,
                reached: votes == 2,
                from_epoch: 102,
                until_epoch: if votes == 2 { 111 } else { 105 },
            }
        );
    }
    tell!(s, project, SuspensionLifted { node: first, from_epoch: 102, until_epoch: 103 });

    tell!(s, project, NodeUnbound { node: first, tenure, until_epoch: 102, thaw_at: 12_240 });
    tell!(s, project, NodeThawed { node: first, tenure });
    bind(s, project, 0, key(41), 3, 3);
    let (licence, holder) = (addresses::licence(&project, 1), key(31));
    tell!(s, project, NodeDetached { node: second, licence, holder, tenure: other, until_epoch: 102 });

    let split = Pubkey::new_from_array(muster_protocol::hashv(&[project.as_ref(), b"split"]));
    let (recipients, shares_bps) = (vec![key(90), key(91)], vec![2_500, 7_500]);
    tell!(s, split, SplitCreated { creator: key(30), id: 0, mint: key(4), vault: key(92), recipients, shares_bps });
    for (index, released_total) in [(0, 25), (1, 100)] {
        let (recipient, amount) = (key(90 + index), if index == 0 { 25 } else { 75 });
        tell!(s, split, SplitReleased { index, recipient, amount, released: amount, released_total });
    }
}

/// A settlement that is replaced, approved, held and corrected, then activated, held and corrected again; one that is
/// voided and stated anew, whose approval another oracle set undoes; and the end of old accounts.
pub fn settlement(s: &mut Story, project: Pubkey, distribution: Pubkey) {
    let (dataset_hash, log_head) = ([8; 32], [6; 32]);
    let settled = |s: &mut Story, epoch, revision| {
        tell!(
            s,
            distribution,
            EpochSettled {
                project,
                epoch,
                revision,
                skipped_from: epoch,
                points_root: [7; 32],
                total_points: 3000,
                node_count: 3,
                budget: 2_000_000,
                fee_bps: 2000,
                fee: 400_000,
                node_pool: 1_600_000,
                dataset_hash,
                scores_hash: [0; 32],
                is_final: false,
            }
        );
    };
    let voted = |s: &mut Story, epoch, revision, set_version, approved: bool| {
        tell!(
            s,
            distribution,
            RootVoted {
                project,
                oracle: key(10),
                oracle_index: 0,
                epoch,
                revision,
                root: [19; 32],
                total: 3_000_000,
                count: 3,
                dataset_hash,
                log_head,
                set_version,
                votes: 1 + u8::from(approved),
                approved,
                eta: i64::from(approved),
            }
        );
    };
    let corrected = |s: &mut Story, epoch, revision, root, is_active, corrected: bool| {
        tell!(
            s,
            distribution,
            CorrectionVoted {
                project,
                oracle: key(11),
                oracle_index: 1,
                epoch,
                revision,
                root,
                total: 3_000_000,
                count: 3,
                dataset_hash,
                log_head,
                set_version: 1,
                votes: 1 + u8::from(corrected),
                is_active,
                corrected,
                from: i64::from(corrected),
            }
        );
    };
    settled(s, 102, 0);
    tell!(
        s,
        distribution,
        SettlementReplaced {
            project,
            epoch: 102,
            revision: 1,
            points_root: [17; 32],
            total_points: 30,
            node_count: 2,
            budget_before: 2_000_000,
            budget: 1_000_000,
            fee_bps: 2000,
            fee: 200_000,
            node_pool: 800_000,
            dataset_hash,
            scores_hash: [3; 32],
            is_final: false,
        }
    );
    voted(s, 102, 1, 1, true);
    let set_version = 1;
    let held = |s: &mut Story, revision, root, is_active| {
        tell!(
            s,
            distribution,
            RootHeld { project, epoch: 102, revision, root, is_active, held_until: 99, set_version }
        );
    };
    held(s, 1, [19; 32], false);
    corrected(s, 102, 2, [20; 32], false, false);
    corrected(s, 102, 2, [20; 32], false, true);
    tell!(
        s,
        distribution,
        RootActivated {
            project,
            epoch: 102,
            revision: 2,
            root: [20; 32],
            total: 3_000_000,
            count: 3,
            budget: 1_000_000,
            fee: 200_000,
            node_pool: 800_000,
            log_head,
        }
    );
    held(s, 2, [20; 32], true);
    corrected(s, 102, 3, [21; 32], true, true);
    tell!(s, distribution, HoldEnded { project, epoch: 102, revision: 3, root: [21; 32] });
    settled(s, 103, 0);
    tell!(s, distribution, SettlementVoided { project, epoch: 103, revision: 0, budget: 2_000_000, caller: key(81) });
    settled(s, 103, 1);
    voted(s, 103, 1, 1, true);
    voted(s, 103, 1, 2, false);
    settled(s, 104, 0);
    tell!(s, distribution, SettlementVoided { project, epoch: 104, revision: 0, budget: 2_000_000, caller: key(81) });
    for (amount, topped_up) in [(5, 5), (6, 11)] {
        tell!(s, distribution, DistributionToppedUp { project, payer: key(93), amount, topped_up });
    }
    tell!(s, distribution, EpochClosed { project, epoch: 100, rent_payer: key(21) });
}

pub fn views(s: &mut Story, view_set: Pubkey, epoch: u64) {
    tell!(s, view_set, ViewSetClosed { epoch, rent_payer: key(10) });
}

/// A job that is tipped, sponsored by two, cancelled and given back; and a bond that is staked, unbonded and slashed.
pub fn jobs(s: &mut Story, bond: Pubkey, tenure: Pubkey, earned: u64) {
    let config = addresses::jobs_config();
    for default_stake in [2, 3] {
        tell!(
            s,
            config,
            JobsConfigSet {
                default_stake,
                stake_min: 1,
                sponsor_min: 4,
                attest_grace: 5,
                cancel_window: 6,
                unbond_delay: 8,
                slash_delay: 7,
            }
        );
    }
    let job = addresses::job(&key(60), NONCE + 9);
    tell!(
        s,
        job,
        JobSubmitted {
            index: 9,
            submitter: key(60),
            nonce: NONCE + 9,
            refund_account: key(61),
            stake: 100,
            tip: 1,
            fee_bps: 2000,
            redundancy: 0,
            deadline: 1_800_000_000,
            attest_grace: 5,
            cancel_window: 6,
            descriptor_hash: [9; 32],
        }
    );
    for (amount, tip) in [(2, 3), (4, 7)] {
        tell!(s, job, JobTipped { amount, tip });
    }
    for (sponsor, amount, total, sponsored) in [(94, 10, 10, 10), (95, 20, 20, 30), (94, 5, 15, 35)] {
        let (sponsor, refund_account) = (key(sponsor), key(sponsor + 2));
        tell!(s, job, JobSponsored { sponsor, refund_account, amount, total, sponsored });
    }
    tell!(s, job, JobCancelRequested { cancel_at: 1_750_000_000 });
    tell!(
        s,
        job,
        JobFinished {
            state: 5,
            outcome_hash: [0; 32],
            result_hash: [0; 32],
            reason: 0,
            to_nodes: 0,
            to_treasury: 0,
            refunded: 0,
            owed: 107,
            to_sponsors: 35,
            number: 4,
            ledger_head: [7; 32],
            credits: Vec::new(),
        }
    );
    tell!(s, job, JobRefunded { refund_account: key(61), amount: 107 });
    for (sponsor, amount) in [(94, 15), (95, 20)] {
        tell!(s, job, SponsorRefunded { sponsor: key(sponsor), refund_account: key(sponsor + 2), amount });
    }
    tell!(s, job, JobClosed { index: 9 });

    for (amount, staked) in [(50, 50), (30, 80)] {
        tell!(s, bond, BondStaked { tenure, staker: key(98), amount, staked });
    }
    tell!(s, bond, BondUnbonding { tenure, amount: 60, staked: 20, unbonding: 60, unbond_at: 1_800_000_000 });
    for (votes, eta) in [(1, 0), (2, 1_790_000_000)] {
        tell!(
            s,
            bond,
            SlashVoted {
                oracle: key(10 + votes),
                oracle_index: votes,
                amount: earned + 25,
                reason: 2,
                evidence_hash: [46; 32],
                set_version: 1,
                votes,
                eta,
                set_aside: if eta == 0 { 0 } else { earned + 25 },
                set_aside_until: if eta == 0 { 0 } else { eta + 7 * 86_400 },
            }
        );
    }
    tell!(s, bond, SlashHeld { held_until: 1_795_000_000, set_aside_until: 1_795_604_800 });
    tell!(
        s,
        bond,
        BondSlashed {
            tenure,
            decided: earned + 25,
            reason: 2,
            evidence_hash: [46; 32],
            from_earned: earned,
            from_staked: 20,
            from_unbonding: 5,
        }
    );
    tell!(s, bond, SlashVoided { evidence_hash: [47; 32] });
    // What a slash may still take stays, and leaves when that has lapsed.
    for (amount, unbonding) in [(50, 5), (5, 0)] {
        tell!(s, bond, BondUnbonded { tenure, amount, destination: key(99), unbonding });
    }
}
