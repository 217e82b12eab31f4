//! `--layers`: every kind and option is understood as it is meant, and what is not understood is refused.

use gatewise::load::outline::Outline;

use crate::common::{Folder, Model, Npz, array, array_names, assert_close, noise, run};

/// Modules of 4 features and 3 units, and what goes around them.
fn parts() -> Model {
    let of = |name: &'static str| move |own: &str| format!("{name}.{own}");
    let both = |gates: usize| {
        let model = Model::layer(gates, 4, 3);
        let reverse = |own: &str| format!("{own}_reverse");
        // Other values for the other direction.
        let other = Model::layer(gates, 4, 3).with_value("weight_hh_l0", 1, 0.9).with_value("bias_ih_l0", 0, -0.8);
        model.and(other.renamed(reverse))
    };
    Model::default()
        .and(Model::layer(4, 4, 3).renamed(of("lstm")))
        .and(Model::layer(3, 4, 3).renamed(of("gru")))
        .and(Model::layer(1, 4, 3).renamed(of("rnn")))
        .and(both(4).renamed(of("both")))
        .with("words.weight", &[5, 4])
        .with("head.weight", &[2, 3])
        .with("head.bias", &[2])
        .with("plain.weight", &[3, 3])
}

/// Outlines, and the layers that the page has for them.
const UNDERSTOOD: [(&str, &[&str]); 37] = [
    ("lstm:lstm", &["LSTM, 3 units"]),
    ("gru:gru", &["GRU, 3 units"]),
    ("rnn:rnn", &["simple RNN, 3 units"]),
    ("simple_rnn:rnn", &["simple RNN, 3 units"]),
    ("lstm:both", &["LSTM, 3 units, both directions side by side"]),
    ("lstm:both bidirectional", &["LSTM, 3 units, both directions side by side"]),
    ("lstm:both bidirectional=concat", &["LSTM, 3 units, both directions side by side"]),
    ("lstm:both bidirectional=sum", &["LSTM, 3 units, both directions added"]),
    ("lstm:both bidirectional=mul last", &["LSTM, 3 units, both directions multiplied, last step"]),
    ("lstm:both bidirectional=ave", &["LSTM, 3 units, both directions averaged"]),
    ("gru:gru last", &["GRU, 3 units, last step"]),
    ("lstm:lstm backwards", &["LSTM, 3 units, backwards"]),
    ("lstm:lstm last backwards", &["LSTM, 3 units, backwards, last step"]),
    ("lstm:lstm activation=relu", &["LSTM, 3 units, input ReLU, output ReLU"]),
    ("lstm:lstm activation=linear", &["LSTM, 3 units, input identity, output identity"]),
    ("gru:gru activation=softsign", &["GRU, 3 units, candidate softsign"]),
    ("rnn:rnn activation=relu", &["simple RNN, 3 units, with ReLU"]),
    ("gru:gru recurrent_activation=hard_sigmoid", &["GRU, 3 units, gates HardSigmoid(0.16666667, 0.5)"]),
    ("lstm:lstm recurrent-activation=keras2-hard-sigmoid", &["LSTM, 3 units, gates HardSigmoid(0.2, 0.5)"]),
    ("gru:gru reset_before", &["GRU, 3 units, reset before"]),
    ("gru:gru reset-before last", &["GRU, 3 units, reset before, last step"]),
    ("embedding:words, gru:gru", &["embedding", "GRU, 3 units"]),
    ("embedding:words mask_zero, gru:gru", &["embedding, leaves out id 0", "GRU, 3 units"]),
    ("one_hot=4, gru:gru", &["one-hot", "GRU, 3 units"]),
    ("masking=-0.5, gru:gru last", &["leaves out steps of nothing but -0.5", "GRU, 3 units, last step"]),
    ("gru:gru, dense:head", &["GRU, 3 units", "dense"]),
    ("gru:gru, dense:head softmax", &["GRU, 3 units", "dense, softmax"]),
    (
        "gru:gru, dense:plain tanh, dense:head log_softmax",
        &["GRU, 3 units", "dense, no bias, tanh", "dense, log softmax"],
    ),
    ("gru:gru, linear, sigmoid, tanh", &["GRU, 3 units", "identity", "sigmoid", "tanh"]),
    ("gru:gru, relu", &["GRU, 3 units", "ReLU"]),
    ("gru:gru, leaky_relu, elu", &["GRU, 3 units", "LeakyRelu(0.2)", "Elu(1)"]),
    ("gru:gru, hard_sigmoid", &["GRU, 3 units", "HardSigmoid(0.16666667, 0.5)"]),
    ("gru:gru, keras2_hard_sigmoid", &["GRU, 3 units", "HardSigmoid(0.2, 0.5)"]),
    ("gru:gru, softsign, softplus", &["GRU, 3 units", "softsign", "softplus"]),
    ("gru:gru, softmax", &["GRU, 3 units", "softmax"]),
    ("gru:gru, log-softmax", &["GRU, 3 units", "log softmax"]),
    ("gru:gru, add_input=1", &["GRU, 3 units", "adds the input's first feature"]),
];

/// What stands in the page's second column, below x.
fn drawn(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.trim_start().starts_with(['├', '└']));
    rows.map(|row| row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).nth(1).expect("a cell")).collect()
}

#[test]
fn every_kind_and_option_is_understood() {
    let folder = Folder::new();
    let model = folder.put("model.safetensors", &parts().bytes());
    for (outline, expected) in UNDERSTOOD {
        let page = run(&["inspect", &model, "--layers", outline]).done(outline);
        assert_eq!(drawn(&page), expected, "{outline}:\n{page}");
    }
}

/// The kernels and the scalar reference share what was understood, and none of the arithmetic.
#[test]
fn every_kind_and_option_is_computed_as_by_the_reference() {
    let folder = Folder::new();
    let model = folder.put("model.safetensors", &parts().bytes());
    // The second step is what the masking leaves out.
    let mut x = noise(6 * 2 * 4, 1.0, 1);
    x[8..16].fill(-0.5);
    let features = folder.put("x.npz", &Npz::new().with("x", &[6, 2, 4], &x).bytes());
    let ids = folder.put("ids.npz", &Npz::new().with_ids("x", &[6, 2], &[1, 0, 0, 2, 3, 3, 0, 1, 2, 2, 0, 0]).bytes());
    let [found, exact] = ["found.npz", "exact.npz"].map(|name| folder.path(name));
    for (outline, _) in UNDERSTOOD {
        let input = if outline.starts_with("embedding") || outline.starts_with("one_hot") { &ids } else { &features };
        let common = ["run", &model, "--layers", outline, "--input", input, "--output"];
        run(&[&common[..], &[&found]].concat()).done(outline);
        run(&[&common[..], &[&exact, "--reference"]].concat()).done(outline);
        for name in array_names(&exact) {
            let (found, exact) = (array(&found, &name), array(&exact, &name));
            let (found, exact) = (found.expect("the same names"), exact.expect("listed"));
            assert_close(&found, &exact, 1e-6, || format!("{outline}, {name}"));
            assert!(exact.values.iter().any(|value| *value != 0.0), "{outline}, {name}: nothing but zeros");
        }
    }
}

#[test]
fn words_that_are_not_understood_are_refused() {
    for (outline, says) in [
        ("", "a layer is missing"),
        ("lstm,,dense", "a layer is missing"),
        ("lstm, ", "a layer is missing"),
        ("conv1d", "unknown layer \"conv1d\": expected lstm, gru, rnn, dense, embedding"),
        ("lstm sideways", "lstm: unknown option sideways"),
        ("gru units=3", "gru: unknown option units=3"),
        ("lstm last=1", "lstm: unknown option last=1"),
        ("lstm bidirectional=max", "bidirectional=max: expected concat, sum, mul or ave"),
        ("lstm activation=swish", "unknown function \"swish\""),
        ("lstm activation=softmax", "softmax is no activation of a cell"),
        ("gru recurrent_activation=log_softmax", "log_softmax is no activation of a cell"),
        ("lstm reset_before", "only a GRU has a reset"),
        ("lstm=3", "lstm takes no value"),
        ("dense swish", "unknown function \"swish\": expected linear, sigmoid"),
        ("dense relu tanh", "dense: unknown option tanh"),
        ("embedding=4", "embedding takes no value"),
        ("embedding last", "embedding: unknown option last"),
        ("one_hot", "one_hot: expected a count, such as one_hot=1"),
        ("one_hot=0", "one_hot: expected a count of at least one"),
        ("one_hot=1.5", "one_hot: expected a count of at least one"),
        ("one_hot=-3", "one_hot: expected a count of at least one"),
        ("add_input=many", "add_input: expected a count, such as add_input=1"),
        ("masking", "masking: expected a value, such as masking=1"),
        ("masking=zero", "masking: expected a value, such as masking=1"),
        ("relu 6", "relu: unknown option 6"),
        ("one_hot:table=4", "expected a name or a value"),
    ] {
        assert!(outline.parse::<Outline>().is_err(), "{outline}");
        run(&["inspect", "model.safetensors", "--layers", outline]).misused(outline, &["--layers <LAYERS>", says]);
    }
}

#[test]
fn outlines_that_the_file_or_the_layers_contradict_are_refused() {
    let folder = Folder::new();
    let model = folder.put("model.safetensors", &parts().with("cube.weight", &[2, 2, 2]).bytes());
    for (outline, says) in [
        ("embedding", "embedding: say which tensors of the file are meant"),
        ("lstm", "\"both.\", \"gru.\", \"lstm.\", \"rnn.\""),
        ("lstm:nowhere", "\"nowhere\""),
        ("dense:nowhere", "nowhere.weight"),
        ("dense:cube", "cube.weight has shape [2, 2, 2], expected two axes"),
        ("lstm:gru", "tensor gru.weight_hh_l0 has shape [9, 3], expected [12, 3] for an LSTM"),
        ("gru:gru bidirectional", "bidirectional, but the file has no reverse direction"),
        ("lstm:both backwards", "goes backwards, which only a forward layer can"),
        ("gru:gru, gru:gru", "takes 4 features, but 3 stand before it"),
        ("gru:gru, embedding:words", "but 3 features stand before it"),
        ("gru:gru last, gru:gru", "only the last step is left"),
        ("embedding:words, add_input=1", "adds the model's input, which is ids"),
        ("gru:gru, one_hot=3", "but 3 features stand before it"),
        ("relu", "no layer says how many features the input has"),
    ] {
        run(&["inspect", &model, "--layers", outline]).refused(outline, &[&model, says]);
    }
}
