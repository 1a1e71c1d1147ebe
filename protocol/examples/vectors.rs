//! Writes the golden vectors: `cargo run -p muster-protocol --example vectors`.

#[path = "../tests/protocol/samples.rs"]
mod samples;
#[path = "../tests/protocol/tlog_vectors.rs"]
mod tlog_vectors;
#[path = "../tests/protocol/vector_set.rs"]
mod vector_set;

fn main() -> std::io::Result<()> {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs this");
    let folder = std::path::Path::new(&package).join("vectors");
    for (name, text) in vector_set::all() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
