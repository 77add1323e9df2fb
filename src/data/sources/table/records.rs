//! The records of a text whose values are set off by a byte, by RFC 4180 as generously as `csv-core` reads it.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Bytes and values of a record, before more are needed.
const USUAL: usize = 256;

/// A record: the line that it begins on, from 1, and its values.
pub(super) type Record = (usize, Vec<String>);

/// Goes through records; empty lines are passed over.
pub(super) struct Records<'t> {
    reader: Reader,
    rest: &'t [u8],
    line: usize,
    values: Vec<u8>,
    /// Where the values end in `values`.
    ends: Vec<usize>,
}

impl<'t> Records<'t> {
    pub fn new(text: &'t str, delimiter: u8) -> Self {
        Records {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            rest: text.as_bytes(),
            line: 1,
            values: vec![0; USUAL],
            ends: vec![0; USUAL],
        }
    }

    /// Leaves so many bytes behind.
    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.rest = rest;
    }

    /// The values before `count`.
    fn values(&self, count: usize) -> Vec<String> {
        let ends = &self.ends[..count];
        let starts = [0].into_iter().chain(ends.iter().copied());
        let value = |(start, &end): (usize, &usize)| {
            String::from_utf8_lossy(&self.values[start..end]).into_owned()
        };
        starts.zip(ends).map(value).collect()
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let breaks = self.rest.iter();
        let breaks = breaks.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        self.pass(breaks.count());
        let line = self.line;
        let (mut written, mut count) = (0, 0);
        loop {
            let (values, ends) = (&mut self.values[written..], &mut self.ends[count..]);
            let (result, read, more, ended) = self.reader.read_record(self.rest, values, ends);
            self.pass(read);
            (written, count) = (written + more, count + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.values.resize(self.values.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return Some((line, self.values(count))),
                ReadRecordResult::End => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_their_lines_and_values() {
        let long = "x".repeat(3 * USUAL);
        let text = format!("a,b\r\n\r\n\"1,\"\"2\n\",\n\n{long},é");
        let all: Vec<Record> = Records::new(&text, b',').collect();
        let record = |line, values: [&str; 2]| (line, values.map(str::to_owned).to_vec());
        let expected = [
            record(1, ["a", "b"]),
            record(3, ["1,\"2\n", ""]),
            record(6, [&long, "é"]),
        ];
        assert_eq!(all, expected);
        let many = "1;".repeat(2 * USUAL);
        let (_, values) = Records::new(&many, b';').next().unwrap();
        assert_eq!(values.len(), 2 * USUAL + 1);
        assert!(Records::new("", b',').next().is_none());
    }
}
