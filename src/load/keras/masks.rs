//! Which layers a mask reaches, and the nodes of a `Functional` model that compute it.

use serde_json::Value;

use super::chain::{Graph, argument_of, constant_of, tensor_of};
use super::settings::Layer;
use crate::error::Result;

/// Says of each layer whether a mask reaches it: from an embedding with `mask_zero` or a masking layer on, up to the layer
/// that gives only its last step.
pub(super) fn mark(layers: &mut [Layer<'_>]) {
    let mut masked = false;
    for layer in layers {
        layer.masked = masked;
        masked = makes_mask(layer) || (masked && keeps_steps(layer));
    }
}

/// Whether a node computes a mask: Keras 3 writes it out beside the layers.
pub(super) fn is_mask(layer: &Layer<'_>) -> bool {
    matches!(layer.class, "NotEqual" | "Any")
}

/// Refuses a mask that is not the one which `maker` makes.
pub(super) fn check(graph: &Graph<'_>, layer: &Layer<'_>, mask: &Value, maker: Option<&Layer<'_>>) -> Result<()> {
    match (maker, tensor_of(mask)) {
        (Some(maker), Some(mask)) if computes(graph, mask, maker)? => Ok(()),
        _ => layer.refuse("is called with a mask of its own: expected one that an Embedding or a Masking layer makes"),
    }
}

/// Whether a mask begins at this layer.
pub(super) fn makes_mask(layer: &Layer<'_>) -> bool {
    layer.class == "Masking" || (layer.class == "Embedding" && layer.flag("mask_zero").unwrap_or(false))
}

fn keeps_steps(layer: &Layer<'_>) -> bool {
    let inner = layer.get("layer").and_then(|inner| Layer::of(inner).ok());
    match layer.class {
        "LSTM" | "GRU" | "SimpleRNN" => layer.flag("return_sequences").unwrap_or(false),
        "Bidirectional" => inner.is_some_and(|inner| inner.flag("return_sequences").unwrap_or(false)),
        _ => true,
    }
}

/// Whether the node `mask` computes what `maker` makes: `x ≠ 0` of ids, `any(x ≠ value)` over features.
fn computes(graph: &Graph<'_>, mask: &str, maker: &Layer<'_>) -> Result<bool> {
    let mut node = graph.layer(mask)?;
    let value = match maker.class {
        "Masking" => {
            let over_features = node.get("axis").and_then(Value::as_i64) == Some(-1) && !node.flag("keepdims")?;
            match argument_of(node) {
                Some(name) if node.class == "Any" && over_features => node = graph.layer(name)?,
                _ => return Ok(false),
            }
            maker.number("mask_value")?.unwrap_or(0.0)
        }
        _ => 0.0,
    };
    let compares = node.class == "NotEqual" && constant_of(node).map(|constant| constant as f32) == Some(value);
    Ok(compares && argument_of(node) == Some(graph.source(maker)?))
}
