//! The programs, as built to SBF, in a real virtual machine: each instruction's good case and every refusal.

mod attacks;
mod bind;
mod claim;
mod jobs;
mod licences;
mod network;
mod pauses;
mod settlement;
mod views;
