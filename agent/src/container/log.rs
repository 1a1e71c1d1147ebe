//! The end of a log, in bounded memory.

/// Keeps the last bytes of what is pushed.
pub(super) struct LogTail {
    bytes: Vec<u8>,
    bytes_max: usize,
    total: u64,
}

impl LogTail {
    /// Keeps at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, total: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        // Cutting at twice the size makes the copying cost a constant per byte.
        if self.bytes.len() > 2 * self.bytes_max {
            self.cut();
        }
    }

    /// Bytes pushed in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The tail's bytes; it begins with a whole line if something was cut off before it.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.cut();
        if self.total > self.bytes.len() as u64
            && let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n')
        {
            self.bytes.drain(..=end);
        }
        self.bytes
    }

    fn cut(&mut self) {
        let surplus = self.bytes.len().saturating_sub(self.bytes_max);
        self.bytes.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_kept_from_a_whole_line_on() {
        let mut log = LogTail::new(12);
        for line in ["first\n", "second\n", "third\n", "last\n"] {
            log.push(line.as_bytes());
        }
        assert_eq!(log.total(), 24);
        assert_eq!(log.into_bytes(), b"third\nlast\n");
    }

    #[test]
    fn a_short_log_is_kept_whole() {
        let mut log = LogTail::new(100);
        log.push(b"a\xFFb");
        assert_eq!(log.into_bytes(), b"a\xFFb");
    }
}
