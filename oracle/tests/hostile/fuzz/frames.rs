//! Signed frames, and what carries them.

use muster_protocol::answer::Answer;
use muster_protocol::heartbeat::{frames, push_frame};
use muster_protocol::request::{self, RequestError, Target as Asked};
use muster_protocol::wire::{Domain, Frame};

use super::engine::Verdict;

/// Of the golden vectors.
pub fn domain() -> Domain {
    Domain { genesis_tag: [0xaa; 8], program: [0xbb; 32] }
}

/// A frame of one kind: decoded without its signature's check, which would hide everything behind it.
pub fn frame<F: Frame>(bytes: &[u8]) -> Verdict {
    let (body, signature) = match F::decode(&domain(), bytes) {
        Ok(decoded) => decoded,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    let mut again = body.signing_bytes(&domain()).expect("what was decoded is within its limits");
    again.extend_from_slice(&signature);
    // Bytes with a changed field have a wrong signature, and checking it must be as harmless.
    let _ = F::decode_verified(&domain(), bytes);
    Verdict::Accepted(again)
}

/// A body of heartbeats.
pub fn body(bytes: &[u8]) -> Verdict {
    let list: Result<Vec<&[u8]>, _> = frames(bytes).collect();
    match list {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(list) => {
            let mut again = Vec::new();
            for frame in list {
                push_frame(&mut again, frame).expect("a frame that was read can be written");
            }
            Verdict::Accepted(again)
        }
    }
}

/// The oracle's answer to heartbeats, as an agent reads it.
pub fn answer(bytes: &[u8]) -> Verdict {
    match Answer::decode(bytes) {
        Err(error) => Verdict::Refused(error.to_string()),
        Ok(answer) => Verdict::Accepted(answer.encode().expect("what was decoded is within its limits")),
    }
}

/// The header of a signed request.
pub fn request(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Verdict::Refused("no text".into());
    };
    let asked = Asked { method: "POST", path: "/api/v1/scores?epoch=7", body: b"body" };
    match request::verify(&domain(), text, 1_753_920_000_000, &asked) {
        Ok(_) => Verdict::Taken,
        Err(error @ RequestError::Format(_)) => Verdict::Refused(error.to_string()),
        Err(error) => Verdict::Refused(format!("well formed: {error}")),
    }
}
