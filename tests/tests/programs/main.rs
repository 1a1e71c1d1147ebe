//! The programs, as built to SBF, in a real virtual machine: each instruction's good case and every refusal.

mod abuse;
mod asset_bytes;
mod assets;
mod attacks;
mod authorities;
mod bind;
mod cancel;
mod claim;
mod external_mode;
mod holds;
mod jobs;
mod licences;
mod maintenance;
mod network;
mod pauses;
mod pools;
mod projects;
mod retention;
mod settlement;
mod splits;
mod sponsors;
mod substitution;
mod suspension;
mod tenures;
mod views;
mod voids;
