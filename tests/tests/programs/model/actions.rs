//! What can happen: the table of actions with their weights, and the types of their arguments.
//!
//! Arguments are small numbers that the machine resolves against the state it has reached (`Pick` by remainder), so that
//! most actions are meaningful wherever a sequence stands, and shrinking one action leaves the others so.

use muster_tests::world::TOKEN_UNIT;
use proptest::{prelude::*, strategy::Union};

/// One of several, by remainder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pick(pub u8);

impl Pick {
    pub fn index(self, len: usize) -> usize {
        usize::from(self.0) % len.max(1)
    }

    pub fn of<T: Copy>(self, options: &[T]) -> T {
        options[self.index(options.len())]
    }

    /// Now and then, the other arguments being what they are.
    pub fn one_in(self, count: u8) -> bool {
        self.0.is_multiple_of(count)
    }

    /// The first option more often than all others together.
    pub fn mostly_first<T: Copy>(self, options: &[T]) -> T {
        if self.0 < 170 { options[0] } else { self.of(options) }
    }
}

impl std::fmt::Debug for Pick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pick({})", self.0)
    }
}

impl Arbitrary for Pick {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;
    fn arbitrary_with((): ()) -> Self::Strategy {
        any::<u8>().prop_map(Pick).boxed()
    }
}

/// Who signs: the one who may, or somebody of all people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Right,
    Other(u8),
}

impl Arbitrary for Who {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;
    fn arbitrary_with((): ()) -> Self::Strategy {
        prop_oneof![12 => Just(Who::Right), 1 => any::<u8>().prop_map(Who::Other)].boxed()
    }
}

/// An amount of base units: mostly ordinary ones, now and then the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub u64);

impl Amount {
    pub fn one_in(self, count: u64) -> bool {
        self.0.is_multiple_of(count)
    }
}

impl Arbitrary for Amount {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;
    fn arbitrary_with((): ()) -> Self::Strategy {
        prop_oneof![
            8 => (1..=1_000_u64).prop_map(|tokens| Amount(tokens * TOKEN_UNIT)),
            6 => (1..=2_000 * TOKEN_UNIT).prop_map(Amount),
            1 => (0..=3_u64).prop_map(Amount),
            1 => (u64::MAX - 3..=u64::MAX).prop_map(Amount),
        ]
        .boxed()
    }
}

/// How far the clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    Seconds(u8),
    /// To a moment; never drawn.
    To(i64),
    /// To this many seconds after the end of the current epoch.
    AfterEpoch(u8),
    Epochs(u8),
    /// Past every hold, pause and announced change.
    HoldLimit,
    /// Past every deadline, window and retention.
    Months,
}

impl Arbitrary for Jump {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;
    fn arbitrary_with((): ()) -> Self::Strategy {
        prop_oneof![
            8 => (1..=90_u8).prop_map(Jump::Seconds),
            10 => (0..=40_u8).prop_map(Jump::AfterEpoch),
            3 => (1..=12_u8).prop_map(Jump::Epochs),
            1 => Just(Jump::HoldLimit),
            1 => Just(Jump::Months),
        ]
        .boxed()
    }
}

/// What is wrong with an instruction's arguments, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    Honest,
    /// One of the instruction's own ways to be wrong.
    Wrong(u8),
}

impl Arbitrary for Twist {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;
    fn arbitrary_with((): ()) -> Self::Strategy {
        prop_oneof![7 => Just(Twist::Honest), 1 => any::<u8>().prop_map(Twist::Wrong)].boxed()
    }
}

macro_rules! actions {
    ($($weight:literal $name:ident { $($field:ident: $type:ty),+ $(,)? }),+ $(,)?) => {
        /// One thing that somebody does, or time that passes.
        #[derive(Clone, Debug)]
        pub enum Action { $($name { $($field: $type),+ }),+ }

        /// Any action, by the table's weights.
        pub fn any_action() -> impl Strategy<Value = Action> {
            Union::new_weighted(vec![$((
                $weight,
                ($(any::<$type>(),)+).prop_map(|($($field,)+)| Action::$name { $($field),+ }).boxed(),
            )),+])
        }
    };
}

actions! {
    14 Wait { jump: Jump },
    1 Reinitialise { who: Pick },

    // network and projects
    3 SetOracles { who: Who, set: Pick },
    1 SetOracleUrl { oracle: Pick, twist: Twist },
    1 ProposeAuthority { role: Pick, to: Pick, who: Who },
    1 HandOver { role: Pick, to: Pick },
    1 AcceptAuthority { role: Pick, who: Who },
    1 SetFee { who: Who, fee: Pick, ahead: Pick },
    1 ListMint { who: Who, on: Pick },
    2 SetPaused { who: Who, bit: Pick },
    1 GuardianPause { who: Who, bit: Pick },
    1 WithdrawTreasury { who: Who, mint: Pick, amount: Amount },
    1 CreateProject { owner: Pick, twist: Twist },
    1 ProposeOwner { project: Pick, who: Who, to: Pick },
    1 AcceptOwner { project: Pick, who: Who },
    1 SetSettler { project: Pick, who: Who, to: Pick },
    1 SetFormula { project: Pick, who: Who, weight: Pick },
    1 SetMaxBudget { project: Pick, who: Who, amount: Amount },
    1 SetSale { project: Pick, who: Who, price: Pick, licences: Pick },
    1 AnnounceWithdrawal { project: Pick, who: Who, amount: Amount },
    2 WithdrawBudget { project: Pick, who: Who, amount: Amount },
    1 CloseProject { project: Pick, who: Who },
    2 CreatePool { project: Pick, who: Who, capacity: Pick },
    1 ClosePool { project: Pick, who: Who, pool: Pick },
    1 SetPoolCapacity { project: Pick, who: Who, pool: Pick, capacity: Pick },
    3 JoinPool { licence: Pick, who: Who, pool: Pick },
    2 LeavePool { licence: Pick, who: Who },
    3 Fund { project: Pick, from: Pick, amount: Amount },
    2 Donate { from: Pick, to: Pick, amount: Amount },

    // licences and nodes
    5 Buy { project: Pick, buyer: Pick, twist: Twist },
    4 Sell { licence: Pick, to: Pick },
    6 Bind { licence: Pick, key: Pick, who: Who, payout: Pick, twist: Twist },
    1 LinkCollection { project: Pick, who: Who, twist: Twist },
    1 MintAsset { project: Pick, to: Pick },
    3 Detach { licence: Pick },
    2 Gift { project: Pick, who: Who, to: Pick },
    3 Resell { licence: Pick, to: Pick, key: Pick },
    2 Operate { tenure: Pick, split: Pick },
    4 Unbind { licence: Pick, who: Who },
    5 Thaw { licence: Pick },
    3 Rotate { licence: Pick, who: Who, key: Pick },
    3 SetPayout { tenure: Pick, who: Who, to: Pick, operator_signs: Pick },
    2 CreateSplit { creator: Pick, mint: Pick, share: Pick, twist: Twist },
    5 Release { split: Pick, recipient: Pick },
    3 SetOperator { tenure: Pick, who: Who, bps: Pick },
    1 ReleaseOperator { tenure: Pick, who: Who },
    1 SetMetadata { licence: Pick, who: Who },
    2 AnnounceMaintenance { licence: Pick, who: Who, ahead: Pick, length: Pick },
    2 Suspend { licence: Pick, who: Who, epochs: Pick },
    1 VoteSuspension { licence: Pick, oracle: Pick, epochs: Pick, twist: Twist },
    1 SuspendAll { licence: Pick, epochs: Pick },
    1 Lift { licence: Pick, who: Who },
    1 Appeal { licence: Pick, who: Who, twist: Twist },
    5 Accept { licence: Pick, twist: Twist },

    // epochs
    6 CommitViews { oracle: Pick, age: Pick, twist: Twist },
    7 CloseViews { age: Pick },
    6 Settle { project: Pick, age: Pick, who: Who, amount: Amount, twist: Twist },
    5 Approve { project: Pick, oracle: Pick, variant: Pick, twist: Twist },
    9 ApproveAll { project: Pick, variant: Pick },
    3 Replace { project: Pick, who: Who, amount: Amount },
    3 Void { project: Pick, who: Pick },
    3 Hold { project: Pick, who: Who, twist: Twist },
    1 EndHold { project: Pick, who: Who },
    1 Correct { project: Pick, oracle: Pick, variant: Pick, twist: Twist },
    4 CorrectAll { project: Pick, variant: Pick },
    2 TopUp { project: Pick, from: Pick, amount: Amount },
    2 CloseEpoch { project: Pick, epoch: Pick },
    2 RemoveViews { epoch: Pick },
    6 Activate { project: Pick, twist: Twist },
    12 Claim { tenure: Pick, root: Pick, twist: Twist },
    4 PayEpoch { project: Pick, amount: Amount, variant: Pick },

    // jobs
    2 OpenBond { tenure: Pick },
    1 SetJobsConfig { who: Who, grace: Pick, delay: Pick, twist: Twist },
    5 Submit { who: Pick, stake: Amount, tip: Pick, twist: Twist },
    5 Attest { job: Pick, oracle: Pick, outcome: Pick, twist: Twist },
    6 AttestAll { job: Pick, outcome: Pick },
    4 FinishJob { job: Pick, outcome: Pick },
    5 SettleJob { job: Pick, outcome: Pick, twist: Twist },
    3 AddTip { job: Pick, who: Who, amount: Amount },
    4 Sponsor { job: Pick, who: Pick, amount: Amount },
    3 RequestCancel { job: Pick, who: Who },
    4 Expire { job: Pick },
    2 RefundSubmitter { job: Pick },
    4 RefundSponsor { job: Pick, who: Pick },
    2 CloseJob { job: Pick },
    4 Withdraw { bond: Pick, who: Who, amount: Amount },
    3 Stake { bond: Pick, who: Pick, amount: Amount },
    3 Unbond { bond: Pick, who: Who, amount: Amount },
    3 WithdrawUnbonded { bond: Pick, who: Who },
    2 VoteSlash { bond: Pick, oracle: Pick, amount: Amount, twist: Twist },
    2 SlashAll { bond: Pick, amount: Amount },
    1 HoldSlash { bond: Pick, who: Who },
    1 VoidSlash { bond: Pick, who: Who },
    4 ExecuteSlash { bond: Pick },
}
