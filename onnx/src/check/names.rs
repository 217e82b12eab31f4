//! Every name is defined once, and every node of all graphs has a name of its own.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto};

use crate::error::{Error, Result};

/// The names that a graph defines.
pub(super) struct Defined {
    /// Inputs and initializers.
    pub given: HashSet<String>,
    /// Those and what its nodes compute.
    pub all: HashSet<String>,
}

/// Collects the names; refuses one that is defined twice.
pub(super) fn defined(graph: &GraphProto) -> Result<Defined> {
    let twice = |what: &str, name: &str| Error::graph(format!("the {what} {name:?} is defined twice"));
    let (mut inputs, mut given) = (HashSet::new(), HashSet::new());
    for input in &graph.input {
        if !inputs.insert(input.name.clone()) {
            return Err(twice("input", &input.name));
        }
    }
    // An initializer may have the name of an input: it is that input's default.
    for constant in &graph.initializer {
        if !given.insert(constant.name.clone()) {
            return Err(twice("initializer", &constant.name));
        }
    }
    given.extend(inputs);
    let mut all = given.clone();
    for output in graph.node.iter().flat_map(|node| &node.output).filter(|output| !output.is_empty()) {
        if !all.insert(output.clone()) {
            return Err(twice("value", output));
        }
    }
    let mut outputs = HashSet::new();
    match graph.output.iter().find(|output| !outputs.insert(output.name.as_str())) {
        None => Ok(Defined { given, all }),
        Some(output) => Err(twice("output", &output.name)),
    }
}

/// The names that nodes of the engine have already.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// How often a name was tried.
    tries: HashMap<String, usize>,
}

impl Names {
    /// Takes the name of an input or initializer.
    pub fn take(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// Gives a node its own name, its first output's or, failing that, one of its place.
    pub fn name(&mut self, node: &mut NodeProto, index: usize) {
        if node.name.is_empty() {
            let output = node.output.iter().find(|output| !output.is_empty());
            node.name = output.cloned().unwrap_or_else(|| format!("{}_{index}", node.op_type));
        }
        let wanted = node.name.clone();
        while !self.taken.insert(node.name.clone()) {
            let tries = self.tries.entry(wanted.clone()).or_insert(1);
            *tries += 1;
            node.name = format!("{wanted}_{tries}");
        }
    }
}
