//! What a checkpoint says beside the numbers: which configuration and data it is of, and how far the seeds are.

use anyhow::{Context, Result, bail, ensure};
use gatewise::train::Loss;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::Config;

/// The text of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    pub config: Config,
    /// Of the training and validation data.
    pub data: u64,
    /// Which of the seeds it is of.
    pub seed_index: usize,
    /// Whether that seed's run is over.
    pub over: bool,
    /// The best of the seeds before it.
    pub best: Option<Best>,
    /// The epoch that is under way.
    pub part: Part,
}

/// The best run of some seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    pub seed: u64,
    /// From 1.
    pub epoch: u64,
    pub loss: f64,
}

/// What a part of an epoch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub total: f64,
    pub counted: usize,
    pub right: usize,
    pub norm: f64,
    pub seconds: f64,
}

impl Part {
    /// Both parts' loss.
    pub fn with(&self, loss: Loss) -> Loss {
        let mut sum = Loss { total: self.total, counted: self.counted, right: self.right };
        sum.add(loss);
        sum
    }
}

impl Saved {
    /// The text that a checkpoint carries.
    pub fn write(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// From a checkpoint's text.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("the checkpoint is not one of gatewise train")
    }

    /// Refuses to go on with another configuration or other data.
    pub fn check(&self, config: &Config, data: u64) -> Result<()> {
        if let Some((key, was, is)) = difference(&comparable(&self.config, config)?, &comparable(config, config)?) {
            bail!("the checkpoint is of another configuration: {key} was {was} and is {is}");
        }
        ensure!(self.data == data, "the checkpoint is of other data: x, y or lengths differ");
        Ok(())
    }
}

/// Without what changes no number: the threads, and the epochs of a single seed where the rate does not know them.
fn comparable(config: &Config, now: &Config) -> Result<Value> {
    let mut config = config.clone();
    config.run = now.run.clone();
    if !now.learning.schedule.knows_the_end() && now.seeds().len() == 1 {
        config.learning.epochs = now.learning.epochs;
    }
    Ok(serde_json::to_value(config)?)
}

/// The first key whose values differ, and both values.
fn difference(was: &Value, is: &Value) -> Option<(String, String, String)> {
    let (Value::Object(was_map), Value::Object(is_map)) = (was, is) else {
        return (was != is).then(|| (String::new(), was.to_string(), is.to_string()));
    };
    let keys = was_map.keys().chain(is_map.keys().filter(|key| !was_map.contains_key(*key)));
    let get = |map: &serde_json::Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter().find_map(|key| {
        let (below, was, is) = difference(&get(was_map, key), &get(is_map, key))?;
        Some((if below.is_empty() { key.clone() } else { format!("{key}.{below}") }, was, is))
    })
}
