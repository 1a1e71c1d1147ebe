//! Licences of another program, which nobody can freeze: what each action does and what the model says of it.

use muster_network::{
    self as network, BindArgs,
    licences::core_asset,
    state::{licence_standard, pause},
};
use muster_tests::world::*;
use solana_sdk::pubkey::Pubkey;

use super::{
    actions::{Pick, Twist, Who},
    invariants::Invariant,
    machine::{Done, KEYS, Machine},
    reference::*,
};

/// Assets that a sequence may reach.
const ASSETS_MAX: usize = 6;

impl Machine {
    /// Makes a Core collection that of a project's licences.
    pub fn link_collection(&mut self, project: Pick, who: Who, twist: Twist) -> Done {
        // Mostly a project that has no licence yet.
        let projects = &self.model.projects;
        let empty: Vec<usize> = (0..projects.len())
            .filter(|project| projects[*project].licences.is_empty() && !projects[*project].external_licences)
            .collect();
        let project = match empty.len() {
            0 => project.index(projects.len()),
            _ if project.one_in(4) => project.index(projects.len()),
            _ => project.of(&empty),
        };
        let who = self.signer(who, self.model.projects[project].owner);
        let collection = Wallet::named(&format!("collection {project}")).key();
        // Its own authority signs too; now and then somebody who is not.
        let authority = if twist == Twist::Honest { OWNERS[0] } else { MALLORY };
        let bytes = core_collection(self.key(OWNERS[0]));
        self.world.put(collection, core_asset::PROGRAM, bytes);
        let verdict = match twist {
            Twist::Honest => self.model.links(project, who),
            Twist::Wrong(_) => Err("the collection's authority did not sign"),
        };
        let mut accounts = self.on(project).link_collection_accounts(licence_standard::CORE, collection);
        (accounts.owner, accounts.collection_authority) = (self.key(who), self.key(authority));
        let ix = network_ix(accounts, network::instruction::LinkCollection { standard: licence_standard::CORE });
        let signers = [self.people[who].clone(), self.people[authority].clone()];
        if self.attempt("link_collection", ix, &[&signers[0], &signers[1]], verdict)? {
            let of = &mut self.model.projects[project];
            (of.external_licences, of.collection) = (true, collection);
            self.held(Invariant::Linked);
        }
        Ok(())
    }

    /// The other program mints an asset of a linked collection.
    pub fn mint_asset(&mut self, project: Pick, to: Pick) -> Done {
        let projects = &self.model.projects;
        let linked: Vec<usize> = (0..projects.len()).filter(|project| projects[*project].external_licences).collect();
        let count = self.model.licences.iter().filter(|licence| licence.is_asset).count();
        if linked.is_empty() || count >= ASSETS_MAX {
            return Ok(());
        }
        let (project, to) = (project.of(&linked), to.of(&HOLDERS));
        let asset = Wallet::named(&format!("asset {count}")).key();
        self.give_asset(project, asset, to);
        let node_address = at::node(&asset);
        let licence = Licence { project, serial: 0, mint: asset, node_address, holder: to, is_asset: true, node: None };
        self.model.licences.push(licence);
        Ok(())
    }

    /// Puts an asset into somebody's hands, as its program does.
    pub fn give_asset(&mut self, project: usize, asset: Pubkey, to: PersonId) {
        let bytes = CoreAsset::of(self.key(to), self.model.projects[project].collection).bytes();
        self.world.put(asset, core_asset::PROGRAM, bytes);
    }

    pub fn bind_asset(&mut self, licence: usize, key: Pick, who: Who, payee: Pick, twist: Twist) -> Done {
        let of = self.model.licences[licence].clone();
        let holder = self.signer(who, of.holder);
        let key = key.index(KEYS);
        let payee = payee.mostly_first(&[holder, HOLDERS[0], MALLORY]);
        let current = of.node.as_ref().map_or(0, |node| node.number);
        let keeps = self.model.tenure_of(licence).is_some_and(|tenure| tenure.holder == holder);
        let mut number = if keeps { current } else { current + 1 };
        if let Twist::Wrong(kind) = twist {
            number = current + u32::from(kind % 3);
        }
        let verdict = self.model.binds_asset(licence, holder, key, number);
        let detaches = self.model.makes_way(licence, holder, number);
        let tenure = at::tenure(&of.node_address, number);
        let former = of.node.as_ref().filter(|node| node.number != number);
        let named = AssetOf {
            standard: licence_standard::CORE,
            holder: self.people[holder].clone(),
            key: self.keys[key].clone(),
            licence: of.mint,
            account: of.mint,
            metadata: None,
            edition: None,
            node: of.node_address,
            tenure,
            tenure_number: number,
        };
        let mut accounts = self.on(of.project).bind_asset_accounts(&named, None);
        if let Some(node) = former {
            let tenure = &self.model.tenures[node.tenure];
            accounts.former_tenure = Some(tenure.key);
            accounts.former_holder = Some(self.key(tenure.holder));
            let accepted = node.status == Status::Active;
            accounts.former_key_marker = accepted.then(|| at::key_marker(&self.keys[node.key].key()));
        }
        let args = BindArgs {
            tenure_number: number,
            node_key: named.key.key(),
            payout_owner: self.key(payee),
            metadata_hash: [7; 32],
        };
        let ix = network_ix(accounts, network::instruction::BindAsset { args });
        if self.attempt("bind_asset", ix, &[&named.holder], verdict)? {
            if detaches {
                self.enter_detachment(licence);
            }
            let is_new = of.node.is_none();
            let leaf_count = self.model.projects[of.project].leaves.len() as u32;
            self.enter_binding(licence, holder, key, number, payee, tenure);
            if is_new {
                self.model.licences[licence].serial = leaf_count;
            }
        }
        Ok(())
    }

    pub fn detach(&mut self, licence: Pick) -> Done {
        let assets: Vec<usize> = (0..self.model.licences.len())
            .filter(|licence| {
                let of = &self.model.licences[*licence];
                of.is_asset && of.node.is_some()
            })
            .collect();
        if assets.is_empty() {
            return Ok(());
        }
        let licence = licence.of(&assets);
        let of = self.model.licences[licence].clone();
        let node = of.node.as_ref().expect("the licence was bound");
        let verdict = self.model.detaches(licence);
        let accounts = network::accounts::Detach {
            network: at::network(),
            project: self.model.projects[of.project].key,
            node: of.node_address,
            tenure: self.model.tenures[node.tenure].key,
            holder: self.key(self.model.tenures[node.tenure].holder),
            licence: of.mint,
            licence_account: of.mint,
            metadata: None,
            key_marker: (node.status == Status::Active).then(|| at::key_marker(&self.keys[node.key].key())),
            event_authority: at::event_authority(&network::ID),
            program: network::ID,
        };
        let ix = network_ix(accounts, network::instruction::Detach {});
        if self.attempt("detach", ix, &[], verdict)? {
            self.enter_detachment(licence);
            self.held(Invariant::Detaches);
        }
        Ok(())
    }

    /// Frees node and key; the tenure still earns this epoch.
    fn enter_detachment(&mut self, licence: usize) {
        self.model.markers.retain(|_, of| *of != licence);
        self.end_tenure(licence, Status::Free);
    }
}

impl Model {
    fn links(&self, project: usize, who: PersonId) -> Verdict {
        let of = &self.projects[project];
        needs!(who == of.owner, "only the owner links");
        needs!(!of.closed, "the project is closed");
        needs!(!of.external_licences, "it is linked");
        needs!(of.licences.is_empty() && of.leaves.is_empty(), "it has licences of its own");
        Ok(Effect::event(of.key))
    }

    /// Whether this bind ends the tenure of somebody who has sold the licence.
    fn makes_way(&self, licence: usize, holder: PersonId, number: u32) -> bool {
        let node = self.licences[licence].node.as_ref();
        node.is_some_and(|node| node.number != number && node.is_bound() && self.tenures[node.tenure].holder != holder)
    }

    fn binds_asset(&self, licence: usize, holder: PersonId, key: usize, number: u32) -> Verdict {
        let of = &self.licences[licence];
        let project = &self.projects[of.project];
        needs!(holder == of.holder, "only the holder binds");
        needs!(!self.is_paused(pause::BIND), "binding is paused");
        needs!(!project.closed, "the project is closed");
        let detaches = self.makes_way(licence, holder, number);
        // The former holder's key is free again in this instruction.
        let freed = detaches && self.markers.get(&key) == Some(&licence);
        needs!(freed || !self.key_is_taken(key), "the key is taken");
        let Some(node) = &of.node else {
            needs!(number == 1, "it is not the next tenure");
            return Ok(Effect::event(project.key));
        };
        let tenure = &self.tenures[node.tenure];
        if number == node.number {
            needs!(tenure.holder == holder, "the tenure is another holder's");
            needs!(tenure.operator.is_none(), "the tenure has an operator");
        } else {
            needs!(number == node.number + 1, "it is not the next tenure");
            needs!(tenure.from_epoch <= self.epoch(), "the holder has changed in this epoch");
        }
        needs!(detaches || node.status == Status::Free, "it is bound already");
        let effect = Effect::event(project.key);
        Ok(if detaches { effect.and_event(project.key) } else { effect })
    }

    fn detaches(&self, licence: usize) -> Verdict {
        let of = &self.licences[licence];
        let node = of.node.as_ref().expect("the licence was bound");
        needs!(self.tenures[node.tenure].holder != of.holder, "its holder still holds it");
        needs!(node.is_bound(), "it is not bound");
        Ok(Effect::event(self.projects[of.project].key))
    }
}
