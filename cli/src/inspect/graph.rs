//! A graph of operators: what it takes, its nodes, what it gives.

use gatewise_onnx::{Graph, Port};

use crate::text;

pub fn page(title: &str, graph: &Graph) -> String {
    let ports = |ports: &[Port]| ports.iter().map(|port| text::printable(&port.to_string())).collect::<Vec<_>>();
    let mut rows: Vec<Vec<String>> =
        ports(graph.inputs()).into_iter().map(|port| vec!["takes".to_owned(), port]).collect();
    for node in graph.nodes().iter().filter(|node| node.operator != "Constant") {
        let what = node.description.clone().unwrap_or_else(|| node.operator.clone());
        rows.push(vec![format!("├─ {}", text::printable(&node.name)), what]);
    }
    let mut outputs = ports(graph.outputs());
    let last = outputs.pop();
    rows.extend(outputs.into_iter().map(|port| vec!["├─ gives".to_owned(), port]));
    rows.extend(last.map(|port| vec!["└─ gives".to_owned(), port]));
    let constants = graph.nodes().iter().filter(|node| node.operator == "Constant").count();
    let more = match constants {
        0 => String::new(),
        1 => "\n  and one constant\n".to_owned(),
        more => format!("\n  and {more} constants\n"),
    };
    format!("{title}\n\n{}{more}", text::table(&[], &[], rows))
}
