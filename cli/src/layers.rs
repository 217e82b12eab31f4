//! Layers in a few words.

use gatewise::activation::Finish;
use gatewise::network::blueprint::{Masked, Operation, Output, Passes, Recurrent};
use gatewise::{Activation, Coupling, GruOptions, LstmOptions, Merge, Reset, RnnOptions, Weights};

/// What a layer computes, such as `LSTM, 11 units, both directions side by side, last step`.
pub fn operation(operation: &Operation) -> String {
    match operation {
        Operation::Embedding(embedding) if embedding.mask_zero => "embedding, leaves out id 0".to_owned(),
        Operation::Embedding(_) => "embedding".to_owned(),
        Operation::OneHot { .. } => "one-hot".to_owned(),
        Operation::Masking { value } => format!("leaves out steps of nothing but {value}"),
        Operation::Recurrent(layer) => recurrent(layer),
        Operation::Dense(dense) => {
            let bias = if dense.bias.is_empty() { ", no bias" } else { "" };
            match dense.finish {
                Finish::Each(Activation::Identity) => format!("dense{bias}"),
                other => format!("dense{bias}, {}", finish(other)),
            }
        }
        Operation::Activation(function) => finish(*function),
        Operation::AddInput { features: 1 } => "adds the input's first feature".to_owned(),
        Operation::AddInput { features } => format!("adds the input's first {features} features"),
        other => format!("{other:?}"),
    }
}

fn finish(function: Finish) -> String {
    match function {
        Finish::Each(function) => activation(function),
        Finish::Softmax => "softmax".to_owned(),
        Finish::LogSoftmax => "log softmax".to_owned(),
        other => format!("{other:?}"),
    }
}

/// As ONNX names it, with what it takes.
fn activation(function: Activation) -> String {
    match function {
        Activation::Affine { alpha, beta } => format!("Affine({alpha}, {beta})"),
        Activation::LeakyRelu { alpha } => format!("LeakyRelu({alpha})"),
        Activation::ThresholdedRelu { alpha } => format!("ThresholdedRelu({alpha})"),
        Activation::ScaledTanh { alpha, beta } => format!("ScaledTanh({alpha}, {beta})"),
        Activation::HardSigmoid { alpha, beta } => format!("HardSigmoid({alpha}, {beta})"),
        Activation::Elu { alpha } => format!("Elu({alpha})"),
        Activation::Relu => "ReLU".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn recurrent(layer: &Recurrent) -> String {
    let weights = match &layer.passes {
        Passes::Forward(weights) | Passes::Reverse(weights) | Passes::Both { forward: weights, .. } => weights,
    };
    let mut words = vec![crate::model::cell_name(weights).to_owned(), format!("{} units", weights.hidden_size())];
    if weights.output_size() != weights.hidden_size() {
        words.push(format!("projected to {}", weights.output_size()));
    }
    words.extend(options(weights));
    match &layer.passes {
        _ if layer.go_backwards => words.push("backwards".to_owned()),
        Passes::Forward(_) => {}
        Passes::Reverse(_) => words.push("in reverse".to_owned()),
        Passes::Both { merge, .. } => words.push(format!("both directions {}", merged(*merge))),
    }
    if layer.output == Output::Last {
        words.push("last step".to_owned());
    }
    if layer.masked == Masked::Repeat && layer.output == Output::Every {
        words.push("repeats what is left out".to_owned());
    }
    if !layer.initial.is_empty() {
        words.push("begins with a state of its own".to_owned());
    }
    words.join(", ")
}

fn merged(merge: Merge) -> &'static str {
    match merge {
        Merge::Concat => "side by side",
        Merge::Sum => "added",
        Merge::Mul => "multiplied",
        Merge::Average => "averaged",
        Merge::None => "apart",
    }
}

/// What is out of the ordinary.
fn options(weights: &Weights) -> Vec<String> {
    let mut words = Vec::new();
    let mut changed = |what: &str, found: Activation, usual: Activation| {
        if found != usual {
            words.push(format!("{what} {}", activation(found)));
        }
    };
    let clip = match weights {
        Weights::Lstm(weights) => {
            let (own, usual) = (weights.options(), LstmOptions::default());
            changed("gates", own.gate, usual.gate);
            changed("input", own.input, usual.input);
            changed("output", own.output, usual.output);
            if weights.peepholes().is_some() {
                words.push("peepholes".to_owned());
            }
            match own.coupling {
                Coupling::None => {}
                Coupling::ForgetFromInput => words.push("f = 1 − i".to_owned()),
                Coupling::InputFromForget => words.push("i = 1 − f".to_owned()),
            }
            own.clip
        }
        Weights::Gru(weights) => {
            let (own, usual) = (weights.options(), GruOptions::default());
            changed("gates", own.gate, usual.gate);
            changed("candidate", own.candidate, usual.candidate);
            if own.reset == Reset::Before {
                words.push("reset before".to_owned());
            }
            own.clip
        }
        Weights::Rnn(weights) => {
            let (own, usual) = (weights.options(), RnnOptions::default());
            changed("with", own.activation, usual.activation);
            own.clip
        }
        _ => None,
    };
    words.extend(clip.map(|clip| format!("clipped to ±{clip}")));
    words
}
