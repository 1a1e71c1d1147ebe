use std::{collections::BTreeMap, sync::Mutex};

use litesvm::types::TransactionMetadata;
use litesvm_token::{CreateAssociatedTokenAccount, MintTo};
use muster_jobs as jobs;
use muster_network::{
    self as network, BindArgs, CreateProjectArgs, InitializeNetworkArgs, OracleArg,
    state::{PointsFormula, *},
};
use muster_protocol::merkle::{self, Tree};
use solana_sdk::pubkey::Pubkey;

use super::{accounts::*, jobs::submit_data, svm::*};

pub type Outcome<T = TransactionMetadata> = Result<T, Box<Refusal>>;

/// One token of the worlds' mint, base units.
pub const TOKEN_UNIT: u64 = 1_000_000;
/// What a licence costs.
pub const PRICE: u64 = 50 * TOKEN_UNIT;
/// A project's `max_epoch_budget`.
pub const MAX_BUDGET: u64 = 10_000 * TOKEN_UNIT;
/// What the worlds' settlements state.
pub const POINTS_ROOT: [u8; 32] = [4; 32];
pub const DATASET_HASH: [u8; 32] = [5; 32];
/// Stake of a job that names none.
pub const DEFAULT_STAKE: u64 = 100 * TOKEN_UNIT;

/// One bound and accepted node.
#[derive(Clone)]
pub struct NodeOf {
    pub holder: Wallet,
    pub key: Wallet,
    pub licence: Pubkey,
    pub node: Pubkey,
    pub tenure: Pubkey,
}

/// A network with its people.
#[derive(Clone)]
pub struct World {
    pub svm: Svm,
    pub upgrade_authority: Wallet,
    pub authority: Wallet,
    pub guardian: Wallet,
    pub oracles: Vec<Wallet>,
    pub owner: Wallet,
    pub settler: Wallet,
    pub mint: Pubkey,
    pub project: Pubkey,
    pub nodes: Vec<NodeOf>,
}

/// What a world contains.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Bare,
    Network,
    Project,
    Nodes(u32),
}

/// Worlds that tests start from: making one takes longer than most tests do.
static MADE: Mutex<BTreeMap<Step, World>> = Mutex::new(BTreeMap::new());

/// The world of this step, made once.
fn made(step: Step, make: impl FnOnce() -> World) -> World {
    let cached = || MADE.lock().expect("no test panics with the lock").get(&step).cloned();
    cached().unwrap_or_else(|| {
        let world = make();
        MADE.lock().expect("no test panics with the lock").entry(step).or_insert(world).clone()
    })
}

impl World {
    /// Programs and a mint, nothing else.
    pub fn bare() -> Self {
        made(Step::Bare, Self::make_bare)
    }

    fn make_bare() -> Self {
        let upgrade_authority = Wallet::named("upgrade authority");
        let mut svm = Svm::new(&upgrade_authority.key());
        let mint = svm.add_mint("mint");
        let mut world = Self {
            svm,
            upgrade_authority,
            authority: Wallet::named("authority"),
            guardian: Wallet::named("guardian"),
            oracles: (0..3).map(|i| Wallet::named(&format!("oracle {i}"))).collect(),
            owner: Wallet::named("owner"),
            settler: Wallet::named("settler"),
            mint,
            project: at::project(0),
            nodes: Vec::new(),
        };
        let people: Vec<Wallet> =
            [&world.authority, &world.owner, &world.settler].into_iter().chain(&world.oracles).cloned().collect();
        for wallet in &people {
            world.svm.airdrop(wallet);
        }
        world
    }

    /// An initialised network with three oracles, and the jobs program's config.
    pub fn with_network() -> Self {
        made(Step::Network, Self::make_network)
    }

    fn make_network() -> Self {
        let mut world = Self::bare();
        let args = world.network_args();
        world.initialize_network(args).expect("the network is initialised");
        world.set_oracle_set(world.oracle_args()).expect("the oracle set is set");
        world.initialize_jobs(world.jobs_args()).expect("the jobs program is initialised");
        world
    }

    /// A network with one funded project.
    pub fn with_project() -> Self {
        made(Step::Project, Self::make_project)
    }

    fn make_project() -> Self {
        let mut world = Self::with_network();
        let args = world.project_args();
        world.create_project(args).expect("the project is created");
        let owner = world.owner.clone();
        let source = world.fund_wallet(&owner, 100_000 * TOKEN_UNIT);
        world.fund_project(source, 50_000 * TOKEN_UNIT).expect("the project is funded");
        world
    }

    /// A project with `count` accepted nodes of as many holders, each with a bond.
    pub fn with_nodes(count: u32) -> Self {
        let Some(last) = count.checked_sub(1) else {
            return Self::with_project();
        };
        made(Step::Nodes(count), || {
            let mut world = Self::with_nodes(last);
            world.add_node(last);
            world
        })
    }

    /// Buys, binds, accepts, opens the bond.
    pub fn add_node(&mut self, serial: u32) -> NodeOf {
        let licence = at::licence(&self.project, serial);
        let (holder, key) =
            (Wallet::named(&format!("holder of {licence}")), Wallet::named(&format!("key of {licence}")));
        self.svm.airdrop(&holder);
        self.fund_wallet(&holder, 1_000 * TOKEN_UNIT);
        self.buy_licence(&holder, serial, PRICE).expect("the licence is bought");
        let node = at::node(&licence);
        let made = NodeOf { holder, key, licence, node, tenure: at::tenure(&node, 1) };
        self.bind(&made).expect("the node is bound");
        self.accept(&made).expect("the node is accepted");
        self.open_bond(&made).expect("the bond is opened");
        self.nodes.push(made.clone());
        made
    }

    /// Gives a wallet an associated token account of the mint with `amount` in it.
    pub fn fund_wallet(&mut self, wallet: &Wallet, amount: u64) -> Pubkey {
        let payer = self.svm.payer.clone();
        let account = at::ata(&wallet.key(), &self.mint, &TOKEN);
        if self.svm.inner.get_account(&account).is_none() {
            CreateAssociatedTokenAccount::new(&mut self.svm.inner, payer.keypair(), &self.mint)
                .owner(&wallet.key())
                .send()
                .expect("the token account is made");
        }
        MintTo::new(&mut self.svm.inner, payer.keypair(), &self.mint, &account, amount)
            .send()
            .expect("tokens are minted");
        account
    }

    /// The epoch of the clock.
    pub fn epoch(&self) -> u64 {
        self.svm.now() as u64 / u64::from(EPOCH_LEN)
    }

    /// Moves the clock to `offset` seconds after an epoch's end.
    pub fn go_after(&mut self, epoch: u64, offset: i64) {
        self.svm.set_time(((epoch + 1) * u64::from(EPOCH_LEN)) as i64 + offset);
    }

    // ---- network program ----

    pub fn network_args(&self) -> InitializeNetworkArgs {
        InitializeNetworkArgs {
            authority: self.authority.key(),
            guardian: self.guardian.key(),
            treasury_owner: self.authority.key(),
            fee_bps: 2_000,
            epoch_len: EPOCH_LEN,
            bucket_len: BUCKET_LEN,
            grace: GRACE,
            root_delay: ROOT_DELAY,
            hold_limit: 3_600,
            oracle_set_delay: 60,
        }
    }

    pub fn initialize_network_accounts(&self) -> network::accounts::InitializeNetwork {
        network::accounts::InitializeNetwork {
            payer: self.svm.payer.key(),
            upgrade_authority: self.upgrade_authority.key(),
            program_data: at::network_program_data(),
            network: at::network(),
            oracle_set: at::oracle_set(),
            job_mint: self.mint,
            treasury: at::treasury(&self.mint),
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn initialize_network(&mut self, args: InitializeNetworkArgs) -> Outcome {
        let ix = network_ix(self.initialize_network_accounts(), network::instruction::InitializeNetwork { args });
        let signer = self.upgrade_authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn oracle_args(&self) -> Vec<OracleArg> {
        let named = self.oracles.iter().enumerate();
        named.map(|(i, o)| OracleArg { key: o.key(), url: format!("http://127.0.0.1:{}", 9100 + i) }).collect()
    }

    pub fn set_oracle_set_accounts(&self) -> network::accounts::SetOracleSet {
        network::accounts::SetOracleSet {
            authority: self.authority.key(),
            network: at::network(),
            oracle_set: at::oracle_set(),
            instructions: INSTRUCTIONS,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn set_oracle_set(&mut self, oracles: Vec<OracleArg>) -> Outcome {
        let ix = network_ix(self.set_oracle_set_accounts(), network::instruction::SetOracleSet { oracles });
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn project_args(&self) -> CreateProjectArgs {
        CreateProjectArgs {
            index: 0,
            settler: self.settler.key(),
            price: PRICE,
            licences_max: 1_000,
            formula: PointsFormula { w_uptime: 10_000, w_task: 0, cap: 10_000, min_uptime_bps: 0 },
            max_epoch_budget: MAX_BUDGET,
            reward_mode: reward_mode::ONCHAIN,
            name: "Digits".to_owned(),
            uri: "https://example.org/licence.json".to_owned(),
        }
    }

    pub fn create_project_accounts(&self) -> network::accounts::CreateProject {
        let project = self.project;
        let collection = at::collection(&project);
        let distribution = at::distribution(&project);
        network::accounts::CreateProject {
            owner: self.owner.key(),
            network: at::network(),
            project,
            distribution,
            collection,
            collection_marker: at::collection_marker(&collection),
            reward_mint: self.mint,
            payment_mint: self.mint,
            budget_vault: at::budget_vault(&project),
            vault: at::vault(&distribution),
            token_program: TOKEN,
            token_2022_program: TOKEN_2022,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn create_project(&mut self, args: CreateProjectArgs) -> Outcome {
        let ix = network_ix(self.create_project_accounts(), network::instruction::CreateProject { args });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn fund_project_accounts(&self, source: Pubkey) -> network::accounts::FundProject {
        network::accounts::FundProject {
            funder: self.owner.key(),
            project: self.project,
            source,
            budget_vault: at::budget_vault(&self.project),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn fund_project(&mut self, source: Pubkey, amount: u64) -> Outcome {
        let ix = network_ix(self.fund_project_accounts(source), network::instruction::FundProject { amount });
        let signer = self.owner.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn buy_licence_accounts(&self, buyer: &Pubkey, serial: u32) -> network::accounts::BuyLicence {
        let licence = at::licence(&self.project, serial);
        network::accounts::BuyLicence {
            buyer: *buyer,
            network: at::network(),
            project: self.project,
            collection: at::collection(&self.project),
            licence,
            licence_account: at::ata(buyer, &licence, &TOKEN_2022),
            payment_mint: self.mint,
            payment_source: at::ata(buyer, &self.mint, &TOKEN),
            payment_destination: at::ata(&self.owner.key(), &self.mint, &TOKEN),
            token_program: TOKEN,
            token_2022_program: TOKEN_2022,
            associated_token_program: ATA_PROGRAM,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn buy_licence(&mut self, buyer: &Wallet, serial: u32, max_price: u64) -> Outcome {
        let accounts = self.buy_licence_accounts(&buyer.key(), serial);
        let ix = network_ix(accounts, network::instruction::BuyLicence { serial, max_price });
        self.svm.send(&[ix], &[buyer])
    }

    pub fn bind_args(node: &NodeOf) -> BindArgs {
        BindArgs { tenure_number: 1, node_key: node.key.key(), payout_owner: node.holder.key(), metadata_hash: [7; 32] }
    }

    pub fn bind_accounts(&self, node: &NodeOf) -> network::accounts::Bind {
        network::accounts::Bind {
            holder: node.holder.key(),
            network: at::network(),
            project: self.project,
            distribution: at::distribution(&self.project),
            licence: node.licence,
            licence_account: at::ata(&node.holder.key(), &node.licence, &TOKEN_2022),
            node: node.node,
            tenure: node.tenure,
            key_marker: at::key_marker(&node.key.key()),
            reward_mint: self.mint,
            token_2022_program: TOKEN_2022,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn bind(&mut self, node: &NodeOf) -> Outcome {
        let args = Self::bind_args(node);
        let ix = network_ix(self.bind_accounts(node), network::instruction::Bind { args });
        self.svm.send(&[ix], &[&node.holder])
    }

    pub fn accept_accounts(&self, node: &NodeOf) -> network::accounts::AcceptNode {
        network::accounts::AcceptNode {
            payer: self.svm.payer.key(),
            node_key: node.key.key(),
            network: at::network(),
            project: self.project,
            node: node.node,
            key_marker: at::key_marker(&node.key.key()),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn accept(&mut self, node: &NodeOf) -> Outcome {
        let ix = network_ix(self.accept_accounts(node), network::instruction::AcceptNode {});
        self.svm.send(&[ix], &[&node.key])
    }

    pub fn commit_views_accounts(&self, oracle: &Pubkey, epoch: u64) -> network::accounts::CommitViews {
        network::accounts::CommitViews {
            oracle: *oracle,
            network: at::network(),
            oracle_set: at::oracle_set(),
            view_set: at::view_set(epoch),
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn commit_views(&mut self, oracle: usize, epoch: u64, hashes: Vec<[u8; 32]>) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let accounts = self.commit_views_accounts(&signer.key(), epoch);
        let ix = network_ix(accounts, network::instruction::CommitViews { epoch, hashes });
        self.svm.send(&[ix], &[&signer])
    }

    /// Two oracles commit the same three views; the clock stands behind the grace afterwards.
    pub fn close_views(&mut self, epoch: u64) {
        self.go_after(epoch, 1);
        for oracle in 0..2 {
            self.commit_views(oracle, epoch, vec![[1; 32], [2; 32], [3; 32]]).expect("the views are committed");
        }
        self.go_after(epoch, i64::from(GRACE));
    }

    pub fn settle_args(&self, epoch: u64, budget: u64) -> network::SettleEpochArgs {
        network::SettleEpochArgs {
            epoch,
            points_root: POINTS_ROOT,
            total_points: 100,
            node_count: self.nodes.len() as u32,
            budget,
            dataset_hash: DATASET_HASH,
            scores_hash: [0; 32],
        }
    }

    /// A settlement without a budget.
    pub fn empty_settle_args(epoch: u64) -> network::SettleEpochArgs {
        network::SettleEpochArgs {
            epoch,
            points_root: [0; 32],
            total_points: 0,
            node_count: 0,
            budget: 0,
            dataset_hash: [0; 32],
            scores_hash: [0; 32],
        }
    }

    pub fn settle_accounts(&self, epoch: u64) -> network::accounts::SettleEpoch {
        let distribution = at::distribution(&self.project);
        network::accounts::SettleEpoch {
            settler: self.settler.key(),
            network: at::network(),
            project: self.project,
            distribution,
            view_set: at::view_set(epoch),
            epoch: at::epoch(&self.project, epoch),
            budget_vault: at::budget_vault(&self.project),
            vault: at::vault(&distribution),
            mint: self.mint,
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn settle(&mut self, args: network::SettleEpochArgs) -> Outcome {
        let ix = network_ix(self.settle_accounts(args.epoch), network::instruction::SettleEpoch { args });
        let signer = self.settler.clone();
        self.svm.send(&[ix], &[&signer])
    }

    /// The cumulative tree that pays `amounts` to the nodes in leaf order.
    pub fn tree(&self, amounts: &[u64]) -> Tree {
        let distribution = at::distribution(&self.project).to_bytes();
        let leaves = self.nodes.iter().zip(amounts).enumerate().map(|(index, (node, amount))| {
            merkle::distribution_leaf(
                &network::ID.to_bytes(),
                &distribution,
                &node.tenure.to_bytes(),
                index as u32,
                *amount,
            )
        });
        Tree::build(leaves.collect()).expect("the tree is small")
    }

    /// A vote for the open settlement, as the chain states it.
    pub fn approve_args(&self, epoch: u64, amounts: &[u64]) -> network::ApproveRootArgs {
        let distribution: Distribution = self.svm.pod(&at::distribution(&self.project));
        self.vote_args(epoch, distribution.open_revision, amounts)
    }

    pub fn approve_accounts(&self, oracle: &Pubkey, epoch: u64) -> network::accounts::ApproveRoot {
        network::accounts::ApproveRoot {
            oracle: *oracle,
            network: at::network(),
            oracle_set: at::oracle_set(),
            distribution: at::distribution(&self.project),
            epoch: at::epoch(&self.project, epoch),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn approve(&mut self, oracle: usize, args: network::ApproveRootArgs) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let accounts = self.approve_accounts(&signer.key(), args.epoch);
        let ix = network_ix(accounts, network::instruction::ApproveRoot { args });
        self.svm.send(&[ix], &[&signer])
    }

    pub fn activate_accounts(&self, epoch: u64) -> network::accounts::ActivateRoot {
        let distribution = at::distribution(&self.project);
        network::accounts::ActivateRoot {
            network: at::network(),
            oracle_set: at::oracle_set(),
            project: self.project,
            distribution,
            epoch: at::epoch(&self.project, epoch),
            vault: at::vault(&distribution),
            treasury: at::treasury(&self.mint),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    pub fn activate(&mut self, epoch: u64) -> Outcome {
        let ix = network_ix(self.activate_accounts(epoch), network::instruction::ActivateRoot {});
        self.svm.send(&[ix], &[])
    }

    /// Views, settlement, two approvals and the activation of a root that pays `amounts` in all, of which
    /// `budget` x 80 % is new.
    pub fn pay_epoch(&mut self, epoch: u64, budget: u64, amounts: &[u64]) {
        self.close_views(epoch);
        self.settle(self.settle_args(epoch, budget)).expect("the epoch is settled");
        for oracle in 0..2 {
            self.approve(oracle, self.approve_args(epoch, amounts)).expect("the root is approved");
        }
        let now = self.svm.now();
        self.svm.set_time(now + i64::from(ROOT_DELAY));
        self.activate(epoch).expect("the root is activated");
    }

    pub fn claim_accounts(&self, node: &NodeOf) -> network::accounts::Claim {
        let distribution = at::distribution(&self.project);
        network::accounts::Claim {
            tenure: node.tenure,
            distribution,
            vault: at::vault(&distribution),
            payout: at::ata(&node.holder.key(), &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        }
    }

    /// Claims what `amounts` say for the node at `index`.
    pub fn claim(&mut self, index: usize, amounts: &[u64]) -> Outcome {
        let proof = self.tree(amounts).proof(index as u32).expect("the index is in the tree");
        let accounts = self.claim_accounts(&self.nodes[index]);
        let ix =
            network_ix(accounts, network::instruction::Claim { cumulative: amounts[index], proof: proof.concat() });
        self.svm.send(&[ix], &[])
    }

    // ---- jobs program ----

    pub fn jobs_args(&self) -> jobs::JobsConfigArgs {
        jobs::JobsConfigArgs {
            default_stake: DEFAULT_STAKE,
            stake_min: TOKEN_UNIT,
            sponsor_min: TOKEN_UNIT,
            attest_grace: 600,
            cancel_window: 600,
            unbond_delay: 3_600,
            slash_delay: 900,
        }
    }

    pub fn initialize_jobs_accounts(&self) -> jobs::accounts::InitializeJobs {
        jobs::accounts::InitializeJobs {
            authority: self.authority.key(),
            network: at::network(),
            config: at::jobs_config(),
            mint: self.mint,
            bond_vault: at::bond_vault(),
            instructions: INSTRUCTIONS,
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn initialize_jobs(&mut self, args: jobs::JobsConfigArgs) -> Outcome {
        let ix = jobs_ix(self.initialize_jobs_accounts(), jobs::instruction::InitializeJobs { args }, &[]);
        let signer = self.authority.clone();
        self.svm.send(&[ix], &[&signer])
    }

    pub fn open_bond_accounts(&self, tenure: Pubkey) -> jobs::accounts::OpenBond {
        jobs::accounts::OpenBond {
            payer: self.svm.payer.key(),
            config: at::jobs_config(),
            tenure,
            bond: at::bond(&tenure),
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn open_bond(&mut self, node: &NodeOf) -> Outcome {
        let ix = jobs_ix(self.open_bond_accounts(node.tenure), jobs::instruction::OpenBond {}, &[]);
        self.svm.send(&[ix], &[])
    }

    /// Of a submitter's `number`th job in this millisecond.
    pub fn submit_args(&self, number: u64) -> jobs::SubmitArgs {
        jobs::SubmitArgs {
            nonce: self.svm.now() as u64 * 1_000 + number,
            stake: None,
            tip: 0,
            deadline: self.svm.now() + 3_600,
            redundancy: 2,
            descriptor_hash: [8; 32],
        }
    }

    pub fn submit_accounts(&self, submitter: &Pubkey, nonce: u64) -> jobs::accounts::Submit {
        let job = at::job(submitter, nonce);
        jobs::accounts::Submit {
            submitter: *submitter,
            network: at::network(),
            config: at::jobs_config(),
            job,
            escrow: at::escrow(&job),
            source: at::ata(submitter, &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            system_program: SYSTEM,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn submit(&mut self, submitter: &Wallet, args: jobs::SubmitArgs) -> Outcome {
        let accounts = self.submit_accounts(&submitter.key(), args.nonce);
        let ix = jobs_ix(accounts, submit_data(&submitter.key(), args), &[]);
        self.svm.send(&[ix], &[submitter])
    }

    pub fn attest_accounts(&self, oracle: &Pubkey, job: u64) -> jobs::accounts::AttestJob {
        jobs::accounts::AttestJob {
            oracle: *oracle,
            oracle_set: at::oracle_set(),
            job: self.job_at(job),
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn attest(&mut self, oracle: usize, job: u64, outcome: &jobs::state::Outcome) -> Outcome {
        let signer = self.oracles[oracle].clone();
        let outcome_hash = outcome.hash(&self.job_at(job), 1).expect("the outcome is hashed");
        let accounts = self.attest_accounts(&signer.key(), job);
        let ix = jobs_ix(accounts, jobs::instruction::AttestJob { outcome_hash, set_version: 1 }, &[]);
        self.svm.send(&[ix], &[&signer])
    }

    pub fn settle_job_accounts(&self, job: u64) -> jobs::accounts::SettleJob {
        let address = self.job_at(job);
        let state: jobs::state::Job = self.svm.pod(&address);
        jobs::accounts::SettleJob {
            config: at::jobs_config(),
            oracle_set: at::oracle_set(),
            job: address,
            escrow: at::escrow(&address),
            bond_vault: at::bond_vault(),
            treasury: at::treasury(&self.mint),
            refund_account: Some(state.refund_account),
            rent_payer: state.rent_payer,
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn settle_job(&mut self, job: u64, outcome: jobs::state::Outcome, bonds: &[Pubkey]) -> Outcome {
        let accounts = self.settle_job_accounts(job);
        let ix = jobs_ix(accounts, jobs::instruction::SettleJob { outcome }, bonds);
        self.svm.send(&[ix], &[])
    }

    pub fn withdraw_accounts(&self, node: &NodeOf) -> jobs::accounts::Withdraw {
        jobs::accounts::Withdraw {
            holder: node.holder.key(),
            config: at::jobs_config(),
            bond: at::bond(&node.tenure),
            bond_vault: at::bond_vault(),
            destination: at::ata(&node.holder.key(), &self.mint, &TOKEN),
            mint: self.mint,
            token_program: TOKEN,
            event_authority: at::event_authority(&jobs::ID),
            program: jobs::ID,
        }
    }

    pub fn withdraw(&mut self, node: &NodeOf, amount: u64) -> Outcome {
        let ix = jobs_ix(self.withdraw_accounts(node), jobs::instruction::Withdraw { amount }, &[]);
        self.svm.send(&[ix], &[&node.holder])
    }
}
