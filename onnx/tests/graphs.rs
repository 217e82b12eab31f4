//! Graphs of free sizes, weights that are inputs, layouts, lengths of zero, and what `run` takes.

mod support;

use gatewise_onnx::{Array, Dimension, Element, Error, Graph, Options, Values};
use support::build::*;
use support::{assert_close, fixture};
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_proto::DataType;

/// Operators with lengths and first states; the first two in both directions.
const ONE_OF_EACH: [&str; 3] = [
    "onnx_28_lstm_peep_direction-bidirectional_init_lens",
    "onnx_14_gru_direction-bidirectional_lens_init",
    "onnx_21_rnn_direction-reverse_lens_init",
];

type Arrays = Vec<(String, Array)>;

fn named(name: &str, array: Array) -> (String, Array) {
    (name.to_owned(), array)
}

fn floats_of(array: &Array) -> &[f32] {
    array.values.as_f32().unwrap()
}

/// Numbers between −1 and 1 that look random.
fn numbers(shape: &[usize], seed: u32) -> Array {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(next).collect();
    Array::new(shape, values).unwrap()
}

/// Swaps the first two axes.
fn swapped(array: &Array) -> Array {
    let [outer, inner] = [array.shape[0], array.shape[1]];
    let size: usize = array.shape[2..].iter().product();
    let values = floats_of(array);
    let mut swapped = Vec::with_capacity(values.len());
    for i in 0..inner {
        for o in 0..outer {
            swapped.extend_from_slice(&values[(o * inner + i) * size..][..size]);
        }
    }
    let mut shape = array.shape.clone();
    shape.swap(0, 1);
    Array::new(&shape, swapped).unwrap()
}

fn run(graph: &Graph, inputs: Arrays) -> Arrays {
    graph.run(inputs).unwrap()
}

#[test]
fn a_batch_gives_what_its_rows_give_alone() {
    for name in ["export_classifier_torchscript", "export_forecast_gru_torchscript"] {
        let graph = Graph::read(fixture(name).path(), Options::default()).unwrap();
        assert!(
            matches!(&graph.inputs()[0].shape[..2], [Dimension::Named(b), Dimension::Named(t)] if b == "B" && t == "T")
        );
        for (batch, steps) in [(1, 1), (5, 9), (3, 40)] {
            let words = graph.inputs()[0].element == Element::I64;
            let all = match words {
                true => {
                    Array::new(&[batch, steps], (0..batch * steps).map(|at| (at * at % 41) as i64).collect::<Vec<_>>())
                        .unwrap()
                }
                false => numbers(&[batch, steps, 7], 3),
            };
            let whole = run(&graph, vec![named("x", all.clone())]).remove(0).1;
            let width = whole.shape[1];
            for row in 0..batch {
                let size = all.values.len() / batch;
                let values = match &all.values {
                    Values::I64(values) => Values::I64(values[row * size..][..size].to_vec()),
                    _ => Values::F32(floats_of(&all)[row * size..][..size].to_vec()),
                };
                let shape: Vec<usize> = std::iter::once(1).chain(all.shape[1..].iter().copied()).collect();
                let alone = run(&graph, vec![named("x", Array::new(&shape, values).unwrap())]).remove(0).1;
                let part = Array::new(&[1, width], floats_of(&whole)[row * width..][..width].to_vec()).unwrap();
                assert_close(&alone, &part, 1e-6, &format!("{name}, B = {batch}, T = {steps}, row {row}"));
            }
        }
    }
}

#[test]
fn a_stream_in_chunks_gives_what_it_gives_at_once() {
    let graph = Graph::read(fixture("export_stream_lstm_torchscript").path(), Options::default()).unwrap();
    let zeros = Array::new(&[1, 2, 11], vec![0.0f32; 22]).unwrap();
    let feed = |x: Array, h: Array, c: Array| run(&graph, vec![named("x", x), named("h0", h), named("c0", c)]);
    let x = numbers(&[9, 2, 7], 8);
    let whole = feed(x.clone(), zeros.clone(), zeros.clone());
    let (mut h, mut c, mut y) = (zeros.clone(), zeros, Vec::new());
    for (first, count) in [(0, 1), (1, 0), (1, 5), (6, 3)] {
        let chunk = Array::new(&[count, 2, 7], floats_of(&x)[first * 14..][..count * 14].to_vec()).unwrap();
        let [part, h_n, c_n] = <[_; 3]>::try_from(feed(chunk, h, c)).unwrap();
        y.extend_from_slice(floats_of(&part.1));
        (h, c) = (h_n.1, c_n.1);
    }
    assert_close(&Array::new(&whole[0].1.shape, y).unwrap(), &whole[0].1, 1e-6, "y");
    assert_close(&h, &whole[1].1, 1e-6, "h_n");
    assert_close(&c, &whole[2].1, 1e-6, "c_n");
}

/// The fixture with every weight as an input of the graph, and those inputs' values.
fn with_weights_as_inputs(model: &mut ModelProto) -> Arrays {
    let graph = graph(model);
    let constants = std::mem::take(&mut graph.initializer);
    let mut arrays = Vec::new();
    for constant in constants {
        graph.input.retain(|input| input.name != constant.name);
        graph.input.push(info(&constant.name, DataType::Float, &constant.dims));
        let values: Vec<f32> =
            constant.raw_data.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let shape: Vec<usize> = constant.dims.iter().map(|size| *size as usize).collect();
        arrays.push(named(&constant.name, Array::new(&shape, values).unwrap()));
    }
    arrays
}

#[test]
fn weights_may_be_inputs_of_the_graph() {
    for name in ONE_OF_EACH {
        let fixture = fixture(name);
        let mut model = decode(&fixture);
        let given: Vec<String> = graph(&mut model).input.iter().map(|input| input.name.clone()).collect();
        let mut inputs = with_weights_as_inputs(&mut model);
        inputs.extend(given.iter().map(|name| named(name, fixture.array(name))));
        let free = {
            let mut model = model.clone();
            // Not even the number of units is known but from R.
            graph(&mut model).node[0].attribute.retain(|attribute| attribute.name != "hidden_size");
            model
        };
        for model in [model, free] {
            let graph = read(&model).unwrap();
            for (output, array) in run(&graph, inputs.clone()) {
                assert_close(&array, &fixture.array(&output), fixture.tolerance(), &format!("{name}, {output}"));
            }
        }
    }
}

#[test]
fn weights_may_be_computed_from_constants() {
    let fixture = fixture("onnx_09_gru_direction-forward");
    let mut model = decode(&fixture);
    let graph = graph(&mut model);
    for (index, weight) in ["W", "R", "B"].into_iter().enumerate() {
        let constant = graph.initializer.iter_mut().find(|tensor| tensor.name == weight).unwrap();
        constant.name = format!("{weight}_stored");
        let negative = node("Neg", &[&constant.name], &[&format!("{weight}_negative")], vec![]);
        let positive = node("Neg", &[&format!("{weight}_negative")], &[weight], vec![]);
        graph.node.insert(2 * index, positive);
        graph.node.insert(2 * index, negative);
    }
    let x = fixture.array("X");
    for (output, array) in run(&read(&model).unwrap(), vec![named("X", x)]) {
        assert_close(&array, &fixture.array(&output), fixture.tolerance(), &output);
    }
}

#[test]
fn batch_first_is_time_major_with_axes_swapped() {
    for name in ONE_OF_EACH {
        let fixture = fixture(name);
        let mut model = decode(&fixture);
        graph(&mut model).node[0].attribute.push(int("layout", 1));
        let mut inputs = Vec::new();
        for input in &mut graph(&mut model).input {
            let array = fixture.array(&input.name);
            let array = if input.name == "lengths" { array } else { swapped(&array) };
            let (kind, sizes) = match &array.values {
                Values::I32(_) => (DataType::Int32, array.shape.clone()),
                _ => (DataType::Float, array.shape.clone()),
            };
            *input = info(&input.name, kind, &sizes.iter().map(|size| *size as i64).collect::<Vec<_>>());
            inputs.push(named(&input.name, array));
        }
        let graph = read(&model).unwrap();
        assert!(graph.nodes()[0].description.as_ref().unwrap().ends_with(", batch first"));
        for (output, array) in run(&graph, inputs) {
            let expected = fixture.array(&output);
            let expected = match &expected.shape[..] {
                // T × D × B × H as B × T × D × H.
                [t, d, b, h] => {
                    let flat = Array::new(&[t * d, *b, *h], floats_of(&expected).to_vec()).unwrap();
                    Array::new(&[*b, *t, *d, *h], floats_of(&swapped(&flat)).to_vec()).unwrap()
                }
                _ => swapped(&expected),
            };
            assert_close(&array, &expected, fixture.tolerance(), &format!("{name}, {output}"));
        }
    }
}

#[test]
fn a_sequence_of_no_steps_keeps_its_state() {
    let fixture = fixture("onnx_28_lstm_peep_direction-bidirectional_init_lens");
    let graph = Graph::read(fixture.path(), Options::default()).unwrap();
    let Values::I32(mut lengths) = fixture.array("lengths").values else { panic!("lengths are int32") };
    lengths[1] = 0;
    let inputs = ["X", "h0", "c0"].map(|name| named(name, fixture.array(name)));
    let lengths = named("lengths", Array::new(&[3], lengths).unwrap());
    let outputs = run(&graph, inputs.into_iter().chain([lengths]).collect());
    let [t, d, b, h] = <[usize; 4]>::try_from(fixture.array("Y").shape).unwrap();
    for (output, array) in &outputs {
        let mut expected = fixture.array(output);
        let start = match output.as_str() {
            "Y" => None,
            "Y_h" => Some(fixture.array("h0")),
            _ => Some(fixture.array("c0")),
        };
        let Values::F32(values) = &mut expected.values else { panic!("outputs are float32") };
        for outer in 0..if start.is_some() { d } else { t * d } {
            let row = (outer * b + 1) * h;
            match &start {
                Some(start) => values[row..][..h].copy_from_slice(&floats_of(start)[row..][..h]),
                None => values[row..][..h].fill(0.0),
            }
        }
        assert_close(array, &expected, fixture.tolerance(), output);
    }
}

#[test]
fn any_output_may_be_left_out() {
    let fixture = fixture("onnx_28_lstm_peep_direction-bidirectional_init_lens");
    for left_out in [vec!["Y"], vec!["Y_h"], vec!["Y", "Y_c"], vec!["Y_h", "Y_c"]] {
        let mut model = decode(&fixture);
        let graph = graph(&mut model);
        graph.output.retain(|output| !left_out.contains(&output.name.as_str()));
        for output in &mut graph.node[0].output {
            if left_out.contains(&output.as_str()) {
                output.clear();
            }
        }
        let inputs = ["X", "lengths", "h0", "c0"].map(|name| named(name, fixture.array(name)));
        let outputs = run(&read(&model).unwrap(), inputs.to_vec());
        assert_eq!(outputs.len(), 3 - left_out.len());
        for (output, array) in outputs {
            assert_close(&array, &fixture.array(&output), fixture.tolerance(), &output);
        }
    }
}

#[test]
fn ports_and_nodes_are_the_files() {
    let graph = Graph::read(fixture("export_classifier_torchscript").path(), Options::default()).unwrap();
    assert_eq!(graph.inputs().iter().map(ToString::to_string).collect::<Vec<_>>(), ["x: int64 [B, T]"]);
    assert_eq!(graph.outputs()[0].name, "y");
    assert_eq!(graph.outputs()[0].element, Element::F32);
    let recurrent: Vec<&str> = graph.nodes().iter().filter_map(|node| node.description.as_deref()).collect();
    assert_eq!(recurrent, ["LSTM I=7 H=11, both directions", "LSTM I=22 H=11, both directions"]);
    assert_eq!(graph.nodes().last().unwrap().operator, "Softmax");
}

#[test]
fn what_run_takes_is_checked_by_name() {
    let fixture = fixture("onnx_01_lstm_direction-forward_lens_init");
    let graph = Graph::read(fixture.path(), Options::default()).unwrap();
    let good: Arrays = graph.inputs().iter().map(|port| named(&port.name, fixture.array(&port.name))).collect();
    let with = |name: &str, array: Array| -> Arrays {
        good.iter().map(|(other, old)| named(other, if other == name { array.clone() } else { old.clone() })).collect()
    };
    let said = |inputs: Arrays| graph.run(inputs).unwrap_err().to_string();
    let x = fixture.array("X");
    let batch = x.shape[1];
    assert!(said(good[1..].to_vec()).starts_with("input \"X\": missing; the graph takes X: float32 ["));
    assert!(
        said([&good[..], &[named("Z", x.clone())]].concat())
            .starts_with("input \"Z\": the graph has none of that name")
    );
    assert_eq!(said([&good[..], &good[..1]].concat()), "input \"X\": given twice");
    let flat = Array::new(&[x.values.len()], x.values.clone()).unwrap();
    assert!(said(with("X", flat)).contains("its shape is ["), "shape");
    let ids = Array::new(&x.shape, vec![1i64; x.values.len()]).unwrap();
    assert_eq!(said(with("X", ids)), "input \"X\": the elements are int64, expected float32");
    let broken = Array { shape: x.shape.clone(), values: Values::F32(vec![0.0]) };
    assert!(matches!(graph.run(with("X", broken)), Err(Error::Values { .. })));
    let long = Array::new(&[batch], vec![1000i32; batch]).unwrap();
    let message = said(with("lengths", long));
    assert!(message.contains("sequence_lens: sequence 0 has length 1000, but X has"), "{message}");
    let huge = Array::new(&[batch], vec![1i64 << 40; batch]).unwrap();
    assert_eq!(said(with("lengths", huge)), "input \"lengths\": the value 1099511627776 at index 0 is no i32");
    // Other widths are fine where they fit: lengths as int64, values as float64.
    let Values::I32(lengths) = fixture.array("lengths").values else { panic!("lengths are int32") };
    let wide = Array::new(&[batch], lengths.iter().map(|length| i64::from(*length)).collect::<Vec<_>>()).unwrap();
    let double = Array::new(&x.shape, floats_of(&x).iter().map(|value| f64::from(*value)).collect::<Vec<_>>()).unwrap();
    for inputs in [with("lengths", wide), with("X", double)] {
        for (output, array) in run(&graph, inputs) {
            assert_close(&array, &fixture.array(&output), fixture.tolerance(), &output);
        }
    }
}

#[test]
fn sizes_of_one_name_must_agree() {
    let mut made = model(vec![node("Add", &["a", "b"], &["y"], vec![])], &[("a", &[1]), ("b", &[1])], &["y"], vec![]);
    let name = |name: &str| tract_onnx::pb::tensor_shape_proto::dimension::Value::DimParam(name.to_owned());
    for input in &mut graph(&mut made).input {
        let Some(tract_onnx::pb::type_proto::Value::TensorType(tensor)) = &mut input.r#type.as_mut().unwrap().value
        else {
            panic!("a tensor type")
        };
        tensor.shape.as_mut().unwrap().dim[0].value = Some(name("((any text, even this"));
    }
    let graph = read(&made).unwrap();
    let ones = |count: usize| Array::new(&[count], vec![1.0f32; count]).unwrap();
    assert_eq!(floats_of(&run(&graph, vec![named("b", ones(3)), named("a", ones(3))])[0].1), [2.0; 3]);
    let error = graph.run(vec![named("a", ones(3)), named("b", ones(4))]).unwrap_err().to_string();
    assert!(error.ends_with("where ((any text, even this is 3 in input \"a\""), "{error}");
}
