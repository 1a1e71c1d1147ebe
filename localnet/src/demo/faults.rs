//! What may be made to go wrong during the demo, for the end-to-end tests and for who wants to see it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

use crate::keys::ORACLES;

/// Where in the story something is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Once every oracle has heard every node.
    Heartbeats,
    /// Right after the first job was submitted.
    Job,
    /// In the middle of the epoch that is settled.
    Epoch,
    /// After the views are in, before the settlement.
    Settle,
}

/// Which oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Victim {
    /// 1, 2, ...
    Number(usize),
    /// The first coordinator of the first job.
    Coordinator,
}

/// `N@STEP` or `coordinator@STEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    pub victim: Victim,
    pub step: Step,
}

/// All of them.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Faults {
    /// Kill an oracle for good: N@STEP, or coordinator@job. Steps: heartbeats, job, epoch, settle.
    #[arg(long, env = "KILL_ORACLE", value_name = "N@STEP")]
    pub kill_oracle: Option<Kill>,
    /// Start every dead oracle again once the jobs are done.
    #[arg(long, env = "REVIVE", value_parser = clap::builder::FalseyValueParser::new())]
    pub revive: bool,
    /// Let oracle N compute with one wrong bit.
    #[arg(long, env = "WRONG_BIT", value_name = "N", value_parser = oracle_number)]
    pub wrong_bit: Option<usize>,
    /// Kill oracle N within the epoch, start it again, and look for every kept receipt in its view.
    #[arg(long, env = "RESTART_ORACLE", value_name = "N", value_parser = oracle_number)]
    pub restart_oracle: Option<usize>,
    /// Kill the indexer within the epoch, start it again, and compare it with one that was left alone.
    #[arg(long, env = "RESTART_INDEXER", value_parser = clap::builder::FalseyValueParser::new())]
    pub restart_indexer: bool,
}

impl Kill {
    /// The number of the oracle that dies at `step`, if one does. The coordinator is known once there is a job.
    pub fn at(&self, step: Step, job: Option<&Pubkey>) -> Option<usize> {
        if self.step != step {
            return None;
        }
        match self.victim {
            Victim::Number(number) => Some(number),
            Victim::Coordinator => job.map(|job| first_coordinator(job) + 1),
        }
    }
}

/// Position of the oracle whose turn is the first: the first 8 bytes of the job's key, modulo the oracles.
pub fn first_coordinator(job: &Pubkey) -> usize {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&job.to_bytes()[..8]);
    (u64::from_le_bytes(bytes) % ORACLES as u64) as usize
}

impl FromStr for Kill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not N@STEP: N is 1 to {ORACLES} or coordinator, STEP heartbeats, job, epoch or settle")
        };
        let (victim, step) = text.split_once('@').ok_or_else(wrong)?;
        let step = match step {
            "heartbeats" => Step::Heartbeats,
            "job" => Step::Job,
            "epoch" => Step::Epoch,
            "settle" => Step::Settle,
            _ => return Err(wrong()),
        };
        let victim = match victim {
            "coordinator" if step != Step::Job => {
                return Err("only a job has a coordinator: use coordinator@job".into());
            }
            "coordinator" => Victim::Coordinator,
            number => Victim::Number(oracle_number(number).map_err(|_| wrong())?),
        };
        Ok(Self { victim, step })
    }
}

fn oracle_number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=ORACLES).contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is not the number of an oracle, 1 to {ORACLES}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_a_victim_and_a_step() {
        let kill: Kill = "2@epoch".parse().unwrap();
        assert_eq!(kill.at(Step::Epoch, None), Some(2));
        assert_eq!(kill.at(Step::Job, None), None);
        let kill: Kill = "coordinator@job".parse().unwrap();
        assert_eq!(
            kill.at(Step::Job, Some(&Pubkey::from([4; 32]))),
            Some(first_coordinator(&Pubkey::from([4; 32])) + 1)
        );
        for wrong in ["", "2", "0@job", "4@job", "x@job", "2@lunch", "coordinator@heartbeats", "coordinator@epoch"] {
            assert!(wrong.parse::<Kill>().is_err(), "{wrong}");
        }
    }
}
