//! The time of an LSTM graph with tract's own operator beside gatewise's, in turn, in one process.
//!
//! `cargo run --release -p gatewise-onnx --example beside_tract`

use std::error::Error;
use std::time::{Duration, Instant};

use gatewise_onnx::{Array, Graph, Options};
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::*;
use tract_onnx::prelude::*;

/// T, B, I, H.
const SHAPES: [[usize; 4]; 4] = [[100, 1, 16, 32], [100, 1, 128, 128], [100, 1, 512, 512], [100, 32, 256, 256]];
const TURNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    println!("   T    B    I    H    tract [µs]  gatewise [µs]  ratio");
    for shape @ [steps, batch, input, hidden] in SHAPES {
        let file = lstm(shape);
        let theirs = onnx().model_for_proto_model(&file)?.into_optimized()?.into_runnable()?;
        let ours = Graph::from_bytes(&file.encode_to_vec(), Options::default())?;
        let x = numbers(steps * batch * input, 1.0);
        let by_tract = || theirs.run(tvec![Tensor::from_shape(&[steps, batch, input], &x)?.into()]);
        let by_gatewise = || ours.run(vec![("X".to_owned(), Array::new(&[steps, batch, input], x.clone())?)]);
        let expected = by_tract()?[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
        let found = by_gatewise()?.remove(0).1;
        let found = found.values.as_f32().ok_or("float32")?;
        let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(found.len() == expected.len() && difference < 1e-5, "the two differ by {difference}");
        let (mut tract, mut gatewise) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            tract.push(time(|| by_tract().map(drop))?);
            gatewise.push(time(|| by_gatewise().map(drop))?);
        }
        let [tract, gatewise] = [median(tract), median(gatewise)];
        println!("{steps:4} {batch:4} {input:4} {hidden:4} {tract:13.0} {gatewise:14.0} {:6.1}", tract / gatewise);
    }
    Ok(())
}

fn time<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Numbers that look random, between −`scale` and `scale`.
fn numbers(count: usize, scale: f32) -> Vec<f32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
    };
    (0..count).map(next).collect()
}

/// A file of one LSTM, forward.
fn lstm([steps, batch, input, hidden]: [usize; 4]) -> ModelProto {
    let sizes = |shape: &[usize]| shape.iter().map(|size| *size as i64).collect::<Vec<i64>>();
    let constant = |name: &str, shape: &[usize]| TensorProto {
        name: name.to_owned(),
        dims: sizes(shape),
        data_type: DataType::Float as i32,
        float_data: numbers(shape.iter().product(), 1.0 / (hidden as f32).sqrt()),
        ..Default::default()
    };
    let dim = |size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() };
    let shape = TensorShapeProto { dim: sizes(&[steps, batch, input]).into_iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let x = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    let attribute = AttributeProto {
        name: "hidden_size".to_owned(),
        r#type: AttributeType::Int as i32,
        i: hidden as i64,
        ..Default::default()
    };
    let node = NodeProto {
        op_type: "LSTM".to_owned(),
        name: "lstm".to_owned(),
        input: ["X", "W", "R", "B"].map(str::to_owned).to_vec(),
        output: vec!["Y".to_owned()],
        attribute: vec![attribute],
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![node],
        initializer: vec![
            constant("W", &[1, 4 * hidden, input]),
            constant("R", &[1, 4 * hidden, hidden]),
            constant("B", &[1, 8 * hidden]),
        ],
        input: vec![ValueInfoProto { name: "X".to_owned(), r#type: Some(x), ..Default::default() }],
        output: vec![ValueInfoProto { name: "Y".to_owned(), ..Default::default() }],
        ..Default::default()
    };
    let opset = OperatorSetIdProto { version: 17, ..Default::default() };
    ModelProto { ir_version: 8, opset_import: vec![opset], graph: Some(graph), ..Default::default() }
}
