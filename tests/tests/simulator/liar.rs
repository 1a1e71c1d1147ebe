//! What an oracle that is not honest says; an honest one's words pass unchanged.

use muster_protocol::units::Bucket;
use muster_protocol::view::View;
use muster_protocol::wire::Frame;

use super::plan::Lie;
use super::plants::Plant;
use super::truth;
use super::world::{Machine, World};

/// A view of the machine's oracle, changed and signed anew.
fn signed_anew(world: &World, machine: &Machine, bytes: &[u8], change: impl Fn(&mut View)) -> Option<Vec<u8>> {
    let mut view = View::decode_verified(&world.plan.domain(), bytes).ok()?;
    if view.oracle_key != machine.key {
        return Some(bytes.to_vec());
    }
    change(&mut view);
    view.encode_signed(&world.plan.domain(), &world.plan.oracles[machine.place].signing_key()).ok()
}

fn fill(view: &mut View) {
    for node in &mut view.nodes {
        for bucket in 0..view.buckets {
            node.bitmap.set(Bucket::new(bucket));
        }
    }
}

fn empty(view: &mut View) {
    view.nodes.clear();
}

fn flip_one(view: &mut View, which: usize) {
    let buckets = view.buckets;
    if let Some(node) = view.nodes.first_mut() {
        let free = (0..buckets).filter(|bucket| !node.bitmap.get(Bucket::new(*bucket))).nth(which);
        match free {
            Some(bucket) => {
                node.bitmap.set(Bucket::new(bucket));
            }
            None => node.refused.clear(),
        }
    }
}

/// What a machine sends to `asker` in the place of the honest answer.
pub fn served(world: &World, machine: &Machine, asker: usize, path: &str, honest: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let is_own_view = path.starts_with("/api/v1/views/") && !path.contains('?');
    let planted = machine.place == 0 && is_own_view;
    match machine.lie {
        None if planted && world.has_planted(Plant::SignsTwoViews) => {
            let second = signed_anew(world, machine, &honest?, |view| flip_one(view, asker))?;
            truth::view_told(world, machine, &second);
            Some(second)
        }
        None if planted && world.has_planted(Plant::CountsTooMuch) => {
            let told = signed_anew(world, machine, &honest?, fill)?;
            truth::view_told(world, machine, &told);
            Some(told)
        }
        None => {
            if is_own_view && let Some(view) = &honest {
                truth::view_told(world, machine, view);
            }
            honest
        }
        Some(Lie::IsSilent) => None,
        Some(Lie::ServesGarbage) if path != "/api/v1/tick" => {
            let len = world.below(600) as usize;
            Some((0..len).map(|at| (at as u64 ^ world.below(256)) as u8).collect())
        }
        Some(Lie::Equivocates) if is_own_view => signed_anew(world, machine, &honest?, |view| flip_one(view, asker)),
        Some(Lie::ClaimsMore) if is_own_view => signed_anew(world, machine, &honest?, fill),
        Some(Lie::ClaimsLess) if is_own_view => signed_anew(world, machine, &honest?, empty),
        Some(_) => honest,
    }
}

/// The hashes that a machine names on chain.
pub fn named(world: &World, machine: &Machine, epoch: u64, hashes: Vec<[u8; 32]>) -> Vec<[u8; 32]> {
    match machine.lie {
        Some(Lie::NamesOthers) => {
            hashes.iter().map(|hash| if world.chance(0.5) { [world.below(256) as u8; 32] } else { *hash }).collect()
        }
        Some(Lie::ClaimsMore | Lie::ClaimsLess) => {
            // It stands by the view that it tells everybody.
            let change: fn(&mut View) = if machine.lie == Some(Lie::ClaimsMore) { fill } else { empty };
            let own = truth::own_view(world, machine, epoch);
            let told =
                own.and_then(|bytes| signed_anew(world, machine, &bytes, change)).map(|bytes| View::hash(&bytes));
            hashes
                .iter()
                .enumerate()
                .map(|(place, hash)| told.filter(|_| place == machine.place).unwrap_or(*hash))
                .collect()
        }
        _ => hashes,
    }
}
