//! Reads TOML so that every complaint names the file, the line and what was expected there.

use std::ops::Range;

use anyhow::{Error, Result, anyhow};
use toml_edit::{Document, Item, TableLike, Value};

use super::written::Written;

/// The text of a sheet and what to call it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

/// A table of the sheet, with its name for error messages.
pub struct Table<'a> {
    source: Source<'a>,
    name: String,
    table: &'a dyn TableLike,
    span: Option<Range<usize>>,
}

/// A key of a table and what it stands for.
#[derive(Clone)]
pub struct Entry<'a> {
    source: Source<'a>,
    /// The key, with its table: `weights.forget.h`.
    pub name: String,
    node: Node<'a>,
    span: Option<Range<usize>>,
}

/// Lists hold values; tables hold items, which may be values.
#[derive(Debug, Clone, Copy)]
enum Node<'a> {
    Item(&'a Item),
    Value(&'a Value),
}

impl<'a> Source<'a> {
    pub fn parse(self) -> Result<Document<&'a str>> {
        Document::parse(self.text).map_err(|error| {
            let span = error.span();
            let line = span.as_ref().map_or("", |span| self.line(span.start).1);
            let key = line.split('=').next().unwrap_or("").trim();
            let sign = |letter: char| !(letter.is_ascii_alphanumeric() || "_-.\"'[]# ".contains(letter));
            let hint = if line.contains('=') && key.contains(sign) && !key.starts_with(['"', '\'', '#']) {
                format!("; a name with signs needs quotes: \"{key}\"")
            } else {
                String::new()
            };
            self.error(span, &format!("not TOML: {}{hint}", error.message().replace('\n', " ")))
        })
    }

    /// An error on one line: `FILE: line N: …`.
    pub fn error(self, span: Option<Range<usize>>, message: &str) -> Error {
        match span {
            Some(span) => anyhow!("{}: line {}: {message}", self.file, self.line(span.start).0),
            None => anyhow!("{}: {message}", self.file),
        }
    }

    /// The number and the text of the line around a byte.
    fn line(self, at: usize) -> (usize, &'a str) {
        let bytes = self.text.as_bytes();
        let at = at.min(bytes.len());
        let number = bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
        (number + 1, self.text.split('\n').nth(number).unwrap_or(""))
    }
}

impl<'a> Table<'a> {
    pub fn root(source: Source<'a>, document: &'a Document<&'a str>) -> Self {
        Table { source, name: String::new(), table: document.as_table(), span: None }
    }

    pub fn error(&self, message: &str) -> Error {
        self.source.error(self.span.clone(), message)
    }

    /// Refuses every key that is not among `keys`.
    pub fn allow_only(&self, keys: &[&str]) -> Result<()> {
        match self.entries().find(|(key, _)| !keys.contains(key)) {
            Some((key, entry)) => {
                let table = if self.name.is_empty() { "a sheet".to_string() } else { format!("[{}]", self.name) };
                Err(entry.error(&format!("unknown key `{key}`; {table} may have {}", keys.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub fn get(&self, key: &str) -> Option<Entry<'a>> {
        let (_, item) = self.table.get_key_value(key)?;
        Some(self.entry(key, item))
    }

    pub fn require(&self, key: &str, expected: &str) -> Result<Entry<'a>> {
        self.get(key).ok_or_else(|| {
            let table = if self.name.is_empty() { "the sheet".to_string() } else { format!("[{}]", self.name) };
            self.error(&format!("{table} lacks `{key}`: expected {expected}"))
        })
    }

    /// Keys and entries in the order of the sheet.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Entry<'a>)> {
        self.table.iter().map(|(key, item)| (key, self.entry(key, item)))
    }

    fn entry(&self, key: &str, item: &'a Item) -> Entry<'a> {
        let name = if self.name.is_empty() { key.to_string() } else { format!("{}.{key}", self.name) };
        let span = self.table.key(key).and_then(|key| key.span()).or_else(|| item.span());
        Entry { source: self.source, name, node: Node::Item(item), span }
    }
}

impl<'a> Entry<'a> {
    pub fn error(&self, message: &str) -> Error {
        self.source.error(self.span.clone(), message)
    }

    pub fn text(&self) -> Result<&'a str> {
        self.value()
            .and_then(Value::as_str)
            .ok_or_else(|| self.error(&format!("{}: expected a text in quotes", self.name)))
    }

    /// The index of the text among `choices`.
    pub fn choice(&self, choices: &[&str]) -> Result<usize> {
        let text = self.text()?;
        choices.iter().position(|&choice| choice == text).ok_or_else(|| {
            let all: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
            self.error(&format!("{} = \"{text}\": expected {}", self.name, all.join(" or ")))
        })
    }

    pub fn table(&self) -> Result<Table<'a>> {
        let table = match self.node {
            Node::Item(item) => item.as_table_like(),
            Node::Value(_) => None,
        };
        let table = table.ok_or_else(|| self.error(&format!("{}: expected a table, [{0}]", self.name)))?;
        Ok(Table { source: self.source, name: self.name.clone(), table, span: self.span.clone() })
    }

    /// The tables of `[[…]]`, or of a list of inline tables.
    pub fn tables(&self) -> Result<Vec<Table<'a>>> {
        let wrong = || self.error(&format!("{}: expected tables, [[{0}]]", self.name));
        let mut tables: Vec<(&'a dyn TableLike, Option<Range<usize>>)> = Vec::new();
        match self.node {
            Node::Item(Item::ArrayOfTables(array)) => {
                tables.extend(array.iter().map(|table| (table as _, table.span())))
            }
            Node::Item(Item::Value(Value::Array(array))) => {
                for value in array.iter() {
                    let table = value.as_inline_table().ok_or_else(wrong)?;
                    tables.push((table, value.span()));
                }
            }
            _ => return Err(wrong()),
        }
        let table = |(table, span)| Table { source: self.source, name: self.name.clone(), table, span };
        Ok(tables.into_iter().map(table).collect())
    }

    /// The elements if it is a list.
    pub fn list(&self) -> Option<Vec<Entry<'a>>> {
        let array = self.value()?.as_array()?;
        let inner = |value: &'a Value| Entry {
            source: self.source,
            name: self.name.clone(),
            node: Node::Value(value),
            span: value.span(),
        };
        Some(array.iter().map(inner).collect())
    }

    /// A number, as a number or as a text.
    pub fn number(&self) -> Option<Written> {
        let text = match self.value()? {
            Value::String(text) => text.value().as_str(),
            Value::Integer(number) => self.source.text.get(number.span()?)?,
            Value::Float(number) => self.source.text.get(number.span()?)?,
            _ => return None,
        };
        Written::parse(text)
    }

    /// Whether this is the mark of a gap, `"?"`.
    pub fn is_gap(&self) -> bool {
        self.value().and_then(Value::as_str).is_some_and(|text| text.trim() == "?")
    }

    fn value(&self) -> Option<&'a Value> {
        match self.node {
            Node::Item(item) => item.as_value(),
            Node::Value(value) => Some(value),
        }
    }
}
