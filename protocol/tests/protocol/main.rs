//! What the protocol promises, module by module.

mod codec;
mod files;
mod ledger;
mod maths;
mod samples;
mod sig;
mod small_ranges;
mod tlog;
mod tlog_vectors;
mod tree;
mod vector_set;

/// A change of any byte that others depend on shows here first.
#[test]
fn the_golden_vectors_are_what_the_code_makes() {
    // Asked at run time: checkouts that share a target folder share this binary too.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let folder = std::path::Path::new(&package).join("vectors");
    for (name, text) in vector_set::all() {
        let kept = std::fs::read_to_string(folder.join(name)).expect(name);
        assert!(kept == text, "{name} differs; `cargo run -p muster-protocol --example vectors` writes it anew");
    }
}
