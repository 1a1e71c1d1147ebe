//! Reading a segment from its start to its end in large pieces; records are handed out in place.

use std::io;

use super::segment::{Kind, RECORD_HEADER_LEN, RecordHeader};
use super::storage::StoredFile;

/// Bytes of a piece, unless a record is larger.
const PIECE_LEN: usize = 1 << 20;

/// See the module.
pub struct Scan<'a> {
    file: &'a dyn StoredFile,
    buffer: Vec<u8>,
    /// Of the buffer, what is read and not handed out.
    unread: std::ops::Range<usize>,
    /// Where that begins in the file.
    at: u64,
}

/// A good record.
pub struct Scanned<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its number.
    pub number: u64,
    /// The last number that was durable when it was written.
    pub synced: u64,
    /// What was appended.
    pub payload: &'a [u8],
    /// All its bytes.
    pub bytes: &'a [u8],
}

impl<'a> Scan<'a> {
    /// Begins at a byte of the file. The buffer's memory is used again.
    pub fn new(file: &'a dyn StoredFile, at: u64, mut buffer: Vec<u8>) -> Self {
        if buffer.len() < PIECE_LEN {
            buffer.resize(PIECE_LEN, 0);
        }
        Self { file, buffer, unread: 0..0, at }
    }

    /// Where the next record begins.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The buffer, for the next scan.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// At least so many bytes from here on; fewer only at the file's end.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.unread.len() < count {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            if self.buffer.len() < count {
                self.buffer.resize(count.next_multiple_of(PIECE_LEN), 0);
            }
            let from = self.at + self.unread.len() as u64;
            self.unread.end += self.file.read_at(&mut self.buffer[self.unread.end..], from)?;
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    /// All bytes from here to the file's end.
    pub fn rest(&mut self) -> io::Result<&[u8]> {
        let count = self.file.byte_len()?.saturating_sub(self.at);
        self.peek(usize::try_from(count).map_err(io::Error::other)?)
    }

    /// Leaves bytes out.
    pub fn skip(&mut self, count: usize) {
        self.unread.start += count.min(self.unread.len());
        self.at += count as u64;
    }

    /// The next record; none where there is no good one.
    pub fn next_record(&mut self) -> io::Result<Option<Scanned<'_>>> {
        let Some(header) = RecordHeader::read(self.peek(RECORD_HEADER_LEN)?) else {
            return Ok(None);
        };
        let len = header.record_len();
        if header.payload(self.peek(len)?).is_none() {
            return Ok(None);
        }
        let start = self.unread.start;
        self.skip(len);
        let bytes = &self.buffer[start..start + len];
        let RecordHeader { kind, number, synced, .. } = header;
        Ok(Some(Scanned { kind, number, synced, payload: &bytes[RECORD_HEADER_LEN..len - 4], bytes }))
    }
}
