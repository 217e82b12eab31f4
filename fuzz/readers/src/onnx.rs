//! ONNX graphs.

use gatewise_onnx::{Array, Dimension, Element, Graph, Options, Port, Values};

/// Bytes of an array that a graph computes.
const LARGEST: usize = 16 << 20;
/// Values of an input beyond which a graph is not run.
const VALUES: usize = 1 << 14;

/// Reads a graph and runs it on ones, every free axis of size 2.
pub fn onnx(bytes: &[u8]) {
    let Ok(graph) = Graph::from_bytes(bytes, Options::default().largest(LARGEST)) else { return };
    let inputs: Option<Vec<(String, Array)>> =
        graph.inputs().iter().map(|port| Some((port.name.clone(), ones(port)?))).collect();
    if let Some(inputs) = inputs {
        let _ = graph.run(inputs);
    }
}

fn ones(port: &Port) -> Option<Array> {
    let size = |dimension: &Dimension| match dimension {
        Dimension::Known(size) => *size,
        _ => 2,
    };
    let shape: Vec<usize> = port.shape.iter().map(size).collect();
    let count = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
    if count > VALUES {
        return None;
    }
    let values: Values = match port.element {
        Element::F32 => vec![1f32; count].into(),
        Element::F64 => vec![1f64; count].into(),
        Element::I8 => vec![1i8; count].into(),
        Element::I16 => vec![1i16; count].into(),
        Element::I32 => vec![1i32; count].into(),
        Element::I64 => vec![1i64; count].into(),
        Element::U8 => vec![1u8; count].into(),
        Element::U16 => vec![1u16; count].into(),
        Element::U32 => vec![1u32; count].into(),
        Element::U64 => vec![1u64; count].into(),
        Element::Bool => vec![true; count].into(),
        _ => return None,
    };
    Array::new(&shape, values).ok()
}
