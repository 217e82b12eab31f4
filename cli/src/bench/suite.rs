//! The cases that are timed when none is named: one for each way in which the kernels are used; or those of a file.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde::Deserialize;

use super::case::{Case, Feeding};
use crate::model::CellKind;
use crate::train::toml_file;

/// The suite: a second or two each.
pub fn cases() -> Vec<Case> {
    let case = Case::default();
    let steps =
        |input, hidden| Case { steps: 500, input: Some(input), hidden, feeding: Feeding::Steps, ..Case::default() };
    let sequence = |hidden| Case { hidden, ..Case::default() };
    let batch = |batch, hidden| Case { steps: 50, batch, hidden, ..Case::default() };
    let of = |cell, batch, steps| Case { cell, batch, steps, ..Case::default() };
    vec![
        steps(1, 8),
        steps(1, 16),
        steps(1, 32),
        steps(1, 64),
        sequence(64),
        sequence(128),
        sequence(256),
        sequence(512),
        batch(32, 128),
        batch(32, 256),
        batch(128, 256),
        batch(32, 512),
        Case { steps: 64, batch: 4096, input: Some(8), hidden: 32, ..case.clone() },
        Case { steps: 64, batch: 1024, input: Some(32), hidden: 64, ..case.clone() },
        Case { steps: 64, hidden: 512, layers: 4, ..case.clone() },
        Case { steps: 128, batch: 8, input: Some(128), layers: 2, bidirectional: true, ..case },
        of(CellKind::Gru, 1, 100),
        of(CellKind::Gru, 32, 50),
        of(CellKind::Rnn, 1, 100),
        of(CellKind::Rnn, 32, 50),
        Case { feeding: Feeding::Training, ..batch(32, 128) },
    ]
}

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// Reads cases; a model's path is relative to the file.
pub fn read(path: &Path) -> Result<Vec<Case>> {
    let shown = path.display();
    let Cases { case: mut cases } = toml_file::read(path)?;
    ensure!(!cases.is_empty(), "{shown}: no [[case]]");
    for case in &mut cases {
        if let (Some(model), Some(folder)) = (&mut case.model, path.parent()) {
            // Another process reads it too.
            *model = std::path::absolute(folder.join(&*model)).with_context(|| shown.to_string())?;
        }
        case.check().with_context(|| format!("{shown}: case {}", case.name()))?;
    }
    let mut names: Vec<String> = cases.iter().map(Case::name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        anyhow::bail!("{shown}: case {}: there are two of this name", twice[0]);
    }
    Ok(cases)
}

/// Those whose name matches.
pub fn filter(cases: Vec<Case>, pattern: Option<&Regex>) -> Result<Vec<Case>> {
    let Some(pattern) = pattern else { return Ok(cases) };
    let all: Vec<String> = cases.iter().map(Case::name).collect();
    let left: Vec<Case> = cases.into_iter().filter(|case| pattern.is_match(&case.name())).collect();
    ensure!(!left.is_empty(), "--filter {pattern}: no case's name matches; there are {}", all.join(", "));
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_cases_can_be_timed_and_have_names_of_their_own() {
        let mut names = HashSet::new();
        for case in cases() {
            case.check().unwrap_or_else(|error| panic!("{}: {error}", case.name()));
            assert!(names.insert(case.name()), "{} is there twice", case.name());
        }
    }
}
