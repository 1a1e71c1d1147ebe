//! Files that oracles keep and hand to each other.

use muster_oracle::core::batch::{BATCH_KIND, Record};
use muster_oracle::core::node::Rate;
use muster_oracle::core::{Config, Core};
use muster_oracle::log::segment::{HEADER_LEN, Header, RECORD_EXTRA_LEN, RecordHeader, push_record};
use muster_protocol::dataset::Dataset;
use muster_protocol::job::JobDescriptor;
use muster_protocol::leaves::Leaves;
use muster_protocol::sig::SigningKey;
use muster_protocol::units::Schedule;

use super::engine::Verdict;
use super::frames::domain;

/// A project's epoch.
pub fn dataset(bytes: &[u8]) -> Verdict {
    match Dataset::decode(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(dataset) => {
            // What follows from it must be as harmless.
            let _ = (dataset.points_root(), dataset.total_points());
            Verdict::Accepted(dataset.encode().expect("what was decoded is within its limits"))
        }
    }
}

/// A cumulative distribution.
pub fn leaves(bytes: &[u8]) -> Verdict {
    match Leaves::decode(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(leaves) => {
            let _ = leaves.root();
            Verdict::Accepted(leaves.encode().expect("what was decoded is within its limits"))
        }
    }
}

/// A job's descriptor in its canonical form.
pub fn job(bytes: &[u8]) -> Verdict {
    match JobDescriptor::decode(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(job) => Verdict::Accepted(job.encode().expect("what was decoded is within its limits")),
    }
}

/// A batch as the log keeps it.
pub fn record(bytes: &[u8]) -> Verdict {
    let record = match Record::decode(bytes) {
        Ok(record) => record,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    let mut again = vec![BATCH_KIND];
    again.extend_from_slice(&record.batch_no.to_le_bytes());
    again.extend_from_slice(&record.committed_at_ms.to_le_bytes());
    again.extend_from_slice(&record.count.to_le_bytes());
    again.extend_from_slice(&record.root);
    for (at_ms, frame) in record.frames() {
        again.extend_from_slice(&at_ms.to_le_bytes());
        again.extend_from_slice(&(frame.len() as u16).to_le_bytes());
        again.extend_from_slice(frame);
    }
    Verdict::Accepted(again)
}

/// A chunk of a snapshot, taken back by a core that knows nothing yet.
pub fn snapshot(bytes: &[u8]) -> Verdict {
    let config = Config {
        domain: domain(),
        signing_key: SigningKey::from_bytes(&[1; 32]).into(),
        schedule: Schedule::new(86_400, 300).expect("buckets divide the epoch"),
        rate: Rate { burst: 1, refill_ms: 1 },
    };
    match Core::new(config, 0).restore(bytes) {
        Err(why) => Verdict::Refused(why),
        Ok(()) => Verdict::Taken,
    }
}

/// A segment of the log: header and records up to the first that is not good. Checksums are put right first, else no
/// changed byte would ever be looked at.
pub fn segment(bytes: &[u8]) -> Verdict {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= HEADER_LEN {
        let crc = crc32c::crc32c(&bytes[..HEADER_LEN - 4]);
        bytes[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&crc.to_le_bytes());
    }
    let header = match Header::decode(&bytes) {
        Ok(header) => header,
        Err(why) => return Verdict::Refused(why.into()),
    };
    let mut again = header.encode().to_vec();
    assert_eq!(again, bytes[..HEADER_LEN], "a header that is accepted is written the same");
    while let Some(record) = RecordHeader::read(&bytes[again.len()..]) {
        let Some(payload) = record.payload(&bytes[again.len()..]) else { break };
        push_record(&mut again, record.kind, record.number, record.synced, payload);
    }
    assert_eq!(again, bytes[..again.len()], "records that are accepted are written the same");
    let rest = &bytes[again.len()..];
    if rest.len() >= RECORD_EXTRA_LEN {
        return Verdict::Refused("a record that is not good".into());
    }
    Verdict::Taken
}
