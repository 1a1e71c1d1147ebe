//! Writes the golden vectors of the addresses: `cargo run -p muster-client --example addresses`.

#[path = "../tests/vectors/address_set.rs"]
mod address_set;

fn main() -> std::io::Result<()> {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs this");
    std::fs::write(std::path::Path::new(&package).join("vectors/addresses.json"), address_set::text())
}
