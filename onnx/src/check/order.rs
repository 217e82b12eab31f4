//! No value may depend on itself.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::GraphProto;

use crate::error::{Error, Result};

/// Refuses a graph with a cycle; `needs` are the names that each node needs. The nodes may come in any order.
pub(super) fn acyclic(graph: &GraphProto, needs: &[HashSet<String>]) -> Result<()> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        makers.extend(node.output.iter().map(|output| (output.as_str(), index)));
    }
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    let mut waiting = vec![0usize; graph.node.len()];
    for ((index, need), waiting) in needs.iter().enumerate().zip(&mut waiting) {
        for maker in need.iter().filter_map(|name| makers.get(name.as_str())) {
            if let Some(users) = users.get_mut(*maker) {
                users.push(index);
                *waiting += 1;
            }
        }
    }
    let mut ready: Vec<usize> =
        waiting.iter().enumerate().filter(|(_, waiting)| **waiting == 0).map(|(index, _)| index).collect();
    while let Some(index) = ready.pop() {
        for user in users.get(index).into_iter().flatten() {
            if let Some(waiting) = waiting.get_mut(*user) {
                *waiting -= 1;
                if *waiting == 0 {
                    ready.push(*user);
                }
            }
        }
    }
    match graph.node.iter().zip(&waiting).find(|(_, waiting)| **waiting > 0) {
        None => Ok(()),
        Some((node, _)) => Err(Error::graph(format!("the value of node {:?} depends on itself", node.name))),
    }
}
