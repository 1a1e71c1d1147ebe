//! Why an oracle took a message or did not: one code per message, seen by its sender.

use crate::wire::WireError;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// The verdict on one message. The codes never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The snake_case name for logs, metrics and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The byte on the wire.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// From the byte on the wire.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    /// Counted, and on this oracle's disk.
    Accepted = 0, "accepted";
    /// Not a frame of the expected kind.
    Malformed = 1, "malformed";
    /// Signed for another cluster or network program.
    WrongDomain = 2, "wrong_domain";
    /// Addressed to another oracle.
    WrongOracle = 3, "wrong_oracle";
    /// No node has this key.
    UnknownNode = 4, "unknown_node";
    /// The node's first counted bucket is still to come.
    NotAcceptedYet = 5, "not_accepted_yet";
    /// The signature is refused.
    BadSignature = 6, "bad_signature";
    /// The sequence number is at or below the last accepted one, which the answer names.
    StaleSeq = 7, "stale_seq";
    /// The receive time is not in the bucket that the frame names.
    WrongBucket = 8, "wrong_bucket";
    /// `sent_at_ms` is more than 30 s off the oracle's time, which the answer names.
    ClockSkew = 9, "clock_skew";
    /// The receipt root that the frame carries is unknown or older than 5 minutes.
    StaleReceipt = 10, "stale_receipt";
    /// This sender sends too often.
    RateLimited = 11, "rate_limited";
    /// The oracle sheds load.
    Overloaded = 12, "overloaded";
    /// The oracle's clock is off its peers', so it counts nothing.
    ClockUnsure = 13, "clock_unsure";
    /// The body or a frame is larger than allowed.
    TooLarge = 14, "too_large";
    /// The node is suspended.
    Suspended = 15, "suspended";
    /// There is no such job, or it is not open.
    UnknownJob = 16, "unknown_job";
    /// The node is not part of this assignment.
    NotAssigned = 17, "not_assigned";
    /// The assignment's lease or the job's deadline has passed.
    TooLate = 18, "too_late";
    /// Another result of the same node for the same assignment was taken before.
    Conflict = 19, "conflict";
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl From<&WireError> for Reason {
    /// The answer to a message that does not decode.
    fn from(error: &WireError) -> Self {
        match error {
            WireError::Domain => Self::WrongDomain,
            WireError::TooLong { .. } => Self::TooLarge,
            WireError::Signature(_) | WireError::WrongSigner => Self::BadSignature,
            _ => Self::Malformed,
        }
    }
}
