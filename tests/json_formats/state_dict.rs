//! PyTorch's state dict as nested lists, made of random numbers.

use gatewise::load::chain;
use gatewise::load::json::read_state_dict;

use crate::expected::{Rows, Tensors, times};
use crate::{Random, assert_gives, object, read, refused};

pub fn random_tensors(random: &mut Random, gates: usize, input: usize, hidden: usize) -> Tensors {
    Tensors {
        weight_ih: random.matrix(gates * hidden, input),
        weight_hh: random.matrix(gates * hidden, hidden),
        bias_ih: random.row(gates * hidden),
        bias_hh: random.row(gates * hidden),
    }
}

/// Tensors by PyTorch's names.
pub fn entries(prefix: &str, end: &str, tensors: &Tensors) -> Vec<(String, String)> {
    let Tensors { weight_ih, weight_hh, bias_ih, bias_hh } = tensors;
    vec![
        (format!("{prefix}weight_ih{end}"), format!("{weight_ih:?}")),
        (format!("{prefix}weight_hh{end}"), format!("{weight_hh:?}")),
        (format!("{prefix}bias_ih{end}"), format!("{bias_ih:?}")),
        (format!("{prefix}bias_hh{end}"), format!("{bias_hh:?}")),
    ]
}

fn text(entries: &[(String, String)]) -> String {
    object(&entries.iter().map(|(name, value)| (name.as_str(), value.clone())).collect::<Vec<_>>())
}

fn dense(random: &mut Random, name: &str, input: usize, output: usize) -> (Vec<(String, String)>, Rows, Vec<f64>) {
    let (weight, bias) = (random.matrix(output, input), random.row(output));
    let entries =
        vec![(format!("{name}.weight"), format!("{weight:?}")), (format!("{name}.bias"), format!("{bias:?}"))];
    (entries, weight, bias)
}

#[test]
fn modules_run_in_the_files_order_whatever_their_names() {
    let mut random = Random::new(3);
    let x = random.matrix(15, 2);
    let (mut all, weight, bias) = dense(&mut random, "z_first", 2, 3);
    let gru = random_tensors(&mut random, 3, 3, 4);
    let lstm = random_tensors(&mut random, 4, 4, 5);
    let rnn = random_tensors(&mut random, 1, 5, 2);
    all.extend(entries("middle.gru.", "_l0", &gru));
    all.extend(entries("a_late.", "_l0", &lstm));
    // A cell's names have no number.
    all.extend(entries("cell.", "", &rnn));
    let (last, last_weight, _) = dense(&mut random, "head", 2, 1);
    // The bias is left out.
    all.extend(last.into_iter().take(1));
    let inner: Rows = x.iter().map(|x| times(&weight, x, &bias)).collect();
    let y = rnn.rnn(&lstm.lstm_from_zeros(&gru.gru(&inner)));
    let y: Rows = y.iter().map(|h| times(&last_weight, h, &[0.0])).collect();
    let blueprint = read(&text(&all));
    let names: Vec<&str> = blueprint.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["z_first", "middle.gru.l0", "a_late.l0", "cell.l0", "head"]);
    assert_gives(&blueprint, &x, &y, 1e-6, "five modules");
}

#[test]
fn stacked_layers_both_directions_no_biases_and_no_prefix() {
    let mut random = Random::new(4);
    let x = random.matrix(9, 2);
    let (mut all, mut h) = (Vec::new(), x.clone());
    for (layer, input) in [(0, 2), (1, 6)] {
        let [mut forward, mut reverse] = [(); 2].map(|()| random_tensors(&mut random, 4, input, 3));
        for (end, tensors) in [("", &mut forward), ("_reverse", &mut reverse)] {
            tensors.bias_ih.fill(0.0);
            tensors.bias_hh.fill(0.0);
            all.extend(entries("", &format!("_l{layer}{end}"), tensors).into_iter().take(2));
        }
        let turned: Rows = h.iter().rev().cloned().collect();
        let from_end = reverse.lstm_from_zeros(&turned);
        h = forward
            .lstm_from_zeros(&h)
            .into_iter()
            .zip(from_end.into_iter().rev())
            .map(|(a, b)| [a, b].concat())
            .collect();
    }
    assert_gives(&read(&text(&all)), &x, &h, 1e-6, "two layers, both directions");
}

#[test]
fn a_projection_is_not_taken_for_another_cell() {
    let mut random = Random::new(5);
    // H = 6, P = 2: rows / P is 12, rows / H is 4.
    let weights = [("weight_ih_l0", 24, 1), ("weight_hh_l0", 24, 2), ("weight_hr_l0", 2, 6)];
    let all: Vec<(String, String)> = weights
        .map(|(own, rows, columns)| (format!("lstm.{own}"), format!("{:?}", random.matrix(rows, columns))))
        .to_vec();
    let blueprint = read(&text(&all));
    assert_eq!(blueprint.flow().unwrap().last().unwrap().width(), 2);
}

#[test]
fn functions_that_the_file_does_not_say_come_from_an_outline() {
    let mut random = Random::new(6);
    let x = random.matrix(12, 1);
    let gru = random_tensors(&mut random, 3, 1, 4);
    let mut all = entries("gru.", "_l0", &gru);
    let (last, weight, bias) = dense(&mut random, "head", 4, 2);
    all.extend(last);
    let path = std::env::temp_dir().join(format!("gatewise_state_dict_{}.json", std::process::id()));
    std::fs::write(&path, object(&[("state_dict", text(&all))])).unwrap();
    let file = read_state_dict(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut blueprint = chain::read(&file, &"gru:gru, relu, dense:head tanh".parse().unwrap()).unwrap();
    blueprint.layout = gatewise::Layout::TimeMajor;
    let relu = |h: &Vec<f64>| h.iter().map(|h| h.max(0.0)).collect::<Vec<_>>();
    let y: Rows =
        gru.gru(&x).iter().map(|h| times(&weight, &relu(h), &bias).into_iter().map(f64::tanh).collect()).collect();
    assert_gives(&blueprint, &x, &y, 1e-6, "a GRU, relu, tanh");
}

#[test]
fn what_does_not_fit_is_named() {
    let mut random = Random::new(8);
    let own = entries("lstm.", "_l0", &random_tensors(&mut random, 4, 1, 2));
    let with = |name: &str, value: &str| {
        let mut all = own.clone();
        match all.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => all.push((name.to_owned(), value.to_owned())),
        }
        refused(&text(&all))
    };
    for (error, expected) in [
        (with("dense.weight", "[[1, 2, 3]]"), "layer dense takes 3 features, but 2 stand before it"),
        (with("conv.weight", "[[[1]]]"), "tensor conv.weight has shape [1, 1, 1], expected two axes"),
        (with("bn.running_mean", "[1]"), "tensor bn.running_mean has no place in the model"),
        (with("weight", "[[1, 2]]"), "tensor weight has no place in the model"),
        (with("dense.bias", "[1]"), "dense.weight"),
        (with("lstm.weight_ih_l1", "[[1]]"), "lstm.weight_ih_l1 has shape [1, 1], expected [8, 2]"),
        (with("lstm.weight_ih_l1", &format!("{:?}", [[1, 2]; 8])), "tensor lstm.weight_hh_l1 is missing"),
        (with("lstm.weight_ih_l0_backwards", "[[1]]"), "tensor lstm.weight_ih_l0_backwards: no name of this module"),
        (with("lstm.weight_hh_l0", "[[1, 2], [3, 4]]"), "lstm.weight_hh_l0 has shape [2, 2]"),
        (with("lstm.weight_hh_l0", "[]"), "lstm.weight_hh_l0 has shape [0]"),
        (with("lstm.bias_hh_l0", "null"), "lstm.bias_hh_l0: expected a list of numbers, found null"),
        (with("lstm.bias_hh_l0", "[0, 0, 0, 0, 0, 0, 0, 1e39]"), "tensor lstm.bias_hh_l0 holds inf at index 7"),
    ] {
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
