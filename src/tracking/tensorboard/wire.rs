//! How event files are made of records, and records of Protocol Buffers' fields.

/// The fields of one message, <https://protobuf.dev/programming-guides/encoding/>.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Adds a whole number (`int32`, `int64`, `enum`, `bool`).
    pub fn varint(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        push_varint(&mut self.0, value);
        self
    }

    /// Adds a `double`.
    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a `float`.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds `bytes` or a `string`.
    pub fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, 2);
        push_varint(&mut self.0, value.len() as u64);
        self.0.extend(value);
        self
    }

    /// Adds a message.
    pub fn message(self, field: u32, value: Message) -> Self {
        self.bytes(field, &value.0)
    }

    fn key(&mut self, field: u32, kind: u32) {
        push_varint(&mut self.0, u64::from((field << 3) | kind));
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Frames a record: its length, the length's checksum, the data, the data's checksum, all little endian
/// (`tensorflow/core/lib/io/record_writer.h`).
pub(super) fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(crc32c(&length)).to_le_bytes());
    record.extend(data);
    record.extend(masked(crc32c(data)).to_le_bytes());
    record
}

/// A checksum that does not stay the same when it is itself checksummed (`tensorflow/core/lib/hash/crc32c.h`).
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (RFC 3720), bit by bit: some records an epoch need no more.
fn crc32c(bytes: &[u8]) -> u32 {
    /// The polynomial 0x1EDC6F41, reflected.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let bit = |crc: u32| (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: RFC 3720, appendix B.4.
    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
    }

    /// Expected: the examples of the encoding's documentation.
    #[test]
    fn fields_are_encoded_as_documented() {
        let bytes = Message::default().varint(1, 150).into_bytes();
        assert_eq!(bytes, [0x08, 0x96, 0x01]);
        let bytes = Message::default().bytes(2, b"testing").into_bytes();
        assert_eq!(bytes, b"\x12\x07testing");
        let inner = Message::default().varint(1, 150);
        let bytes = Message::default().message(3, inner).into_bytes();
        assert_eq!(bytes, [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }
}
