//! TOML read into a structure; every complaint names the file and the line.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;

/// Reads a file whole.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("{shown}: cannot read"))?;
    parse(&shown, &text)
}

/// Reads a text, whose file has this name.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        match error.span() {
            Some(span) => {
                let before = text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count();
                anyhow!("{file}: line {}: {message}", before + 1)
            }
            None => anyhow!("{file}: {message}"),
        }
    })
}
