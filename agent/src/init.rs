//! `muster-agent init`: the key, the folder and the machine's profile.

use muster_client::shell::keys;
use serde_json::json;
use solana_sdk::signature::Signer;

use crate::cli::Context;
use crate::data_dir::{set_config, write_whole};
use crate::failure::Failure;
use crate::profile::{Profile, metadata_hash};

/// Makes what is missing and overwrites no key. Run again it renews the profile, unless the node joined: `bind` stated
/// the hash of the document that is there.
pub fn init(context: &Context) -> Result<(), Failure> {
    context.data.create()?;
    let path = context.key_path();
    let is_new = !path.exists();
    let keypair = keys::read_or_generate(&path)?;
    let joined = context.settings.node_id.is_some();
    let metadata_path = context.data.metadata();
    let document = if joined && metadata_path.exists() {
        std::fs::read(&metadata_path).map_err(|error| Failure::disk("reading the metadata", error))?
    } else {
        let document = Profile::of_this_machine(context.settings.name.as_deref()).encode()?;
        write_whole(&metadata_path, &document).map_err(|error| Failure::disk("writing the metadata", error))?;
        document
    };
    if !context.data.config().exists() && context.config_path.is_none() {
        write_first_config(context)?;
    }
    let profile: Profile = serde_json::from_slice(&document)
        .map_err(|error| Failure::Local(format!("{} cannot be read: {error}", metadata_path.display())))?;
    let node_key = keypair.pubkey().to_string();
    let hash = hex::encode(metadata_hash(&document));
    if context.json {
        let value = json!({
            "node_key": node_key, "key_file": path, "key_is_new": is_new, "data_dir": context.data.root(),
            "metadata_file": metadata_path, "metadata_hash": hash, "metadata": profile, "tier": profile.tier.name(),
        });
        println!("{value}");
        return Ok(());
    }
    println!("node address   {node_key}");
    println!("key file       {} ({})", path.display(), if is_new { "new; keep a copy" } else { "kept" });
    println!(
        "machine        {}, {} CPUs, {} MiB, {}",
        profile.os,
        profile.cpus,
        profile.memory_mb,
        if profile.gpu.is_empty() { "no GPU" } else { &profile.gpu }
    );
    println!("tier           {}", profile.tier.name());
    println!("metadata       {} (hash {hash})", metadata_path.display());
    if !joined {
        println!();
        println!("Next: the licence's holder binds this node key,");
        println!("  muster node bind --licence LICENCE --node-key {node_key} --metadata {}", metadata_path.display());
        println!("(or on the dashboard); give the node address a little SOL for the fee of one transaction, then");
        println!("  muster-agent join && muster-agent run");
    }
    Ok(())
}

/// Keeps what was said on the command line, so that join and run need not be told again.
fn write_first_config(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let mut text = String::from("# Settings of this node; muster-agent config show tells what holds and why.\n");
    for (key, value) in [
        ("rpc_url", json!(settings.rpc_url)),
        ("oracle", json!(settings.oracle)),
        ("metrics_listen", json!(settings.metrics_listen)),
        ("name", json!(settings.name)),
    ] {
        if !value.is_null() && context.is_given(key) {
            text.push_str(&format!("{key}: {value}\n"));
        }
    }
    let path = context.data.config();
    write_whole(&path, text.as_bytes()).map_err(|error| Failure::disk("writing the configuration", error))?;
    set_config(&path, &[])
}
