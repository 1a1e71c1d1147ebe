//! What the IDLs say about instructions and account types.

use muster_tests::cases::Case;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;

pub struct Instruction {
    pub program: Pubkey,
    pub name: String,
    /// In their order.
    pub accounts: Vec<Slot>,
    discriminator: Vec<u8>,
}

pub struct Slot {
    pub name: String,
    pub is_signer: bool,
    pub is_writable: bool,
    pub is_optional: bool,
}

pub struct Idl {
    pub instructions: Vec<Instruction>,
}

/// Type names by program and the first eight bytes.
pub fn account_types() -> Vec<(Pubkey, Vec<u8>, String)> {
    let mut types = vec![];
    for (program, idl) in files() {
        for account in idl["accounts"].as_array().expect("an IDL has accounts") {
            types.push((program, bytes(&account["discriminator"]), text(&account["name"])));
        }
    }
    types
}

impl Idl {
    pub fn read() -> Self {
        let mut instructions = vec![];
        for (program, idl) in files() {
            for instruction in idl["instructions"].as_array().expect("an IDL has instructions") {
                let accounts = instruction["accounts"].as_array().expect("an instruction has accounts");
                instructions.push(Instruction {
                    program,
                    name: text(&instruction["name"]),
                    accounts: accounts.iter().map(slot).collect(),
                    discriminator: bytes(&instruction["discriminator"]),
                });
            }
        }
        Self { instructions }
    }

    /// The instruction that a case's data begins.
    pub fn instruction(&self, case: &Case) -> Option<&Instruction> {
        let of_case = |instruction: &&Instruction| {
            instruction.program == case.instruction.program_id
                && case.instruction.data.starts_with(&instruction.discriminator)
        };
        self.instructions.iter().find(of_case)
    }

    /// Whether the IDL's accounts are those that the case was built with; an optional one may be absent.
    pub fn fits(&self, case: &Case) -> bool {
        let Some(instruction) = self.instruction(case) else { return false };
        let metas = &case.instruction.accounts;
        metas.len() >= instruction.accounts.len()
            && instruction.accounts.iter().zip(metas).all(|(slot, meta)| {
                let is_absent = slot.is_optional && meta.pubkey == case.instruction.program_id;
                is_absent || (slot.is_signer, slot.is_writable) == (meta.is_signer, meta.is_writable)
            })
    }

    /// A name for each account of a case, and whether it may be left out; those behind the IDL's are numbered.
    pub fn slots(&self, case: &Case) -> Vec<(String, bool)> {
        let named = self.instruction(case).map_or(&[][..], |instruction| &instruction.accounts);
        let rest = (0..case.instruction.accounts.len().saturating_sub(named.len()))
            .map(|i| (format!("remaining[{i}]"), false));
        named.iter().map(|slot| (slot.name.clone(), slot.is_optional)).chain(rest).collect()
    }
}

fn slot(account: &Value) -> Slot {
    let flag = |name: &str| account[name].as_bool().unwrap_or_default();
    Slot {
        name: text(&account["name"]),
        is_signer: flag("signer"),
        is_writable: flag("writable"),
        is_optional: flag("optional"),
    }
}

fn files() -> [(Pubkey, Value); 2] {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let read = |name: &str| {
        let path = std::path::Path::new(&package).join("../idl").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    [(muster_network::ID, read("muster_network.json")), (muster_jobs::ID, read("muster_jobs.json"))]
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.as_array().expect("bytes").iter().map(|byte| byte.as_u64().expect("a byte") as u8).collect()
}
