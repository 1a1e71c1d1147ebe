//! Where a day's task scores come from.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use super::plan::worked;
use crate::{
    error::{CliError, failed},
    files::read_file,
};

/// Bytes of scores at most.
const SCORES_LEN_MAX: u64 = 128 * 1024 * 1024;

/// Who makes the scores.
#[derive(Clone, Debug)]
pub enum Source {
    /// Nobody: the formula gives no points for tasks.
    None,
    /// All who worked get all.
    Worked,
    /// A program.
    Command(String),
    /// A file that appears in this folder.
    Folder(PathBuf),
}

/// What there is of an epoch's scores.
#[derive(Debug, PartialEq)]
pub enum Scores {
    /// The epoch is settled without any.
    None,
    /// These.
    Some(BTreeMap<String, u16>),
    /// The file is not there yet.
    NotYet,
}

/// The scores of an epoch whose final uptime is known. `is_late`: a file is not waited for any longer.
pub async fn make(
    source: &Source,
    project: &str,
    epoch: u64,
    rows: &[Value],
    is_late: bool,
) -> Result<Scores, CliError> {
    match source {
        Source::None => Ok(Scores::None),
        Source::Worked => {
            let counted = |row: &Value| Some((row["tenure"].as_str()?.to_owned(), row["counted"].as_u64()?));
            Ok(Scores::Some(worked(&rows.iter().filter_map(counted).collect::<Vec<_>>())))
        }
        Source::Folder(folder) => {
            let path = folder.join(format!("{epoch}.json"));
            match path.exists() {
                true => read(&read_file(&path, SCORES_LEN_MAX)?, &path.display().to_string()).map(Scores::Some),
                false if is_late => Ok(Scores::None),
                false => Ok(Scores::NotYet),
            }
        }
        Source::Command(command) => {
            let input = json!({"project": project, "epoch": epoch, "rows": rows}).to_string();
            let output = ask(command, input).await?;
            read(&output, command).map(Scores::Some)
        }
    }
}

fn read(bytes: &[u8], whose: &str) -> Result<BTreeMap<String, u16>, CliError> {
    serde_json::from_slice(bytes)
        .map_err(|error| failed(format!("{whose}: an object of tenures and basis points is needed: {error}")))
}

async fn ask(command: &str, input: String) -> Result<Vec<u8>, CliError> {
    let wrong = |why: String| failed(format!("the scores' command {command:?} {why}"));
    let mut child = tokio::process::Command::new("sh");
    child
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let mut child = child.spawn().map_err(|error| wrong(format!("does not start: {error}")))?;
    let mut stdin = child.stdin.take();
    let feed = async {
        if let Some(stdin) = &mut stdin {
            // A command that reads nothing is free to.
            let _ = tokio::io::AsyncWriteExt::write_all(stdin, input.as_bytes()).await;
        }
        drop(stdin);
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(|error| wrong(format!("failed: {error}")))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(wrong(format!("ended with {}", output.status))),
    }
}

/// Keeps scores in a file for the settlement.
pub fn keep(path: &Path, scores: &BTreeMap<String, u16>) -> Result<(), CliError> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.write_all(serde_json::to_string(scores)?.as_bytes())
    };
    write().map_err(|error| failed(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Value> {
        vec![json!({"tenure": "T", "counted": 4}), json!({"tenure": "U", "counted": 0})]
    }

    #[tokio::test]
    async fn a_command_reads_the_epoch_and_its_word_counts() {
        let ask = |command: &str| Source::Command(command.to_owned());
        let echo = ask(r#"grep -q '"epoch":7' && echo '{"T": 1234}'"#);
        let made = make(&echo, "P", 7, &rows(), false).await.unwrap();
        assert_eq!(made, Scores::Some([("T".to_owned(), 1_234)].into()));
        for bad in ["exit 3", "echo nothing", r#"echo '{"T": 70000}'"#] {
            assert!(make(&ask(bad), "P", 7, &rows(), false).await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_file_is_waited_for_until_it_is_late() {
        let folder = std::env::temp_dir().join(format!("muster-scores-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let source = Source::Folder(folder.clone());
        assert_eq!(make(&source, "P", 7, &rows(), false).await.unwrap(), Scores::NotYet);
        assert_eq!(make(&source, "P", 7, &rows(), true).await.unwrap(), Scores::None);
        keep(&folder.join("7.json"), &[("U".to_owned(), 5)].into()).unwrap();
        let made = make(&source, "P", 7, &rows(), true).await.unwrap();
        assert_eq!(made, Scores::Some([("U".to_owned(), 5)].into()));
        fs::remove_dir_all(folder).unwrap();
        let all = make(&Source::Worked, "P", 7, &rows(), false).await.unwrap();
        assert_eq!(all, Scores::Some([("T".to_owned(), 10_000)].into()));
    }
}
