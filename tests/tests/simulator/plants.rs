//! Faults planted behind the simulator's own seams: what it must notice. The first oracle has them, and passes for
//! honest.

/// What is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The log's syncs do nothing.
    LogIsNotSynced,
    /// Batches with frames never reach the log's file.
    LogForgetsWrites,
    /// Folders' syncs do nothing.
    FoldersAreNotSynced,
    /// The same vote names another root now and then.
    VotesTwice,
    /// Whoever asks for the view gets another one.
    SignsTwoViews,
    /// The view that is published has a bit too many.
    CountsTooMuch,
    /// An RPC error is taken as "there is none".
    ErrorsAreAbsent,
    /// Nodes that lag answer all the same.
    NodesIgnoreTheSlot,
    /// It computes another distribution than the others.
    ComputesOtherwise,
    /// A request is dropped without a word and without being counted.
    DropsRequests,
    /// Its chain never answers again.
    AnOracleNeverHeals,
    /// The chain model forgets what was claimed.
    ClaimsAreForgotten,
}

impl Plant {
    pub const ALL: [Self; 12] = [
        Self::LogIsNotSynced,
        Self::LogForgetsWrites,
        Self::FoldersAreNotSynced,
        Self::VotesTwice,
        Self::SignsTwoViews,
        Self::CountsTooMuch,
        Self::ErrorsAreAbsent,
        Self::NodesIgnoreTheSlot,
        Self::ComputesOtherwise,
        Self::DropsRequests,
        Self::AnOracleNeverHeals,
        Self::ClaimsAreForgotten,
    ];
}
