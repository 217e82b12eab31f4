//! Several modules of a PyTorch file as one model, outlines in words, and greedy decoding.

use gatewise::activation::Finish;
use gatewise::load::chain;
use gatewise::load::outline::Outline;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::blueprint::{Blueprint, Dense, Embedding, Layer, Operation, Output, Passes, Recurrent};
use gatewise::network::{Greedy, Network, NetworkSession};
use gatewise::{Activation, GruWeights, Merge, TorchTensors, Weights};
use safetensors::tensor::{Dtype, TensorView, serialize};

/// Different numbers for every tensor.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|place| ((place * 37 + seed * 101) % 64) as f32 / 64.0 - 0.5).collect()
}

/// The tensors of a speller: a table, a GRU, a head, and the same GRU in both directions.
fn tensors() -> Vec<(&'static str, Vec<usize>)> {
    vec![
        ("letters.weight", vec![7, 2]),
        ("rnn.weight_ih_l0", vec![9, 2]),
        ("rnn.weight_hh_l0", vec![9, 3]),
        ("rnn.bias_ih_l0", vec![9]),
        ("rnn.bias_hh_l0", vec![9]),
        ("both.weight_ih_l0", vec![9, 2]),
        ("both.weight_hh_l0", vec![9, 3]),
        ("both.weight_ih_l0_reverse", vec![9, 2]),
        ("both.weight_hh_l0_reverse", vec![9, 3]),
        ("head.weight", vec![7, 3]),
        ("head.bias", vec![7]),
        ("plain.weight", vec![7, 3]),
        ("cube.weight", vec![1, 2, 3]),
        ("odd.weight", vec![2, 3]),
        ("odd.bias", vec![3]),
    ]
}

fn data(index: usize, shape: &[usize]) -> Vec<f32> {
    numbers(shape.iter().product(), index)
}

fn file() -> SafetensorsFile {
    let data: Vec<(&str, Vec<usize>, Vec<u8>)> = tensors()
        .into_iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let bytes = data(index, &shape).iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("lengths and shapes agree"))
    });
    SafetensorsFile::from_bytes(serialize(views, None).expect("serialised")).expect("a file")
}

/// A tensor of [`tensors`] by its name.
fn tensor(name: &str) -> Vec<f32> {
    let all = tensors();
    let index = all.iter().position(|(known, _)| *known == name).expect("known");
    data(index, &all[index].1)
}

fn read(outline: &str) -> gatewise::Result<Blueprint> {
    chain::read(&file(), &outline.parse()?)
}

fn gru() -> GruWeights {
    let [weight_ih, weight_hh] = ["rnn.weight_ih_l0", "rnn.weight_hh_l0"].map(tensor);
    let biases = Some(["rnn.bias_ih_l0", "rnn.bias_hh_l0"].map(tensor));
    let tensors = TorchTensors { input_size: 2, hidden_size: 3, weight_ih, weight_hh, biases, projection: None };
    GruWeights::from_torch(&tensors).expect("weights")
}

#[test]
fn a_chain_has_the_tensors_that_its_outline_names() {
    let found = read("embedding:letters mask-zero, gru:rnn last, dense:head softmax").unwrap();
    let embedding = Embedding { rows: 7, width: 2, weight: tensor("letters.weight"), mask_zero: true };
    let recurrent = Recurrent { output: Output::Last, ..Recurrent::forward(gru()) };
    let (weight, bias) = (tensor("head.weight"), tensor("head.bias"));
    let head = Dense { input: 3, output: 7, weight, bias, finish: Finish::Softmax };
    let layers = vec![
        Layer::new("letters", Operation::Embedding(embedding)),
        Layer::new("rnn.l0", Operation::Recurrent(Box::new(recurrent))),
        Layer::new("head", Operation::Dense(head)),
    ];
    assert_eq!(found, Blueprint { layers, ..Blueprint::default() });
}

#[test]
fn options_of_an_outline_are_heard() {
    let found = read("embedding:letters, gru:both bidirectional=sum activation=relu recurrent_activation=hard-sigmoid");
    let found = found.unwrap();
    let Operation::Recurrent(layer) = &found.layers[1].operation else { panic!("{found:?}") };
    let Passes::Both { forward, reverse, merge } = &layer.passes else { panic!("{layer:?}") };
    assert_eq!(*merge, Merge::Sum);
    for weights in [forward, reverse] {
        let Weights::Gru(weights) = weights else { panic!("{weights:?}") };
        assert_eq!(weights.options().candidate, Activation::Relu);
        assert_eq!(weights.options().gate, Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 });
        // No bias in the file: none added.
        assert_eq!(weights.bias(), [0.0; 9]);
    }
    // Both directions side by side where nothing is said.
    let found = read("gru:both").unwrap();
    let Operation::Recurrent(layer) = &found.layers[0].operation else { panic!("{found:?}") };
    assert_eq!(layer.output_size(), 6);
    let found = read("gru:rnn backwards, relu, dense:plain, log_softmax").unwrap();
    assert_eq!(found.layers.len(), 4);
    let Operation::Recurrent(layer) = &found.layers[0].operation else { panic!("{found:?}") };
    assert!(layer.go_backwards);
    assert_eq!(found.layers[3].operation, Operation::Activation(Finish::LogSoftmax));
    let Operation::Dense(dense) = &found.layers[2].operation else { panic!("{found:?}") };
    assert!(dense.bias.is_empty());
}

#[test]
fn what_an_outline_asks_and_the_file_has_not_is_refused_by_name() {
    for (outline, says) in [
        ("embedding:words", "tensor words.weight is missing"),
        ("embedding", "embedding: say which tensors of the file are meant, such as embedding:NAME for NAME.weight"),
        ("dense", "dense: say which tensors of the file are meant"),
        ("dense:cube", "cube.weight has shape [1, 2, 3], expected two axes"),
        ("dense:odd", "odd.bias has shape [3], expected [2]"),
        ("lstm:rnn", "for an LSTM"),
        ("gru", "several recurrent layers"),
        ("gru:nobody", "no recurrent layer with prefix \"nobody\""),
        ("gru:rnn bidirectional", "bidirectional, but the file has no reverse direction"),
        ("gru:rnn sideways", "gru:rnn: unknown option sideways"),
        ("gru:rnn activation=swish", "unknown function \"swish\""),
        ("gru:rnn activation=softmax", "softmax is no activation of a cell"),
        ("lstm:rnn reset_before", "only a GRU has a reset"),
        ("gru:rnn bidirectional=max", "bidirectional=max: expected concat, sum, mul or ave"),
        ("conv:rnn", "unknown layer \"conv\""),
        ("one_hot", "one_hot: expected a count"),
        ("one_hot=0", "one_hot: expected a count of at least one"),
        ("one_hot=2.5", "one_hot: expected a count of at least one"),
        ("relu=3", "relu takes no value"),
        ("masking=nan", "masking=nan: expected a finite value"),
        ("rnn:rnn recurrent_activation=tanh", "rnn has no gates: expected no recurrent_activation"),
        ("gru:rnn,, dense:head", "nothing stands before or behind a comma"),
        ("", "nothing stands before or behind a comma"),
    ] {
        let error = read(outline).expect_err(outline).to_string();
        assert!(error.contains(says), "{outline}: {error}");
    }
}

/// A network in which the symbol after k is `next[k]`.
fn succession(next: &[usize]) -> Network {
    let count = next.len();
    let table: Vec<f32> = (0..count * count).map(|place| f32::from(place / count == place % count)).collect();
    let mut weight = vec![0.0; count * count];
    for (before, behind) in next.iter().enumerate() {
        weight[behind * count + before] = 1.0;
    }
    let embedding = Embedding { rows: count, width: count, weight: table, mask_zero: false };
    let head = Dense { input: count, output: count, weight, bias: vec![], finish: Finish::Softmax };
    let layers =
        vec![Layer::new("symbols", Operation::Embedding(embedding)), Layer::new("head", Operation::Dense(head))];
    Network::new(&Blueprint { layers, ..Blueprint::default() }).unwrap()
}

#[test]
fn decoding_feeds_each_symbol_back_until_the_end() {
    let network = succession(&[1, 2, 4, 0, 3]);
    let greedy = Greedy { start: 0, stop: 3, most: 10 };
    let mut session = NetworkSession::new(&network, 2).unwrap();
    assert_eq!(greedy.decode(&mut session).unwrap(), [[1, 2, 4], [1, 2, 4]]);
    // No end: as many as are wanted.
    let endless = Greedy { stop: -1, most: 7, ..greedy };
    assert_eq!(endless.decode(&mut session).unwrap()[1], [1, 2, 4, 3, 0, 1, 2]);
    assert_eq!(Greedy { most: 0, ..greedy }.decode(&mut session).unwrap(), [[0i64; 0]; 2]);
}

#[test]
fn decoding_refuses_what_cannot_be_fed_back() {
    let network = succession(&[1, 0]);
    let mut session = NetworkSession::new(&network, 1).unwrap();
    let error = Greedy { start: 2, stop: 0, most: 1 }.decode(&mut session).unwrap_err();
    assert!(error.to_string().contains("id 2 at row 0: expected 0 to 1"), "{error}");

    let features = Network::new(&read("gru:rnn, dense:head").unwrap()).unwrap();
    let error = Greedy { start: 0, stop: 1, most: 1 }.decode(&mut NetworkSession::new(&features, 1).unwrap());
    assert!(error.unwrap_err().to_string().contains("expected a network from ids to scores"));

    let last = Network::new(&read("embedding:letters, gru:rnn last, dense:head").unwrap()).unwrap();
    let error = Greedy { start: 0, stop: 1, most: 1 }.decode(&mut NetworkSession::new(&last, 1).unwrap());
    assert!(error.unwrap_err().to_string().contains("feed whole sequences"));

    let outline: Outline = "embedding:letters, dense:wide".parse().unwrap();
    assert!(chain::read(&file(), &outline).is_err());
}
