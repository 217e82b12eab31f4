//! A sequence of layers, drawn with what stands between them.

use anyhow::{Context, Result};
use gatewise::network::blueprint::{Blueprint, Layer};
use gatewise::network::{Flow, Network, Rows};
use gatewise::{Layout, Level};

use crate::layers::operation;
use crate::text::{self, count};

pub fn page(title: &str, blueprint: &Blueprint, level: Level) -> Result<String> {
    let flows = blueprint.flow().with_context(|| title.to_owned())?;
    let input = blueprint.input().with_context(|| title.to_owned())?;
    let network = Network::with_level(blueprint, level).with_context(|| title.to_owned())?;
    let mut rows = vec![vec!["x".to_owned(), what_comes(input), shape(input, blueprint.layout), String::new()]];
    let last = blueprint.layers.len() - 1;
    for (index, (layer, flow)) in blueprint.layers.iter().zip(&flows).enumerate() {
        let branch = if index == last { "└─" } else { "├─" };
        rows.push(vec![
            format!("{branch} {}", name(layer, index)),
            operation(&layer.operation),
            shape(*flow, blueprint.layout),
            Some(layer.parameters()).filter(|count| *count > 0).map(count).unwrap_or_default(),
        ]);
    }
    let named =
        if blueprint.name.is_empty() { String::new() } else { format!(": {}", text::printable(&blueprint.name)) };
    let mut page = format!("{title}{named}\n\n");
    page += &text::table(&["layer", "what it computes", "gives", "parameters"], &[3], rows);
    let fact = |what: &str, text: String| vec![what.to_owned(), text];
    let mut facts = vec![
        fact("parameters", count(blueprint.parameters())),
        fact("operations", format!("{} FLOPs a step and sequence", count(network.flops_per_step()))),
        fact("packed", format!("{} bytes for {level}", count(network.packed_bytes()))),
        fact("runs", runs(&network).to_owned()),
    ];
    if let Some(rate) = blueprint.sample_rate {
        facts.push(fact("sound", format!("{rate} samples a second")));
    }
    Ok(page + "\n" + &text::table(&[], &[], facts))
}

fn runs(network: &Network) -> &'static str {
    match network.streams() {
        true => "step by step or whole sequences",
        false => "whole sequences: a layer reads backwards, gives its last step only or leaves steps out",
    }
}

fn name(layer: &Layer, index: usize) -> String {
    if layer.name.is_empty() { format!("layer {index}") } else { text::printable(&layer.name) }
}

fn what_comes(flow: Flow) -> String {
    match flow.rows {
        Rows::Ids(count) => format!("ids from 0 to {}", count - 1),
        Rows::Features(_) => "features".to_owned(),
    }
}

/// Such as `(B, T, 22)`.
fn shape(flow: Flow, layout: Layout) -> String {
    let axes = match (flow.each_step, layout) {
        (false, _) => "B",
        (true, Layout::TimeMajor) => "T, B",
        (true, Layout::BatchFirst) => "B, T",
    };
    match flow.rows {
        Rows::Ids(_) => format!("({axes})"),
        Rows::Features(width) => format!("({axes}, {width})"),
    }
}
