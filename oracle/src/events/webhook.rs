//! One webhook as data: where to, signed how (https://www.standardwebhooks.com), and when to try again.

use std::path::Path;

use serde::Deserialize;
use standardwebhooks::Webhook;

use super::Filter;

/// Webhooks of one oracle.
pub const WEBHOOKS_MAX: usize = 256;
/// The most bytes of the file that names them.
const FILE_LEN_MAX: u64 = 1 << 20;
/// Seconds between tries; after the last one the event is given up.
const WAITS_S: [u64; 8] = [1, 5, 30, 60, 120, 300, 600, 900];

/// Why webhooks are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No such file, or too large.
    #[error("the webhooks' file {0} cannot be read: {1}")]
    File(String, String),
    /// Not a list of webhooks.
    #[error("the webhooks' file {0} is no list of {{url, secret, project, kinds}}: {1}")]
    Format(String, String),
    /// One of them is not good.
    #[error("webhook number {0} ({1}): {2}")]
    Entry(usize, String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    secret: String,
    project: Option<String>,
    #[serde(default)]
    kinds: Vec<String>,
}

/// Where events are sent to.
pub struct Endpoint {
    /// https, or http on this machine.
    pub url: String,
    /// Which events.
    pub filter: Filter,
    signer: Webhook,
}

/// What to do after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was taken.
    Done,
    /// Try again after so many seconds.
    Retry(u64),
    /// It was tried often enough.
    GiveUp,
    /// The receiver wants no more events, ever.
    Gone,
}

/// What follows from the status of try number `tries` (from 1); no status: nobody answered.
pub fn next(status: Option<u16>, tries: usize) -> Next {
    match status {
        Some(200..=299) => Next::Done,
        Some(410) => Next::Gone,
        _ => WAITS_S.get(tries.saturating_sub(1)).map_or(Next::GiveUp, |wait_s| Next::Retry(*wait_s)),
    }
}

impl Endpoint {
    fn new(entry: Entry) -> Result<Self, String> {
        let url: reqwest::Url = entry.url.parse().map_err(|error| format!("the URL is wrong: {error}"))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_local)) {
            return Err("webhooks go over https, or over http to this machine itself".into());
        }
        let signer = Webhook::new(&entry.secret);
        let signer = signer.map_err(|_| "the secret is not whsec_ and base64".to_owned())?;
        if let Some(project) = &entry.project
            && bs58::decode(project).into_vec().ok().is_none_or(|key| key.len() != 32)
        {
            return Err(format!("the project {project:?} is no base58 address"));
        }
        let filter = Filter { project: entry.project, kinds: entry.kinds };
        if let Some(unknown) = filter.unknown_kind() {
            return Err(format!("there is no kind of events {unknown:?}; there are {}", super::kind::ALL.join(", ")));
        }
        Ok(Self { url: entry.url, filter, signer })
    }

    /// All that a file names: a JSON list of `{url, secret, project?, kinds?}`.
    pub fn read(path: &Path) -> Result<Vec<Self>, WebhookError> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| WebhookError::File(name.clone(), error.to_string());
        let len = std::fs::metadata(path).map_err(unreadable)?.len();
        if len > FILE_LEN_MAX {
            return Err(WebhookError::File(name, format!("it has {len} bytes, at most {FILE_LEN_MAX} are allowed")));
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let entries: Vec<Entry> =
            serde_json::from_slice(&bytes).map_err(|error| WebhookError::Format(name.clone(), error.to_string()))?;
        if entries.len() > WEBHOOKS_MAX {
            let why = format!("it names {}, at most {WEBHOOKS_MAX} are allowed", entries.len());
            return Err(WebhookError::Format(name, why));
        }
        let made = entries.into_iter().enumerate().map(|(index, entry)| {
            let url = entry.url.clone();
            Self::new(entry).map_err(|why| WebhookError::Entry(index + 1, url, why))
        });
        made.collect()
    }

    /// What it is called in the oracle's memory: its URL and what it filters, hashed, since a URL may hold a token.
    pub fn name(&self) -> String {
        let Filter { project, kinds } = &self.filter;
        let text = format!("{} {} {}", self.url, project.as_deref().unwrap_or_default(), kinds.join(","));
        hex::encode(&muster_protocol::hashv(&[text.as_bytes()])[..16])
    }

    /// The three headers of a delivery.
    pub fn headers(&self, id: &str, at_s: i64, body: &[u8]) -> Result<[(&'static str, String); 3], String> {
        let signature = self.signer.sign(id, at_s, body).map_err(|error| error.to_string())?;
        Ok([("webhook-id", id.to_owned()), ("webhook-timestamp", at_s.to_string()), ("webhook-signature", signature)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Endpoint>, WebhookError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Endpoint::read(file.path())
    }

    #[test]
    fn a_delivery_is_signed_as_the_specification_says() {
        // The example of the specification's reference libraries.
        let hooks = read(r#"[{"url": "https://example.org/h", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#);
        let [(_, id), (_, at), (_, signature)] = hooks.unwrap()[0]
            .headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
            .unwrap();
        assert_eq!((id.as_str(), at.as_str()), ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"));
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_webhook_is_https_with_a_good_secret_and_known_kinds() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let entry = |url: &str, more: &str| read(&format!(r#"[{{"url": "{url}", "secret": "{secret}"{more}}}]"#));
        assert!(entry("https://example.org/h", r#", "kinds": ["node.offline"]"#).is_ok());
        assert!(entry("http://127.0.0.1:9/h", "").is_ok());
        for (url, more) in [
            ("http://example.org/h", ""),
            ("ftp://example.org/h", ""),
            ("no url", ""),
            ("https://example.org/h", r#", "kinds": ["node.exploded"]"#),
            ("https://example.org/h", r#", "project": "x""#),
            ("https://example.org/h", r#", "extra": 1"#),
        ] {
            assert!(entry(url, more).is_err(), "{url} {more}");
        }
        assert!(read(r#"[{"url": "https://example.org/h", "secret": "whsec_?"}]"#).is_err());
        assert!(read("{}").is_err() && Endpoint::read(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn a_webhook_is_tried_a_bounded_number_of_times_with_longer_and_longer_waits() {
        assert_eq!(next(Some(204), 1), Next::Done);
        assert_eq!(next(Some(410), 1), Next::Gone);
        let mut waited = 0;
        for tries in 1..=WAITS_S.len() {
            let Next::Retry(wait_s) = next([None, Some(500), Some(404)][tries % 3], tries) else { panic!("{tries}") };
            assert!(wait_s > waited);
            waited = wait_s;
        }
        assert_eq!(next(None, WAITS_S.len() + 1), Next::GiveUp);
    }
}
