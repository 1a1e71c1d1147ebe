//! Progress out of log lines: any line of standard output that is a JSON object with `progress`.

use serde_json::Value;

/// A longer line is no progress report and is not kept.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// What the task last said of itself. The task's own word: nothing is paid by it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// 0 to 100, never going back.
    pub percent: u8,
    /// Usually 0 to 1.
    pub accuracy: Option<f64>,
    /// In the task's own unit.
    pub loss: Option<f64>,
    /// From `epoch` or `epochs`.
    pub epochs: Option<u64>,
}

/// Splits a stream into lines and follows the progress in them.
#[derive(Default)]
pub(super) struct ProgressReader {
    line: Vec<u8>,
    too_long: bool,
    pub(super) progress: Progress,
}

impl ProgressReader {
    /// Takes the next bytes of the stream; calls `changed` for each line that changed the progress.
    pub(super) fn push(&mut self, bytes: &[u8], mut changed: impl FnMut(&Progress)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > LINE_BYTES_MAX {
                self.too_long = true;
                self.line.clear();
            }
            if !self.too_long {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                self.end_line(&mut changed);
            }
        }
    }

    /// The stream ended: a last line may lack its end.
    pub(super) fn finish(&mut self, mut changed: impl FnMut(&Progress)) {
        self.end_line(&mut changed);
    }

    fn end_line(&mut self, changed: &mut impl FnMut(&Progress)) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) || !line.starts_with(b"{") {
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(&line) else {
            return;
        };
        let Some(percent) = value.get("progress").and_then(Value::as_f64) else {
            return;
        };
        let number = |name: &str| value.get(name).and_then(Value::as_f64);
        let count = |name: &str| value.get(name).and_then(Value::as_u64);
        let next = Progress {
            percent: self.progress.percent.max(percent.clamp(0.0, 100.0) as u8),
            accuracy: number("accuracy").or(self.progress.accuracy),
            loss: number("loss").or(self.progress.loss),
            epochs: count("epoch").or_else(|| count("epochs")).or(self.progress.epochs),
        };
        if next != self.progress {
            self.progress = next;
            changed(&self.progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> (Progress, Vec<u8>) {
        let (mut reader, mut seen) = (ProgressReader::default(), Vec::new());
        for chunk in chunks {
            reader.push(chunk, |progress| seen.push(progress.percent));
        }
        reader.finish(|progress| seen.push(progress.percent));
        (reader.progress, seen)
    }

    #[test]
    fn lines_may_be_cut_anywhere_and_the_last_needs_no_end() {
        let (progress, seen) = read(&[
            b"{\"progress\": 1",
            b"0, \"accuracy\": 0.5}\n{\"pro",
            b"gress\": 20, \"loss\": 1.5, \"epoch\": 3}",
        ]);
        assert_eq!(seen, [10, 20]);
        assert_eq!(progress, Progress { percent: 20, accuracy: Some(0.5), loss: Some(1.5), epochs: Some(3) });
    }

    #[test]
    fn progress_neither_goes_back_nor_over_100_and_other_lines_are_ignored() {
        let (progress, seen) = read(&[
            b"{\"progress\": 30}\n{\"progress\": 10}\nhello\n{\"progress\": \"x\"}\n{bad\n[]\n{\"progress\": -1e400}\n",
            b"{\"progress\": 250}\n{\"progress\": 1e300}\n",
        ]);
        assert_eq!(seen, [30, 100]);
        assert_eq!(progress.percent, 100);
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut reader = ProgressReader::default();
        for _ in 0..1_000 {
            reader.push(&[b'{'; 1000], |_| panic!("no progress here"));
        }
        assert!(reader.line.capacity() <= 2 * LINE_BYTES_MAX);
        let mut percent = 0;
        reader.push(b"\n{\"progress\": 5}\n", |progress| percent = progress.percent);
        assert_eq!(percent, 5);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_go_back(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let (mut reader, mut last) = (ProgressReader::default(), 0);
            for chunk in &chunks {
                reader.push(chunk, |progress| { assert!(progress.percent >= last); last = progress.percent; });
            }
        }
    }
}
