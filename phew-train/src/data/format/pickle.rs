//! Python's pickles, as far as data sets need them: numbers, text, bytes, lists, dictionaries and NumPy's arrays of bytes
//! and integers. Nothing is called: what a pickle wants to import is a name and no more.

use std::collections::HashMap;
use std::rc::Rc;

/// What a pickle holds.
#[derive(Debug, Clone)]
pub(in crate::data) enum Value {
    /// Anything that no data set needs.
    Other,
    /// A number.
    Int(i64),
    /// Text, which old pickles do not tell from bytes.
    Text(Rc<str>),
    /// Bytes, or a NumPy array of them.
    Bytes(Rc<[u8]>),
    /// A list or a tuple.
    List(Rc<Vec<Value>>),
    /// A dictionary, in its order.
    Dict(Rc<Vec<(Value, Value)>>),
    /// A name of a module's.
    Global(Rc<str>),
    /// A NumPy type by its letter and size.
    Type(char, usize),
    /// A NumPy array that is not filled yet.
    Array,
}

impl Value {
    /// The entry of a dictionary under a name, given as text or as bytes.
    pub(in crate::data) fn get(&self, name: &str) -> Option<&Value> {
        let Self::Dict(entries) = self else { return None };
        let is_named = |key: &Value| match key {
            Self::Text(text) => &**text == name,
            Self::Bytes(bytes) => **bytes == *name.as_bytes(),
            _ => false,
        };
        entries.iter().find(|(key, _)| is_named(key)).map(|(_, value)| value)
    }

    /// Bytes, or text that stands for them: a character each.
    pub(in crate::data) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes.to_vec()),
            Self::Text(text) => latin1(text),
            _ => None,
        }
    }

    /// Text, or bytes that are text.
    pub(in crate::data) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_string()),
            Self::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        }
    }

    /// The items of a list or a tuple.
    pub(in crate::data) fn list(&self) -> Option<&[Value]> {
        let Self::List(list) = self else { return None };
        Some(list)
    }

    /// A number.
    pub(in crate::data) fn int(&self) -> Option<i64> {
        let Self::Int(number) = self else { return None };
        Some(*number)
    }
}

/// The text of a line in which a byte is a character, but for `\uXXXX`.
fn unescaped(line: &[u8]) -> Result<String, String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = (byte == b'\\' && after.first() == Some(&b'u')).then(|| after.get(1..5));
        match digits {
            None => text.push(char::from(byte)),
            Some(digits) => {
                let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                text.push(code.and_then(char::from_u32).ok_or("an escape without sense")?);
                rest = &after[5..];
            }
        }
    }
    Ok(text)
}

/// Characters as bytes, if each is one.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Reads a pickle of any protocol.
///
/// # Errors
/// What is wrong with it, or which of Python's means it uses that are not read.
pub(in crate::data) fn read(bytes: &[u8]) -> Result<Value, String> {
    Machine { rest: bytes, length: bytes.len(), ..Machine::default() }.run()
}

/// Lists, tuples and dictionaries at most: a file of CIFAR has a dozen, and those that lie in each other by the thousand
/// have no end.
const CONTAINERS: usize = 1000;

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    length: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<usize, Value>,
    containers: usize,
}

impl<'a> Machine<'a> {
    fn run(mut self) -> Result<Value, String> {
        loop {
            let at = self.length - self.rest.len();
            let code = self.byte()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code).map_err(|problem| format!("byte {at}: {problem}"))?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        if matches!(code, b']' | b')' | b'}' | b'l' | b't' | b'd' | 0x85..=0x87) {
            self.containers += 1;
            if self.containers > CONTAINERS {
                return Err(format!("more than {CONTAINERS} lists, tuples and dictionaries"));
            }
        }
        let value = match code {
            // Protocol and frames.
            0x80 => return self.take(1).map(drop),
            0x95 => return self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b'0' => return self.pop().map(drop),
            b'1' => return self.above_mark().map(drop),
            b'2' => self.top()?.clone(),
            b'N' => Value::Other,
            0x88 => Value::Int(1),
            0x89 => Value::Int(0),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(self.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            0x8a => {
                let size = self.byte()?.into();
                self.long(size)?
            }
            0x8b => {
                let size = self.size4()?;
                self.long(size)?
            }
            b'I' => match self.line()? {
                "01" => Value::Int(1),
                "00" => Value::Int(0),
                line => Value::Int(line.parse().map_err(|_| "a number that is none")?),
            },
            b'L' => {
                let line = self.line()?.trim_end_matches('L');
                Value::Int(line.parse().map_err(|_| "a number that is none")?)
            }
            b'F' => self.line().map(|_| Value::Other)?,
            b'G' => self.take(8).map(|_| Value::Other)?,
            // Strings of Python 2 are bytes.
            b'T' => {
                let size = self.size4()?;
                self.bytes(size)?
            }
            b'U' | b'C' => {
                let size = self.byte()?.into();
                self.bytes(size)?
            }
            b'B' => {
                let size = self.size4()?;
                self.bytes(size)?
            }
            0x8e | 0x96 => {
                let size = self.size8()?;
                self.bytes(size)?
            }
            b'S' => {
                let line = self.line()?;
                let inner = line.get(1..line.len().saturating_sub(1)).unwrap_or_default();
                if inner.contains('\\') {
                    return Err("a string with escapes, which is not read".to_owned());
                }
                Value::Bytes(inner.as_bytes().into())
            }
            0x8c => {
                let size = self.byte()?.into();
                self.text(size)?
            }
            b'X' => {
                let size = self.size4()?;
                self.text(size)?
            }
            0x8d => {
                let size = self.size8()?;
                self.text(size)?
            }
            b'V' => Value::Text(unescaped(self.raw_line()?)?.into()),
            b']' | b')' => Value::List(Rc::default()),
            b'l' | b't' => Value::List(self.above_mark()?.into()),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b'a' => {
                let item = self.pop()?;
                return self.append(vec![item]);
            }
            b'e' => {
                let items = self.above_mark()?;
                return self.append(items);
            }
            b'}' => Value::Dict(Rc::default()),
            b'd' => {
                let items = self.above_mark()?;
                self.stack.push(Value::Dict(Rc::default()));
                return self.set(items);
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set(vec![key, value]);
            }
            b'u' => {
                let items = self.above_mark()?;
                return self.set(items);
            }
            b'p' => {
                let place = self.line()?.parse().map_err(|_| "a place that is no number")?;
                return self.remember(place);
            }
            b'q' => {
                let place = self.byte()?.into();
                return self.remember(place);
            }
            b'r' => {
                let place = self.size4()?;
                return self.remember(place);
            }
            0x94 => return self.remember(self.memo.len()),
            b'g' => {
                let place = self.line()?.parse().map_err(|_| "a place that is no number")?;
                self.recall(place)?
            }
            b'h' => {
                let place = self.byte()?.into();
                self.recall(place)?
            }
            b'j' => {
                let place = self.size4()?;
                self.recall(place)?
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Global(format!("{module}.{name}").into())
            }
            0x93 => {
                let name = self.pop()?.text().ok_or("a name that is no text")?;
                let module = self.pop()?.text().ok_or("a module that is no text")?;
                Value::Global(format!("{module}.{name}").into())
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                made(&function, &arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.pop()?;
                built(object, &state)?
            }
            _ => return Err(format!("{code:#04x} is a means of pickles that is not read")),
        };
        self.stack.push(value);
        Ok(())
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("it is cut off")?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.array().map(|[byte]| byte)
    }

    fn size4(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn size8(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?))
            .map_err(|_| "a size without sense".into())
    }

    fn raw_line(&mut self) -> Result<&'a [u8], String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or("it is cut off")?;
        Ok(&self.take(end + 1)?[..end])
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let line = self.raw_line()?;
        std::str::from_utf8(line).map_err(|_| "a line that is no text".to_owned())
    }

    fn bytes(&mut self, size: usize) -> Result<Value, String> {
        Ok(Value::Bytes(self.take(size)?.into()))
    }

    fn text(&mut self, size: usize) -> Result<Value, String> {
        let text = std::str::from_utf8(self.take(size)?).map_err(|_| "a text that is none")?;
        Ok(Value::Text(text.into()))
    }

    /// A long number; what has no room is of no use to a data set.
    fn long(&mut self, size: usize) -> Result<Value, String> {
        let bytes = self.take(size)?;
        if size > 8 {
            return Ok(Value::Other);
        }
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..size].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(whole)))
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "its stack is empty".to_owned())
    }

    fn top(&mut self) -> Result<&mut Value, String> {
        self.stack.last_mut().ok_or_else(|| "its stack is empty".to_owned())
    }

    fn above_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        if mark > self.stack.len() {
            return Err("a mark is beyond the stack".to_owned());
        }
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, size: usize) -> Result<Value, String> {
        let from = self.stack.len().checked_sub(size).ok_or("its stack is too short")?;
        Ok(Value::List(self.stack.split_off(from).into()))
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), String> {
        match self.top()? {
            Value::List(list) => Rc::make_mut(list).extend(items),
            _ => return Err("items for what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Value::Dict(dict) = self.top()? else {
            return Err("entries for what is no dictionary".to_owned());
        };
        let dict = Rc::make_mut(dict);
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            dict.push((key, value));
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<(), String> {
        // Lists and dictionaries are filled after they are remembered; no data set refers to one twice.
        let value = match self.top()? {
            Value::List(list) if list.is_empty() => Value::Other,
            Value::Dict(dict) if dict.is_empty() => Value::Other,
            other => other.clone(),
        };
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&self, place: usize) -> Result<Value, String> {
        self.memo.get(&place).cloned().ok_or_else(|| format!("nothing was put in place {place}"))
    }
}

/// What a call would give, for those calls that data sets make.
fn made(function: &Value, arguments: &Value) -> Value {
    let Value::Global(name) = function else { return Value::Other };
    let first = arguments.list().and_then(<[Value]>::first);
    match &**name {
        // How Python 3 writes bytes for Python 2.
        "_codecs.encode" => {
            first.and_then(Value::bytes).map_or(Value::Other, |bytes| Value::Bytes(bytes.into()))
        }
        "__builtin__.bytes" | "builtins.bytes" | "builtins.bytearray" => match first {
            Some(value) => value.bytes().map_or(Value::Other, |bytes| Value::Bytes(bytes.into())),
            None => Value::Bytes([].into()),
        },
        "numpy.dtype" => first.and_then(Value::text).map_or(Value::Other, |name| of_type(&name)),
        "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
            Value::Array
        }
        _ => Value::Other,
    }
}

/// A type such as `u1`, `|u1` or `<i8`.
fn of_type(name: &str) -> Value {
    let name = name.trim_start_matches(['|', '<', '=']);
    let mut letters = name.chars();
    match (letters.next(), letters.as_str().parse()) {
        (Some(letter @ ('u' | 'i' | 'b')), Ok(size @ (1 | 2 | 4 | 8))) => Value::Type(letter, size),
        _ => Value::Other,
    }
}

/// An object once its state is known.
fn built(object: Value, state: &Value) -> Result<Value, String> {
    // Version, shape, type, order, data.
    let (Value::Array, Some([_, shape, Value::Type(letter, size), fortran, data])) =
        (&object, state.list())
    else {
        return Ok(object);
    };
    let dimensions = shape.list().unwrap_or_default().len();
    if fortran.int() == Some(1) && dimensions > 1 {
        return Err("an array whose columns come first, which is not read".to_owned());
    }
    let bytes = data.bytes().ok_or("an array without bytes")?;
    if *size == 1 && *letter != 'i' {
        return Ok(Value::Bytes(bytes.into()));
    }
    let number = |bytes: &[u8]| {
        let negative = *letter == 'i' && bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Value::Int(i64::from_le_bytes(whole))
    };
    Ok(Value::List(Rc::new(bytes.chunks_exact(*size).map(number).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pickle.dumps({b'labels': [3, 1], b'data': b'\x00\xff\x80'}, p)` for p of 0 to 5, of Python 3.
    const DICTS: [&[u8]; 4] = [
        b"\x80\x02}q\x00(c_codecs\nencode\nq\x01X\x06\x00\x00\x00labelsq\x02X\x06\x00\x00\x00latin1q\x03\x86q\x04Rq\x05]q\x06(K\x03K\x01eh\x01X\x04\x00\x00\x00dataq\x07h\x03\x86q\x08Rq\th\x01X\x05\x00\x00\x00\x00\xc3\xbf\xc2\x80q\nh\x03\x86q\x0bRq\x0cu.",
        b"\x80\x03}q\x00(C\x06labelsq\x01]q\x02(K\x03K\x01eC\x04dataq\x03C\x03\x00\xff\x80q\x04u.",
        b"\x80\x04\x95%\x00\x00\x00\x00\x00\x00\x00}\x94(C\x06labels\x94]\x94(K\x03K\x01eC\x04data\x94C\x03\x00\xff\x80\x94u.",
        b"(dp0\nVlabels\np1\n(lp2\nI3\naI1\nasVdata\np3\nV\\u0000\xff\x80\np4\ns.",
    ];

    #[test]
    fn dictionaries_of_every_protocol_are_read_alike() {
        for bytes in DICTS {
            let dict = read(bytes).unwrap();
            let labels = dict.get("labels").unwrap().list().unwrap();
            assert_eq!(labels.iter().map(Value::int).collect::<Vec<_>>(), [Some(3), Some(1)]);
            assert_eq!(dict.get("data").unwrap().bytes().unwrap(), [0, 255, 128]);
            assert!(dict.get("none").is_none());
            // Cut off anywhere it is no dictionary, and no crash.
            for end in 0..bytes.len() - 1 {
                assert!(read(&bytes[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn arrays_of_numpy_are_their_bytes_or_numbers() {
        // As Python 2 wrote CIFAR: numpy.array([[1, 2], [3, 4]], dtype=uint8), then int64.
        let array = |kind: &str, shape: &[u8], data: &[u8]| {
            let mut bytes = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R(K\x01".to_vec();
            bytes.extend(shape);
            bytes.extend(b"cnumpy\ndtype\nq\x03U");
            bytes.push(kind.len() as u8);
            bytes.extend(kind.as_bytes());
            bytes.extend(
                b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U",
            );
            bytes.push(data.len() as u8);
            bytes.extend(data);
            bytes.extend(b"tb.");
            bytes
        };
        let value = read(&array("u1", b"K\x02K\x02\x86", &[1, 2, 3, 4])).unwrap();
        assert_eq!(value.bytes().unwrap(), [1, 2, 3, 4]);
        let numbers = [7_i64, -2].map(i64::to_le_bytes).concat();
        let value = read(&array("i8", b"K\x02\x85", &numbers)).unwrap();
        let numbers: Vec<_> = value.list().unwrap().iter().map(Value::int).collect();
        assert_eq!(numbers, [Some(7), Some(-2)]);
    }

    #[test]
    fn nothing_is_called_and_what_is_not_read_says_so() {
        // os.system('true')
        let value = read(b"cposix\nsystem\n(S'true'\ntR.").unwrap();
        assert!(matches!(value, Value::Other));
        let error = read(b"\x80\x02\x82\x01.").unwrap_err();
        assert_eq!(error, "byte 2: 0x82 is a means of pickles that is not read");
        let nested = [&b")"[..], &[0x85; 5000], b"."].concat();
        assert!(read(&nested).unwrap_err().contains("more than 1000"));
        assert!(read(b"e.").is_err() && read(b".").is_err() && read(b"h\x05.").is_err());
    }
}
