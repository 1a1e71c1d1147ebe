//! Jobs and bonds: what each action does and what the model says of it.

use muster_jobs::{self as jobs, state::Outcome};
use muster_network::state::pause;
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Amount, Jump, Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, Machine},
    reference::*,
};

const DEADLINE_MAX_S: i64 = 30 * 86_400;
/// How much later a job expires that a threshold attested.
const UNSETTLED_S: i64 = 7 * 86_400;
const RETENTION_S: i64 = 90 * 86_400;
const NONCE_WINDOW_MS: u64 = 3_600_000;

impl Machine {
    pub fn submit(&mut self, who: Pick, stake: Amount, tip: Pick, twist: Twist) -> Done {
        let who = who.of(&[HOLDERS[0], HOLDERS[1], HOLDERS[2], HOLDERS[3], MALLORY]);
        let index = self.model.jobs.len() as u64;
        let mint = self.model.mint;
        let mut args = self.on_jobs().submit_args(index);
        args.stake = Some(stake.0);
        args.tip = u64::from(tip.0) * 1_000;
        args.deadline = self.model.now + 300 + i64::from(tip.0) * 10;
        let mut wrong = None;
        if let Twist::Wrong(kind) = twist {
            wrong = Some("its arguments are wrong");
            match kind % 6 {
                0 if tip.one_in(2) => args.nonce += NONCE_WINDOW_MS + 1,
                0 => args.nonce -= NONCE_WINDOW_MS + 1_000,
                1 => args.deadline = self.model.now,
                2 => args.deadline = self.model.now + DEADLINE_MAX_S + 1,
                3 => args.redundancy = 9,
                4 => args.descriptor_hash = [0; 32],
                _ => args.stake = Some(self.model.limits.stake_min - 1),
            }
        }
        let source = self.purse(who, &mint);
        let (key, deadline, tip) = (self.key(who), args.deadline, args.tip);
        let accounts = self.world.submit_accounts(&key, args.nonce);
        let (job, escrow) = (accounts.job, accounts.escrow);
        let verdict = wrong.map_or_else(|| self.model.submits(source, job, stake.0, args.tip), Err);
        let ix = jobs_ix(accounts, submit_data(&key, args), &[]);
        let signer = self.people[who].clone();
        if self.attempt("submit", ix, &[&signer], verdict)? {
            self.model.jobs.push(Job {
                key: job,
                escrow,
                submitter: who,
                stake: stake.0,
                tip,
                fee_bps: self.model.fee_at(self.model.epoch()),
                created_at: self.model.now,
                deadline,
                attest_grace: self.model.limits.attest_grace,
                cancel_window: self.model.limits.cancel_window,
                cancel_at: 0,
                state: JobState::Open,
                settled_at: 0,
                votes: Default::default(),
                paid: (0, 0, 0),
                owed: 0,
                sponsors: Default::default(),
                sponsors_left: 0,
                closed: false,
            });
        }
        Ok(())
    }

    /// What oracles may attest of a job: two completions, a failure, a cancellation; and a completion that pays one
    /// holder twice, which no threshold makes right.
    fn outcome(&self, job: usize, pick: Pick) -> Outcome {
        let mut tenures: Vec<(PersonId, Pubkey)> = (self.model.tenures.iter())
            .filter(|tenure| tenure.bond.is_some())
            .map(|tenure| (tenure.holder, tenure.key))
            .collect();
        // A job that is to be cancelled mostly is.
        let cancels = self.model.jobs[job].cancel_at != 0 && !pick.one_in(3);
        let kind = if cancels { 9 + pick.0 % 2 } else { pick.0 % 12 };
        if kind != 11 {
            tenures.sort_unstable();
            tenures.dedup_by_key(|(holder, _)| *holder);
        }
        tenures.truncate([2, 1, 3, 8][usize::from(kind) % 4]);
        let mut tenures: Vec<Pubkey> = tenures.into_iter().map(|(_, key)| key).collect();
        tenures.sort_unstable();
        let of = &self.model.jobs[job];
        match kind {
            0..=5 | 11 => Outcome::Completed { tenures, result_hash: [kind % 2 + 1; 32] },
            6 | 7 => Outcome::Failed { reason: u16::from(kind) - 5 },
            8 => Outcome::Failed { reason: 77 },
            9 => Outcome::Cancelled { started_at: 0, tenures: Vec::new() },
            _ => Outcome::Cancelled { started_at: of.created_at + 1, tenures },
        }
    }

    pub fn attest(&mut self, job: Pick, oracle: Pick, outcome: Pick, twist: Twist) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        let job = job.index(self.model.jobs.len());
        let oracle = oracle.of(&ORACLES);
        let outcome = self.outcome(job, outcome);
        self.attest_as(job, oracle, &outcome, twist)
    }

    fn attest_as(&mut self, job: usize, oracle: PersonId, outcome: &Outcome, twist: Twist) -> Done {
        let of = &self.model.jobs[job];
        let version = self.model.set.version;
        let mut outcome_hash = outcome.hash(&of.key, version).expect("the outcome is hashed");
        let mut verdict = self.model.attests(job, oracle);
        let mut set_version = version;
        if let Twist::Wrong(kind) = twist {
            verdict = Err("it attests nothing, or under another set");
            match kind % 3 {
                0 => outcome_hash = [0; 32],
                1 => set_version -= 1,
                _ => set_version += 1,
            }
        }
        let accounts = jobs::accounts::AttestJob {
            oracle: self.key(oracle),
            oracle_set: at::oracle_set(),
            job: of.key,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::AttestJob { outcome_hash, set_version }, &[]);
        let signer = self.people[oracle].clone();
        if self.attempt("attest_job", ix, &[&signer], verdict)? {
            let votes = &mut self.model.jobs[job].votes;
            let stale = votes.values().any(|(_, of)| *of != version);
            votes.insert(oracle, (outcome.clone(), version));
            votes.retain(|_, (_, of)| *of == version);
            self.held(Invariant::OneVote);
            if stale {
                self.held(Invariant::SetVersions);
            }
        }
        Ok(())
    }

    /// A threshold of honest oracles attests alike.
    pub fn attest_all(&mut self, job: Pick, outcome: Pick) -> Done {
        let open: Vec<usize> =
            (0..self.model.jobs.len()).filter(|job| self.model.jobs[*job].state == JobState::Open).collect();
        if open.is_empty() {
            return Ok(());
        }
        let job = job.of(&open);
        let outcome = self.outcome(job, outcome);
        let members = self.model.set.members.clone();
        for oracle in members.into_iter().filter(|member| *member != LIAR).take(self.model.set.threshold()) {
            self.attest_as(job, oracle, &outcome, Twist::Honest)?;
        }
        Ok(())
    }

    /// A job as it ends among honest people: done, failed, or cancelled in time.
    pub fn finish_job(&mut self, job: Pick, outcome: Pick) -> Done {
        let undecided: Vec<usize> = (0..self.model.jobs.len()).filter(|job| self.model.is_undecided(*job)).collect();
        if undecided.is_empty() {
            return Ok(());
        }
        let job = job.of(&undecided);
        if outcome.one_in(2) {
            self.wait(Jump::Seconds(outcome.0 / 8 + 2));
            self.request_cancel_of(job, Who::Right)?;
            self.check_touched()?;
        }
        let open = (0..self.model.jobs.len()).filter(|job| self.model.jobs[*job].state == JobState::Open);
        let place = open.take_while(|open| *open < job).count();
        self.attest_all(Pick(place as u8), outcome)?;
        self.check_touched()?;
        self.settle_job(Pick(place as u8), Pick(1), Twist::Honest)
    }

    pub fn settle_job(&mut self, job: Pick, outcome_pick: Pick, twist: Twist) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        let attested: Vec<usize> =
            (0..self.model.jobs.len()).filter(|job| self.model.attested(*job).is_some()).collect();
        // Mostly a job that waits for it, by what a threshold says of it.
        let (job, outcome) = if attested.is_empty() || outcome_pick.0 > 230 {
            let job = job.index(self.model.jobs.len());
            (job, self.outcome(job, outcome_pick))
        } else {
            let job = job.of(&attested);
            (job, self.model.attested(job).expect("it is attested"))
        };
        let tenures = match &outcome {
            Outcome::Completed { tenures, .. } | Outcome::Cancelled { tenures, .. } => tenures.clone(),
            Outcome::Failed { .. } => Vec::new(),
        };
        let mut bonds: Vec<Pubkey> = tenures.iter().map(at::bond).collect();
        let mut wrong = None;
        if let Twist::Wrong(kind) = twist {
            match kind % 2 {
                0 if bonds.len() > 1 => bonds.swap(0, 1),
                _ => bonds.push(at::bond(&Pubkey::default())),
            }
            wrong = Some("the bonds are not the outcome's");
        }
        let shares = self.model.shares(job, &outcome, tenures.len());
        let names_refund = !outcome_pick.one_in(5);
        let verdict = wrong.map_or_else(|| self.model.settles_job(job, &outcome, &tenures, names_refund), Err);
        let of = &self.model.jobs[job];
        let accounts = jobs::accounts::SettleJob {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            job: of.key,
            escrow: of.escrow,
            bond_vault: at::bond_vault(),
            treasury: at::treasury(&self.model.mint),
            refund_account: names_refund.then(|| self.purse(of.submitter, &self.model.mint)),
            rent_payer: self.key(of.submitter),
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome: outcome.clone() }, &bonds);
        if self.attempt("settle_job", ix, &[], verdict)? {
            self.model.enter_outcome(job, &outcome, &tenures, shares, names_refund);
            match outcome {
                Outcome::Completed { .. } => self.held(Invariant::AttestedBonds),
                Outcome::Failed { .. } => self.held(Invariant::FailedGivesBack),
                Outcome::Cancelled { .. } => self.held(Invariant::ElapsedShare),
            }
            if !names_refund {
                self.held(Invariant::NobodyBlocks);
            }
        }
        Ok(())
    }

    /// More for a job's nodes, from its submitter.
    pub fn add_tip(&mut self, job: Pick, who: Who, amount: Amount) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        let job = job.index(self.model.jobs.len());
        let of = self.model.jobs[job].clone();
        let who = self.signer(who, of.submitter);
        let source = self.purse(who, &self.model.mint);
        let verdict = self.model.tips(job, who, source, amount.0);
        let accounts = jobs::accounts::AddTip {
            submitter: self.key(who),
            network: at::network(),
            config: at::jobs_config(),
            job: of.key,
            escrow: of.escrow,
            source,
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::AddTip { amount: amount.0 }, &[]);
        let signer = self.people[who].clone();
        if self.attempt("add_tip", ix, &[&signer], verdict)? {
            self.model.jobs[job].tip += amount.0;
        }
        Ok(())
    }

    /// More for a job's nodes, from anybody.
    pub fn sponsor(&mut self, job: Pick, who: Pick, amount: Amount) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        let job = job.index(self.model.jobs.len());
        let of = self.model.jobs[job].clone();
        let who = who.of(&[HOLDERS[0], HOLDERS[1], MALLORY]);
        let source = self.purse(who, &self.model.mint);
        let verdict = self.model.sponsors(job, source, amount.0);
        let accounts = jobs::accounts::Sponsor {
            sponsor: self.key(who),
            network: at::network(),
            config: at::jobs_config(),
            job: of.key,
            sponsorship: sponsorship(&of.key, &self.key(who)),
            escrow: of.escrow,
            source,
            mint: self.model.mint,
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::Sponsor { amount: amount.0 }, &[]);
        let signer = self.people[who].clone();
        if self.attempt("sponsor", ix, &[&signer], verdict)? {
            let of = &mut self.model.jobs[job];
            *of.sponsors.entry(who).or_default() += u128::from(amount.0);
            of.sponsors_left += u128::from(amount.0);
        }
        Ok(())
    }

    pub fn request_cancel(&mut self, job: Pick, who: Who) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        self.request_cancel_of(job.index(self.model.jobs.len()), who)
    }

    pub fn request_cancel_of(&mut self, job: usize, who: Who) -> Done {
        let of = &self.model.jobs[job];
        let who = self.signer(who, of.submitter);
        let verdict = self.model.cancels(job, who);
        let accounts = jobs::accounts::RequestCancel {
            submitter: self.key(who),
            job: of.key,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::RequestCancel {}, &[]);
        let signer = self.people[who].clone();
        if self.attempt("request_cancel", ix, &[&signer], verdict)? {
            self.model.jobs[job].cancel_at = self.model.now;
        }
        Ok(())
    }

    pub fn expire(&mut self, job: Pick) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        self.expire_job(job.index(self.model.jobs.len()), !job.one_in(7))
    }

    pub fn expire_job(&mut self, job: usize, names_refund: bool) -> Done {
        let verdict = self.model.expires(job, names_refund);
        let of = &self.model.jobs[job];
        let back = u128::from(self.model.balance(&of.escrow)).saturating_sub(of.sponsors_left);
        let accounts = jobs::accounts::Expire {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            job: of.key,
            escrow: of.escrow,
            refund_account: names_refund.then(|| self.purse(of.submitter, &self.model.mint)),
            rent_payer: self.key(of.submitter),
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::Expire {}, &[]);
        if self.attempt("expire", ix, &[], verdict)? {
            let now = self.model.now;
            let of = &mut self.model.jobs[job];
            (of.state, of.settled_at) = (JobState::Expired, now);
            of.enter_refund(back, names_refund);
            self.held(Invariant::JobsExpire);
        }
        Ok(())
    }

    pub fn refund_submitter(&mut self, job: Pick) -> Done {
        if self.model.jobs.is_empty() {
            return Ok(());
        }
        // Mostly one that is owed something.
        let owed: Vec<usize> = (0..self.model.jobs.len()).filter(|job| self.model.jobs[*job].owed > 0).collect();
        let any = job.index(self.model.jobs.len());
        self.refund_submitter_of(if owed.is_empty() { any } else { job.of(&owed) })
    }

    pub fn refund_submitter_of(&mut self, job: usize) -> Done {
        let verdict = self.model.refunds_submitter(job);
        let of = &self.model.jobs[job];
        let accounts = jobs::accounts::RefundSubmitter {
            config: at::jobs_config(),
            job: of.key,
            escrow: of.escrow,
            refund_account: self.purse(of.submitter, &self.model.mint),
            rent_payer: self.key(of.submitter),
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::RefundSubmitter {}, &[]);
        if self.attempt("refund_submitter", ix, &[], verdict)? {
            let of = &mut self.model.jobs[job];
            of.paid.2 += std::mem::take(&mut of.owed);
            self.held(Invariant::Refunds);
        }
        Ok(())
    }

    pub fn refund_sponsor(&mut self, job: Pick, who: Pick) -> Done {
        let sponsored: Vec<usize> =
            (0..self.model.jobs.len()).filter(|job| !self.model.jobs[*job].sponsors.is_empty()).collect();
        if sponsored.is_empty() {
            return Ok(());
        }
        let job = job.of(&sponsored);
        let sponsors: Vec<PersonId> = self.model.jobs[job].sponsors.keys().copied().collect();
        self.refund_sponsor_of(job, who.of(&sponsors))
    }

    pub fn refund_sponsor_of(&mut self, job: usize, who: PersonId) -> Done {
        let verdict = self.model.refunds_sponsor(job, who);
        let of = &self.model.jobs[job];
        let accounts = jobs::accounts::RefundSponsor {
            config: at::jobs_config(),
            job: of.key,
            sponsorship: sponsorship(&of.key, &self.key(who)),
            sponsor: self.key(who),
            escrow: of.escrow,
            refund_account: self.purse(who, &self.model.mint),
            rent_payer: self.key(of.submitter),
            mint: self.model.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::RefundSponsor {}, &[]);
        if self.attempt("refund_sponsor", ix, &[], verdict)? {
            let of = &mut self.model.jobs[job];
            let amount = of.sponsors.remove(&who).unwrap_or(0);
            if of.state != JobState::Completed {
                of.sponsors_left -= amount;
                self.held(Invariant::Refunds);
            }
        }
        Ok(())
    }

    pub fn close_job(&mut self, job: Pick) -> Done {
        let there: Vec<usize> = (0..self.model.jobs.len()).filter(|job| !self.model.jobs[*job].closed).collect();
        if there.is_empty() {
            return Ok(());
        }
        // Now and then somebody remembers it long after.
        if job.one_in(3) {
            self.wait(Jump::Months);
        }
        let job = job.of(&there);
        let verdict = self.model.closes_job(job);
        let of = &self.model.jobs[job];
        let accounts = jobs::accounts::CloseJob {
            job: of.key,
            rent_payer: self.key(of.submitter),
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        };
        let ix = jobs_ix(accounts, jobs::instruction::CloseJob {}, &[]);
        if self.attempt("close_job", ix, &[], verdict)? {
            self.model.jobs[job].closed = true;
            self.held(Invariant::JobsClose);
        }
        Ok(())
    }
}

/// What one sponsor brought to one job.
fn sponsorship(job: &Pubkey, sponsor: &Pubkey) -> Pubkey {
    pda(&[b"sponsor", job.as_ref(), sponsor.as_ref()], &jobs::ID)
}

impl Job {
    /// The submitter's part of what goes back: paid, or owed when his account was not named.
    fn enter_refund(&mut self, amount: u128, names_refund: bool) {
        if names_refund {
            self.paid.2 += amount;
        } else {
            self.owed += amount;
        }
    }
}

impl Model {
    fn submits(&self, source: Pubkey, job: Pubkey, stake: u64, tip: u64) -> Verdict {
        needs!(!self.is_paused(pause::SUBMIT), "submitting is paused");
        needs!(stake >= self.limits.stake_min, "the stake is too small");
        let all = u128::from(stake) + u128::from(tip);
        needs!(u128::from(self.balance(&source)) >= all, "the submitter has less");
        let escrow = at::escrow(&job);
        Ok(Effect::event(job).opens(escrow, self.mint).moves(source, escrow, all as u64))
    }

    fn attests(&self, job: usize, oracle: PersonId) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.state == JobState::Open && !of.closed, "the job is over");
        needs!(self.set.has(oracle), "it is not an oracle of the set");
        Ok(Effect::event(of.key))
    }

    /// The outcome that a threshold of the set in force attests.
    pub fn attested(&self, job: usize) -> Option<Outcome> {
        let of = &self.jobs[job];
        let current: Vec<&Outcome> = (of.votes.values())
            .filter(|(_, version)| *version == self.set.version)
            .map(|(outcome, _)| outcome)
            .collect();
        let reached =
            |outcome: &&&Outcome| current.iter().filter(|other| other == outcome).count() >= self.set.threshold();
        (of.state == JobState::Open).then(|| current.iter().find(reached).map(|outcome| (*outcome).clone())).flatten()
    }

    /// To each node, to the treasury and back to the submitter: of what the escrow holds.
    fn shares(&self, job: usize, outcome: &Outcome, nodes: usize) -> (u128, u128, u128) {
        let of = &self.jobs[job];
        let held = u128::from(self.balance(&of.escrow));
        let prize = match outcome {
            Outcome::Completed { .. } => held,
            Outcome::Failed { .. } => 0,
            Outcome::Cancelled { started_at, .. } => elapsed(of, *started_at, nodes),
        };
        let to_sponsors = if matches!(outcome, Outcome::Completed { .. }) { 0 } else { of.sponsors_left };
        let fee = prize * u128::from(of.fee_bps) / 10_000;
        let each = (prize - fee).checked_div(nodes as u128).unwrap_or(0);
        (each, prize - each * nodes as u128, held.saturating_sub(prize).saturating_sub(to_sponsors))
    }

    fn settles_job(&self, job: usize, outcome: &Outcome, tenures: &[Pubkey], names_refund: bool) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.state == JobState::Open && !of.closed, "the job is over");
        needs!(self.attested(job).as_ref() == Some(outcome), "no threshold attests it");
        let mut holders = Vec::new();
        for tenure in tenures {
            let of = self.tenures.iter().find(|of| of.key == *tenure).filter(|of| of.bond.is_some());
            let Some(of) = of else {
                return Err("a tenure has no bond");
            };
            needs!(!holders.contains(&of.holder), "it pays a holder twice");
            holders.push(of.holder);
        }
        match outcome {
            Outcome::Completed { .. } => needs!(!tenures.is_empty(), "it pays nobody"),
            Outcome::Failed { reason } => needs!((1..=5).contains(reason), "the reason is unknown"),
            Outcome::Cancelled { .. } => needs!(of.cancel_at != 0, "nobody asked to cancel"),
        }
        let (each, to_treasury, back) = self.shares(job, outcome, tenures.len());
        let mut effect = Effect::event(of.key)
            .moves(of.escrow, at::bond_vault(), (each * tenures.len() as u128) as u64)
            .moves(of.escrow, at::treasury(&self.mint), to_treasury as u64);
        for tenure in tenures {
            effect = effect.and_event(at::bond(tenure));
        }
        let to_sponsors = if matches!(outcome, Outcome::Completed { .. }) { 0 } else { of.sponsors_left };
        Ok(self.refunds(effect, of, back, names_refund, to_sponsors))
    }

    /// The submitter's part goes back, or waits for him; an escrow that is empty closes.
    fn refunds(&self, effect: Effect, of: &Job, back: u128, names_refund: bool, to_sponsors: u128) -> Effect {
        let owed = if names_refund { 0 } else { back };
        let paid = if names_refund { back } else { 0 };
        let effect = effect.moves(of.escrow, self.purse(of.submitter, &self.mint), paid as u64);
        if owed == 0 && to_sponsors == 0 { effect.closes(of.escrow) } else { effect }
    }

    fn enter_outcome(
        &mut self,
        job: usize,
        outcome: &Outcome,
        tenures: &[Pubkey],
        (each, to_treasury, back): (u128, u128, u128),
        names_refund: bool,
    ) {
        for tenure in self.tenures.iter_mut().filter(|tenure| tenures.contains(&tenure.key)) {
            let bond = tenure.bond.as_mut().expect("the tenure has a bond");
            bond.earned += each;
        }
        self.jobs_to_treasury += to_treasury;
        let of = &mut self.jobs[job];
        of.state = match outcome {
            Outcome::Completed { .. } => JobState::Completed,
            Outcome::Failed { .. } => JobState::Failed,
            Outcome::Cancelled { .. } => JobState::Cancelled,
        };
        if of.state == JobState::Completed {
            of.sponsors_left = 0;
        }
        of.settled_at = self.now;
        of.paid = (each * tenures.len() as u128, to_treasury, 0);
        of.enter_refund(back, names_refund);
    }

    /// Takes neither money nor a request any more.
    fn is_undecided(&self, job: usize) -> bool {
        let of = &self.jobs[job];
        of.state == JobState::Open && self.now < of.deadline && of.cancel_at == 0
    }

    fn tips(&self, job: usize, who: PersonId, source: Pubkey, amount: u64) -> Verdict {
        let of = &self.jobs[job];
        needs!(!of.closed && who == of.submitter, "only the submitter tips");
        needs!(!self.is_paused(pause::SUBMIT), "submitting is paused");
        needs!(self.is_undecided(job), "the job is decided, late or to be cancelled");
        needs!(amount > 0, "the amount is zero");
        needs!(self.balance(&source) >= amount, "the submitter has less");
        Ok(Effect::event(of.key).moves(source, of.escrow, amount))
    }

    fn sponsors(&self, job: usize, source: Pubkey, amount: u64) -> Verdict {
        let of = &self.jobs[job];
        needs!(!self.is_paused(pause::SUBMIT), "submitting is paused");
        needs!(self.is_undecided(job), "the job is decided, late or to be cancelled");
        needs!(amount >= self.limits.sponsor_min, "it is too little");
        needs!(self.balance(&source) >= amount, "the sponsor has less");
        Ok(Effect::event(of.key).moves(source, of.escrow, amount))
    }

    fn cancels(&self, job: usize, who: PersonId) -> Verdict {
        let of = &self.jobs[job];
        needs!(!of.closed && who == of.submitter, "only the submitter cancels");
        needs!(self.is_undecided(job), "the job is decided, late or to be cancelled");
        Ok(Effect::event(of.key))
    }

    fn expires(&self, job: usize, names_refund: bool) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.state == JobState::Open, "the job is over");
        let mut last = of.deadline + i64::from(of.attest_grace);
        if of.cancel_at != 0 {
            last = last.min(of.cancel_at + i64::from(of.cancel_window));
        }
        if self.attested(job).is_some() {
            last += UNSETTLED_S;
        }
        needs!(self.now > last, "oracles may still decide it");
        let back = u128::from(self.balance(&of.escrow)) - of.sponsors_left;
        Ok(self.refunds(Effect::event(of.key), of, back, names_refund, of.sponsors_left))
    }

    fn refunds_submitter(&self, job: usize) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.owed > 0, "nothing is owed");
        Ok(self.pays_out(of, of.submitter, of.owed, of.sponsors_left == 0))
    }

    fn refunds_sponsor(&self, job: usize, who: PersonId) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.state != JobState::Open, "the job is open");
        if of.state == JobState::Completed {
            return Ok(Effect::event(of.key));
        }
        let amount = of.sponsors[&who];
        Ok(self.pays_out(of, who, amount, of.sponsors_left == amount && of.owed == 0))
    }

    /// With the last one everything leaves, gifts included, and the escrow closes.
    fn pays_out(&self, of: &Job, to: PersonId, amount: u128, last: bool) -> Effect {
        let amount = if last { self.balance(&of.escrow) } else { amount as u64 };
        let effect = Effect::event(of.key).moves(of.escrow, self.purse(to, &self.mint), amount);
        if last { effect.closes(of.escrow) } else { effect }
    }

    fn closes_job(&self, job: usize) -> Verdict {
        let of = &self.jobs[job];
        needs!(of.state != JobState::Open, "the job is open");
        needs!(self.now >= of.settled_at + RETENTION_S, "the retention runs");
        needs!(of.owed == 0 && of.sponsors.is_empty(), "somebody's money is there");
        Ok(Effect::event(of.key))
    }
}

/// The stake's part that had elapsed when the submitter cancelled: floor(stake x worked / whole).
fn elapsed(job: &Job, started_at: i64, nodes: usize) -> u128 {
    if started_at == 0 || nodes == 0 || job.cancel_at <= started_at {
        return 0;
    }
    let whole = job.deadline - started_at;
    let worked = (job.cancel_at - started_at).min(whole);
    u128::from(job.stake) * worked as u128 / whole as u128
}
