//! Reading a Python pickle, of which nothing is executed.
//!
//! A call is kept as what it is of. An object is kept once, however often it is referred to, so that all take some multiple
//! of the pickle's length at most; candle's reader copies them, and a few hundred bytes can make it ask for any amount of
//! memory.

use std::collections::HashMap;

use super::objects::{Id, Object, Objects};

/// The objects of a pickle of protocol 2 to 5.
///
/// # Errors
/// What is wrong with it.
pub fn read(pickle: &[u8]) -> Result<Objects, String> {
    let mut machine = Machine {
        rest: pickle,
        all: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Objects::new(machine.all, root))
}

struct Machine<'a> {
    rest: &'a [u8],
    all: Vec<Object>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    /// Does what stands next (CPython's `Lib/pickletools.py`); false at the end.
    fn step(&mut self) -> Result<bool, String> {
        match self.byte()? {
            // PROTO, FRAME
            0x80 => drop(self.bytes(1)?),
            0x95 => drop(self.bytes(8)?),
            b'.' => return Ok(false),
            b'(' => self.marks.push(self.stack.len()),
            // POP, POP_MARK, DUP
            b'0' => drop(self.pop()?),
            b'1' => drop(self.popped_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            // NONE, NEWTRUE, NEWFALSE, EMPTY_SET; BINFLOAT
            b'N' | 0x88 | 0x89 | 0x8f => self.push(Object::Other)?,
            b'G' => {
                self.bytes(8)?;
                self.push(Object::Other)?;
            }
            // BININT, BININT1, BININT2, LONG1, LONG4
            b'J' => {
                let n = i32::from_le_bytes(self.array()?);
                self.push(Object::Int(n.into()))?;
            }
            b'K' => self.push_int(1)?,
            b'M' => self.push_int(2)?,
            0x8a => self.push_long(1)?,
            0x8b => self.push_long(4)?,
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8; BINSTRING, SHORT_BINSTRING
            b'X' | b'T' => self.push_text(4)?,
            0x8c | b'U' => self.push_text(1)?,
            0x8d => self.push_text(8)?,
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => self.push_bytes(4)?,
            b'C' => self.push_bytes(1)?,
            0x8e | 0x96 => self.push_bytes(8)?,
            // EMPTY_TUPLE, EMPTY_LIST; TUPLE, LIST, FROZENSET; TUPLE1, TUPLE2, TUPLE3
            b')' | b']' => self.push(Object::Tuple(Vec::new()))?,
            b't' | b'l' | 0x91 => {
                let all = self.popped_to_mark()?;
                self.push(Object::Tuple(all))?;
            }
            count @ 0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(count - 0x84));
                let from = from.ok_or("it takes more objects than there are")?;
                let all = self.stack.split_off(from);
                self.push(Object::Tuple(all))?;
            }
            // APPEND, APPENDS, ADDITEMS
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.popped_to_mark()?;
                self.extend(items)?;
            }
            // EMPTY_DICT, DICT, SETITEM, SETITEMS
            b'}' => self.push(Object::Dict(Vec::new()))?,
            b'd' => {
                let items = self.popped_to_mark()?;
                self.push(Object::Dict(Vec::new()))?;
                self.insert(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.popped_to_mark()?;
                self.insert(&items)?;
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Global(module, name))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = match (self.object(module), self.object(name)) {
                    (Object::Text(module), Object::Text(name)) => Object::Global(module, name),
                    _ => Object::Other,
                };
                self.push(global)?;
            }
            // REDUCE and NEWOBJ, NEWOBJ_EX
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?;
            }
            0x92 => {
                let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callable, arguments)?;
            }
            // BUILD: an object's own attributes are no weights.
            b'b' => drop(self.pop()?),
            // BINPERSID
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id))?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE; BINGET, LONG_BINGET
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            0x94 => {
                let top = self.top()?;
                self.memo.insert(self.memo.len() as u64, top);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            other => {
                return Err(format!(
                    "the operation {other:#04x}, which files of weights do not have"
                ));
            }
        }
        Ok(true)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| "it is cut off".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// A number without sign, of at most eight bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        let bytes = self.bytes(bytes)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    /// Bytes whose count stands before them.
    fn counted(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let count = usize::try_from(self.number(bytes)?);
        self.bytes(count.map_err(|_| "it is cut off")?)
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.bytes(end.ok_or("it is cut off")?)?;
        self.bytes(1)?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    fn push(&mut self, object: Object) -> Result<(), String> {
        let id = Id::try_from(self.all.len()).map_err(|_| "it has too many objects")?;
        self.all.push(object);
        self.stack.push(id);
        Ok(())
    }

    fn push_int(&mut self, bytes: usize) -> Result<(), String> {
        let n = self.number(bytes)?;
        self.push(i64::try_from(n).map_or(Object::Other, Object::Int))
    }

    /// A number of any length, of which those that fit are kept.
    fn push_long(&mut self, bytes: usize) -> Result<(), String> {
        let digits = self.counted(bytes)?;
        let is_negative = digits.last().is_some_and(|byte| *byte >= 0x80);
        let object = match digits.len() {
            0 => Object::Int(0),
            1..=8 => {
                let all = if is_negative { u64::MAX } else { 0 };
                let digits = digits.iter().rev();
                Object::Int(
                    digits
                        .fold(all, |n, byte| n << 8 | u64::from(*byte))
                        .cast_signed(),
                )
            }
            _ => Object::Other,
        };
        self.push(object)
    }

    fn push_text(&mut self, bytes: usize) -> Result<(), String> {
        let text = self.counted(bytes)?;
        self.push(Object::Text(String::from_utf8_lossy(text).into_owned()))
    }

    fn push_bytes(&mut self, bytes: usize) -> Result<(), String> {
        self.counted(bytes)?;
        self.push(Object::Other)
    }

    fn pop(&mut self) -> Result<Id, String> {
        let from = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > from {
            true => self
                .stack
                .pop()
                .ok_or_else(|| "its stack is empty".to_owned()),
            false => Err("it takes more objects than there are".into()),
        }
    }

    fn popped_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let from = self.marks.pop().ok_or("it takes what has no beginning")?;
        match from <= self.stack.len() {
            true => Ok(self.stack.split_off(from)),
            false => Err("it takes more objects than there are".into()),
        }
    }

    fn top(&self) -> Result<Id, String> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| "its stack is empty".to_owned())
    }

    fn object(&self, id: Id) -> Object {
        self.all.get(id as usize).cloned().unwrap_or(Object::Other)
    }

    /// Adds to the list on top; what is added to other objects is no weights.
    fn extend(&mut self, items: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        if let Some(Object::Tuple(all)) = self.all.get_mut(top as usize) {
            all.extend(items);
        }
        Ok(())
    }

    /// Adds keys, each with its value, to the dictionary on top.
    fn insert(&mut self, items: &[Id]) -> Result<(), String> {
        let top = self.top()?;
        if let Some(Object::Dict(all)) = self.all.get_mut(top as usize) {
            all.extend(items.as_chunks().0.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    fn call(&mut self, callable: Id, arguments: Id) -> Result<(), String> {
        let is_dict = match self.all.get(callable as usize) {
            Some(Object::Global(module, name)) => {
                module == "collections" && ["OrderedDict", "defaultdict"].contains(&name.as_str())
            }
            _ => false,
        };
        self.push(match is_dict {
            true => Object::Dict(Vec::new()),
            false => Object::Call(callable, arguments),
        })
    }

    fn remember(&mut self, bytes: usize) -> Result<(), String> {
        let (at, top) = (self.number(bytes)?, self.top()?);
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Result<(), String> {
        let at = self.number(bytes)?;
        let id = self.memo.get(&at).copied();
        self.stack.push(id.ok_or("it refers to what is not there")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // pickle.dumps({"a": (1, -2, 300), "b": [70000, "x"]}, 2) and the same with protocol 4, CPython 3.11
    const TWO: &[u8] = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xffM,\x01\x87q\x02X\x01\x00\x00\x00bq\x03]q\x04(Jp\x11\x01\x00X\x01\x00\x00\x00xq\x05eu.";
    const FOUR: &[u8] = b"\x80\x04\x95&\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01J\xfe\xff\xff\xffM,\x01\x87\x94\x8c\x01b\x94]\x94(Jp\x11\x01\x00\x8c\x01x\x94eu.";

    #[test]
    fn both_protocols_of_torch_are_read() {
        for pickle in [TWO, FOUR] {
            let objects = read(pickle).unwrap();
            let Object::Dict(items) = objects.get(objects.root()) else {
                panic!("{objects:?}");
            };
            let [(a, numbers), (b, list)] = items[..] else {
                panic!("{items:?}");
            };
            assert_eq!((objects.text(a), objects.text(b)), (Some("a"), Some("b")));
            let numbers: Vec<&Object> = objects
                .tuple(numbers)
                .unwrap()
                .iter()
                .map(|id| objects.get(*id))
                .collect();
            assert_eq!(
                numbers,
                [&Object::Int(1), &Object::Int(-2), &Object::Int(300)]
            );
            let list = objects.tuple(list).unwrap();
            assert_eq!(
                (objects.size(list[0]), objects.text(list[1])),
                (Some(70000), Some("x"))
            );
        }
    }

    #[test]
    fn what_refers_to_itself_again_and_again_takes_no_memory() {
        // A tuple of the one before, twice, sixty times: 2^60 objects, were they copied.
        let mut pickle = b"\x80\x02)q\x00".to_vec();
        for _ in 0..60 {
            pickle.extend(b"h\x00\x86q\x00");
        }
        pickle.push(b'.');
        let objects = read(&pickle).unwrap();
        assert_eq!(objects.count(), 61);
    }

    #[test]
    fn every_beginning_of_a_pickle_is_refused() {
        for pickle in [TWO, FOUR] {
            for length in 0..pickle.len() {
                assert!(read(&pickle[..length]).is_err(), "{length}");
            }
        }
    }
}
