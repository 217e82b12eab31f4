//! Neural Amp Modeler's files, made of random numbers.

use crate::expected::{STANDARD, Tensors, times};
use crate::{Random, assert_gives, object, read, refused};

/// A model under construction.
struct Draft {
    sizes: [(&'static str, usize); 5],
    weights: Vec<f64>,
    layers: Vec<(Tensors, [Vec<f64>; 2])>,
    head: (Vec<Vec<f64>>, Vec<f64>),
}

impl Draft {
    fn random(layers: usize, input: usize, hidden: usize, output: usize) -> Self {
        let mut random = Random::new(layers as u64);
        let sizes = [
            ("num_layers", layers),
            ("input_size", input),
            ("hidden_size", hidden),
            ("in_channels", input),
            ("out_channels", output),
        ];
        let (mut weights, mut own, mut width) = (Vec::new(), Vec::new(), input);
        for _ in 0..layers {
            let both = random.matrix(4 * hidden, width + hidden);
            let bias_ih = random.row(4 * hidden);
            let state = [random.row(hidden), random.row(hidden).iter().map(|c| 20.0 * c).collect()];
            weights.extend(both.concat());
            weights.extend(bias_ih.iter().chain(&state[0]).chain(&state[1]));
            let (weight_ih, weight_hh) = both.iter().map(|row| (row[..width].to_vec(), row[width..].to_vec())).unzip();
            own.push((Tensors { weight_ih, weight_hh, bias_ih, bias_hh: vec![0.0; 4 * hidden] }, state));
            width = hidden;
        }
        let head = (random.matrix(output, hidden), random.row(output));
        weights.extend(head.0.concat().iter().chain(&head.1));
        Draft { sizes, weights, layers: own, head }
    }

    fn config(&self) -> String {
        object(&self.sizes.map(|(key, size)| (key, size.to_string())))
    }

    fn text(&self, config: &str, extra: &[(&str, String)]) -> String {
        let own = [
            ("version", "\"0.5.4\"".to_owned()),
            ("architecture", "\"LSTM\"".to_owned()),
            ("config", config.to_owned()),
            ("weights", format!("{:?}", self.weights)),
        ];
        let kept = own.into_iter().filter(|(key, _)| extra.iter().all(|(other, _)| other != key));
        object(&kept.chain(extra.iter().cloned()).collect::<Vec<_>>())
    }
}

#[test]
fn layers_begin_with_the_states_of_the_file() {
    for (layers, input, hidden, output) in [(1, 1, 3, 1), (2, 1, 8, 1), (3, 2, 5, 4)] {
        let draft = Draft::random(layers, input, hidden, output);
        let x = Random::new(9).matrix(20, input);
        let y = draft.layers.iter().fold(x.clone(), |x, (tensors, state)| tensors.lstm(&x, state.clone(), STANDARD));
        let y: Vec<Vec<f64>> = y.iter().map(|h| times(&draft.head.0, h, &draft.head.1)).collect();
        let blueprint = read(&draft.text(&draft.config(), &[]));
        assert_eq!((blueprint.name.as_str(), blueprint.sample_rate), ("", None));
        assert_eq!(blueprint.parameters(), draft.weights.len());
        assert_gives(&blueprint, &x, &y, 1e-6, &format!("{layers} layers of {hidden}"));
    }
}

#[test]
fn name_and_rate_are_kept_and_old_files_have_no_channels() {
    let draft = Draft::random(1, 1, 2, 1);
    let config = object(&draft.sizes[..3].iter().map(|(key, size)| (*key, size.to_string())).collect::<Vec<_>>());
    let metadata = r#"{"name": "Plexi", "loudness": -20.5, "gear_type": null, "training": {"loss": [1, null]}}"#;
    let extra = [("sample_rate", "44100".to_owned()), ("metadata", metadata.to_owned())];
    let blueprint = read(&draft.text(&config, &extra));
    assert_eq!((blueprint.name.as_str(), blueprint.sample_rate), ("Plexi", Some(44_100.0)));
    let unknown = read(&draft.text(&config, &[("sample_rate", "-1".to_owned()), ("metadata", "null".to_owned())]));
    assert_eq!((unknown.name.as_str(), unknown.sample_rate), ("", None));
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    let draft = Draft::random(2, 1, 3, 1);
    let config = draft.config();
    for architecture in ["WaveNet", "ConvNet", "Linear", "SlimmableContainer"] {
        let error = refused(&draft.text(&config, &[("architecture", format!("{architecture:?}"))]));
        assert!(error.contains(architecture) && error.contains("gatewise runs the LSTM architecture"), "{error}");
    }
    for version in ["0.8.0", "1.0.0", "0.4.9", "new"] {
        let error = refused(&draft.text(&config, &[("version", format!("{version:?}"))]));
        assert!(error.contains(version) && error.contains("0.5.0 to 0.7"), "{error}");
    }
    for (from, to, expected) in [
        ("\"out_channels\": 1", "\"out_channels\": 1, \"head_gain\": 0.5", "config: has \"head_gain\""),
        ("\"in_channels\": 1", "\"in_channels\": 2", "config.in_channels: expected input_size, which is 1"),
        ("\"num_layers\": 2", "\"num_layers\": 0", "config.num_layers: expected at least 1, found 0"),
        ("\"num_layers\": 2", "\"num_layers\": 2.5", "found 2.5"),
        (
            "\"hidden_size\": 3",
            "\"hidden_size\": 1152921504606846976",
            "config.hidden_size: expected a whole number up to",
        ),
        ("\"hidden_size\": 3", "\"hidden_size\": -3", "found -3"),
        ("\"hidden_size\": 3", "\"hidden_size\": \"3\"", "found \"3\""),
        ("\"hidden_size\": 3, ", "", "config: has no \"hidden_size\""),
    ] {
        assert!(config.contains(from), "{from}");
        let error = refused(&draft.text(&config.replace(from, to), &[]));
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}

#[test]
fn another_number_of_weights_than_the_sizes_ask_for_is_refused() {
    let mut draft = Draft::random(2, 1, 3, 1);
    let config = draft.config();
    let count = draft.weights.len();
    let largest = config.replace("\"hidden_size\": 3", "\"hidden_size\": 16777216");
    let most = largest.replace("\"num_layers\": 2", "\"num_layers\": 16777216");
    for config in [largest, most] {
        let error = refused(&draft.text(&config, &[]));
        assert!(error.contains("hidden_size 16777216"), "{error}");
    }
    draft.weights.push(0.5);
    let error = refused(&draft.text(&config, &[]));
    assert!(error.contains(&format!("weights: has shape [{}], expected [{count}]", count + 1)), "{error}");
    draft.weights.truncate(count - 1);
    assert!(refused(&draft.text(&config, &[])).contains(&format!("[{}], expected [{count}]", count - 1)));
    let error = refused(&draft.text(&config, &[("weights", format!("[{:?}]", draft.weights))]));
    assert!(error.contains(&format!("weights: has shape [1, {}]", count - 1)), "{error}");
    draft.weights.push(1e39);
    assert!(refused(&draft.text(&config, &[])).contains(&format!("tensor weights holds inf at index {}", count - 1)));
}
