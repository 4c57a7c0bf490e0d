//! TensorBoard's event files: records of `Event` messages, each framed by its length and checksums.
//!
//! A record is the length as a little-endian `u64`, its masked CRC-32C, the message, and the message's masked CRC-32C.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::{Result, TrainError};

/// An event file that grows by one record for each number.
#[derive(Debug)]
pub(super) struct EventFile {
    path: std::path::PathBuf,
    file: File,
}

impl EventFile {
    /// Starts a file, in place of any that is there.
    pub(super) fn create(path: &Path, wall: f64) -> Result<Self> {
        let file = File::create(path).map_err(TrainError::io(path))?;
        let mut events = Self { path: path.to_owned(), file };
        let mut message = Vec::new();
        double(&mut message, 1, wall);
        bytes(&mut message, 3, b"brain.Event:2");
        events.record(&message)?;
        Ok(events)
    }

    /// Adds a number under a tag.
    pub(super) fn scalar(&mut self, tag: &str, step: u64, value: f64, wall: f64) -> Result<()> {
        let mut entry = Vec::new();
        bytes(&mut entry, 1, tag.as_bytes());
        key(&mut entry, 2, 5);
        entry.extend((value as f32).to_le_bytes());
        let mut summary = Vec::new();
        bytes(&mut summary, 1, &entry);
        let mut message = Vec::new();
        double(&mut message, 1, wall);
        key(&mut message, 2, 0);
        varint(&mut message, step);
        bytes(&mut message, 5, &summary);
        self.record(&message)
    }

    fn record(&mut self, message: &[u8]) -> Result<()> {
        let length = (message.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked_crc(&length).to_le_bytes());
        record.extend(message);
        record.extend(masked_crc(message).to_le_bytes());
        self.file.write_all(&record).map_err(TrainError::io(&self.path))
    }
}

/// A field's number and wire type.
fn key(message: &mut Vec<u8>, field: u8, wire: u8) {
    message.push(field << 3 | wire);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn double(message: &mut Vec<u8>, field: u8, value: f64) {
    key(message, field, 1);
    message.extend(value.to_le_bytes());
}

fn bytes(message: &mut Vec<u8>, field: u8, value: &[u8]) {
    key(message, field, 2);
    varint(message, value.len() as u64);
    message.extend(value);
}

/// The format's checksum: rotated and offset, so that a checksum of checksums is none.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), reflected, bit by bit: records are short.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_gives_the_published_values() {
        // RFC 3720, appendix B.4, and the usual check value.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
