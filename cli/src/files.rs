//! Files that arguments name.

use std::{fs, path::Path};

use muster_protocol::hashv;

use crate::{
    args::EvidenceArgs,
    error::{CliError, usage},
};

/// The most bytes of a document of evidence.
const EVIDENCE_LEN_MAX: u64 = 256 * 1024 * 1024;

/// A file of a bounded size.
pub fn read_file(path: &Path, len_max: u64) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| usage(format!("{} cannot be read: {error}", path.display()));
    let len = fs::metadata(path).map_err(failed)?.len();
    if len > len_max {
        return Err(usage(format!("{} has {len} bytes, at most {len_max} are allowed", path.display())));
    }
    fs::read(path).map_err(failed)
}

/// SHA-256 of the evidence that was named.
pub fn evidence_hash(args: &EvidenceArgs) -> Result<[u8; 32], CliError> {
    match (&args.evidence, args.evidence_hash) {
        (Some(path), _) => Ok(hashv(&[&read_file(path, EVIDENCE_LEN_MAX)?])),
        (None, Some(hash)) => Ok(hash.0),
        (None, None) => Err(usage("name the evidence by --evidence or --evidence-hash")),
    }
}
