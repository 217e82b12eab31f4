//! Damaged and malicious files: an error, within a second and in little memory, and no panic.

mod support;

use std::alloc::System;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use gatewise_onnx::{Array, Error, Graph, Options, Values};
use prost::Message;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::build::*;
use support::{Fixture, fixture};
use tract_onnx::pb::*;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that reading and running a damaged file may allocate in all, an upper bound of what it holds at any time.
const MEMORY: usize = 200 << 20;

/// Tests count bytes, so they take turns.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

struct Watch<'a> {
    region: Region<'a, System>,
    start: Duration,
}

/// The time that this thread has had a processor, or, where Linux does not say, any time: tests share the machine.
fn busy() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

impl Watch<'_> {
    fn start() -> Self {
        Watch { region: Region::new(ALLOCATOR), start: busy() }
    }

    fn check(&self, what: &str) {
        let bytes = self.region.change().bytes_allocated;
        assert!(bytes < MEMORY, "{what}: {bytes} bytes allocated");
        let time = busy().saturating_sub(self.start);
        assert!(time < Duration::from_secs(3), "{what}: {time:?}");
    }
}

/// Reads the bytes and runs what is read with the fixture's inputs; counts what came of it.
fn try_file(bytes: &[u8], inputs: &[(String, Array)], what: &str, counts: &mut [usize; 3]) {
    let watch = Watch::start();
    let result =
        Graph::from_bytes(bytes, Options::default().largest(16 << 20)).and_then(|graph| graph.run(inputs.to_vec()));
    watch.check(what);
    match result {
        Ok(_) => counts[0] += 1,
        Err(error @ Error::Panic { .. }) => {
            println!("{what}: {error}");
            counts[2] += 1;
        }
        Err(_) => counts[1] += 1,
    }
}

fn inputs(fixture: &Fixture) -> Vec<(String, Array)> {
    let graph = Graph::read(fixture.path(), Options::default()).unwrap();
    graph.inputs().iter().map(|port| (port.name.clone(), fixture.array(&port.name))).collect()
}

const DAMAGED: [&str; 6] = [
    "export_stream_lstm_torchscript",
    "export_forecast_rnn_torchscript",
    "export_classifier_torchscript",
    "export_forecast_gru_dynamo",
    "onnx_28_lstm_peep_direction-bidirectional_init_lens",
    "onnx_36_gru_activations-HardSigmoid-ScaledTanh_activation_alpha-0.2-1.1_activation_beta-0.5-0.6",
];

#[test]
fn truncated_files_are_errors() {
    let _turn = TURN.lock();
    for name in DAMAGED {
        let fixture = fixture(name);
        let (bytes, inputs) = (fixture.bytes(), inputs(&fixture));
        let mut counts = [0; 3];
        for length in (0..bytes.len()).step_by(if bytes.len() < 4000 { 1 } else { 37 }) {
            try_file(&bytes[..length], &inputs, &format!("{name} cut to {length} bytes"), &mut counts);
        }
        // What comes last in a file, such as its operator set, may be missing without harm to others.
        assert!(counts[1] * 20 > bytes.len() / 40 && counts[0] * 4 < counts[1], "{name}: {counts:?}");
    }
}

fn flip(name: &str, files: usize) -> [usize; 3] {
    let fixture = fixture(name);
    let (good, inputs) = (fixture.bytes(), inputs(&fixture));
    let mut state = good.len() as u64 | 1;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut counts = [0; 3];
    for file in 0..files {
        let mut bytes = good.clone();
        for _ in 0..1 + file % 4 {
            let at = next(bytes.len());
            bytes[at] ^= 1 << next(8);
        }
        try_file(&bytes, &inputs, &format!("{name}, file {file}"), &mut counts);
    }
    counts
}

#[test]
fn flipped_bits_never_panic() {
    let _turn = TURN.lock();
    for name in DAMAGED {
        let counts = flip(name, 400);
        println!(
            "{name}: {} ran, {} errors, {} panics of the engine kept from the caller",
            counts[0], counts[1], counts[2]
        );
        assert!(counts[1] > 0, "{name}: {counts:?}");
    }
}

/// Reads a small file that asks for much; the message.
fn refused(what: &str, model: &ModelProto) -> String {
    let bytes = model.encode_to_vec();
    let watch = Watch::start();
    let result = Graph::from_bytes(&bytes, Options::default());
    watch.check(what);
    match result {
        Err(Error::Panic { message, .. }) => panic!("{what}: {message}"),
        Err(error) => error.to_string(),
        Ok(_) => panic!("{what}: it was read"),
    }
}

#[test]
fn sizes_beyond_any_machine_are_refused() {
    let _turn = TURN.lock();
    for exponent in [26, 31, 40, 61] {
        let large = int64s("large", &[1], &[1 << exponent]);
        let scalar = |name: &str, value: i64| int64s(name, &[], &[value]);
        let one = || floats("one", &[1], &[1.0]);
        let range = vec![scalar("first", 0), scalar("last", 1 << exponent), scalar("step", 1)];
        let pads = vec![one(), int64s("pads", &[2], &[0, 1 << exponent])];
        for (operator, inputs, constants) in [
            ("ConstantOfShape", &["large"][..], vec![large.clone()]),
            ("Expand", &["one", "large"], vec![one(), large.clone()]),
            ("Tile", &["one", "large"], vec![one(), large.clone()]),
            ("Range", &["first", "last", "step"], range),
            ("Pad", &["one", "pads"], pads),
        ] {
            let what = format!("{operator} of 2^{exponent}");
            let message = refused(&what, &model(vec![node(operator, inputs, &["y"], vec![])], &[], &["y"], constants));
            let expected = match exponent {
                26 => "would take more than 33554432 bytes",
                _ => "sizes of 2^31 and more are not supported",
            };
            assert!(message.contains(expected), "{what}: {message}");
        }
    }
}

#[test]
fn sizes_that_grow_step_by_step_are_refused() {
    let _turn = TURN.lock();
    // 2 × 2 × … by products of constants, then used as a size.
    let mut nodes = vec![node("Mul", &["two", "two"], &["n0"], vec![])];
    for index in 0..4 {
        let (from, to) = (format!("n{index}"), format!("n{}", index + 1));
        nodes.push(node("Mul", &[&from, &from], &[&to], vec![]));
    }
    nodes.push(node("ConstantOfShape", &["n4"], &["y"], vec![]));
    let message = refused("squares", &model(nodes, &[], &["y"], vec![int64s("two", &[1], &[2])]));
    assert!(message.contains("node \"y\""), "{message}");
    // An array that doubles, again and again.
    let mut nodes = Vec::new();
    for index in 0..40 {
        let (from, to) = (format!("n{index}"), format!("n{}", index + 1));
        nodes.push(node("Concat", &[&from, &from], &[&to], vec![int("axis", 0)]));
    }
    let message = refused("doubles", &model(nodes, &[], &["n40"], vec![floats("n0", &[1024], &[0.5; 1024])]));
    assert!(message.contains("would take more than"), "{message}");
    // Each small enough, but very many.
    let shape = int64s("shape", &[1], &[2 << 20]);
    let each = |index: usize| node("ConstantOfShape", &["shape"], &[&format!("n{index}")], vec![]);
    let names: Vec<String> = (0..400).map(|index| format!("n{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = refused("many", &model((0..400).map(each).collect(), &[], &names, vec![shape]));
    assert!(message.contains("all constants so far together"), "{message}");
}

#[test]
fn sizes_that_follow_from_inputs_are_bounded_when_the_graph_runs() {
    let _turn = TURN.lock();
    let nodes = vec![
        node("Shape", &["x"], &["shape"], vec![]),
        node("Mul", &["shape", "large"], &["larger"], vec![]),
        node("ConstantOfShape", &["larger"], &["y"], vec![]),
    ];
    let made = model(nodes, &[("x", &[-1])], &["y"], vec![int64s("large", &[1], &[1 << 20])]);
    let graph = Graph::from_bytes(&made.encode_to_vec(), Options::default().largest(16 << 20)).unwrap();
    let ones = |count: usize| vec![("x".to_owned(), Array::new(&[count], vec![1.0f32; count]).unwrap())];
    assert_eq!(graph.run(ones(4)).unwrap()[0].1.values.len(), 4 << 20);
    let watch = Watch::start();
    let message = graph.run(ones(5)).unwrap_err().to_string();
    watch.check("5 · 2^20 values");
    assert_eq!(message, "node \"y\": an array of shape [5242880] would take more than 16777216 bytes");
}

#[test]
fn deep_and_wide_messages_are_refused() {
    let _turn = TURN.lock();
    let leaf = || GraphProto { output: vec![ValueInfoProto::default()], ..Default::default() };
    for depth in [9, 40, 200] {
        let mut inner = leaf();
        for _ in 0..depth {
            let branch = node("If", &["x"], &["y"], vec![body("then_branch", inner)]);
            inner = GraphProto { node: vec![branch], ..leaf() };
        }
        let deep = ModelProto { graph: Some(inner), ..Default::default() };
        let message = refused(&format!("{depth} graphs inside each other"), &deep);
        assert!(message.contains("graphs inside each other") || message.contains("recursion limit"), "{message}");
        // What the test itself built is as deep: let it go level by level.
        let mut next = deep.graph;
        while let Some(mut graph) = next {
            next = graph.node.pop().and_then(|mut node| node.attribute.pop()).and_then(|attribute| attribute.g);
        }
    }
    let graph = GraphProto { node: vec![NodeProto::default(); 500_000], ..Default::default() };
    let message = refused("half a million empty nodes", &ModelProto { graph: Some(graph), ..Default::default() });
    assert!(message.contains("when decoded"), "{message}");
}

#[test]
fn texts_for_sizes_are_only_names() {
    let _turn = TURN.lock();
    let mut made = model(vec![node("Relu", &["x"], &["y"], vec![])], &[("x", &[1])], &["y"], vec![]);
    let deep = "(".repeat(100_000);
    for info in graph(&mut made).input.iter_mut() {
        let Some(type_proto::Value::TensorType(tensor)) = &mut info.r#type.as_mut().unwrap().value else {
            panic!("a tensor type")
        };
        tensor.shape.as_mut().unwrap().dim[0].value =
            Some(tensor_shape_proto::dimension::Value::DimParam(deep.clone()));
    }
    let info = graph(&mut made).input[0].clone();
    graph(&mut made).value_info.push(ValueInfoProto { name: "y".to_owned(), ..info.clone() });
    graph(&mut made).output[0].r#type = info.r#type;
    let graph = read(&made).unwrap();
    let outputs = graph.run(vec![("x".to_owned(), Array::new(&[2], vec![-1.0f32, 1.0]).unwrap())]).unwrap();
    assert_eq!(outputs[0].1.values, Values::F32(vec![0.0, 1.0]));
}
