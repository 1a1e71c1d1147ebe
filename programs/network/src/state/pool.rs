use anchor_lang::prelude::*;

use crate::{constants::NAME_LEN_MAX, text::unpadded};

/// Nodes of one project that belong together; `Node::pool` names it.
#[account]
#[derive(InitSpace, Debug)]
pub struct Pool {
    pub version: u8,
    pub bump: u8,
    pub project: Pubkey,
    pub index: u32,
    /// Nodes that it holds at most.
    pub capacity: u16,
    /// Nodes in it.
    pub count: u16,
    pub name: [u8; NAME_LEN_MAX],
    pub _reserved: [u8; 64],
}

impl Pool {
    /// The name without its padding.
    pub fn name(&self) -> &str {
        unpadded(&self.name)
    }
}
