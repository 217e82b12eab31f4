//! A recurrent layer of a blueprint as a description: directions, cells, options.

use serde_json::{Map, Value, json};

use super::describe::Tensors;
use super::fields::{function, number};
use super::words::{COUPLINGS, MASKED, MATRICES, MERGES, OUTPUTS, PEEPHOLES, RESETS, STATES, word};
use crate::activation::{Activation, Finish};
use crate::cell::gru::GruOptions;
use crate::cell::lstm::LstmOptions;
use crate::cell::rnn::RnnOptions;
use crate::network::blueprint::{Passes, Recurrent, State};
use crate::weights::Weights;

pub(super) fn recurrent<'a>(name: &str, place: &str, layer: &'a Recurrent, tensors: &mut Tensors<'a>) -> Value {
    let (directions, merge): (&[&str], _) = match &layer.passes {
        Passes::Forward(_) => (&["forward"], None),
        Passes::Reverse(_) => (&["reverse"], None),
        Passes::Both { merge, .. } => (&["forward", "reverse"], Some(*merge)),
    };
    let passes = directions.iter().zip(layer.passes.each()).enumerate();
    let passes: Vec<Value> = passes
        .map(|(index, (direction, weights))| {
            let state = layer.initial.get(index);
            Pass { direction, place: format!("{place}.{direction}"), weights, state }.describe(tensors)
        })
        .collect();
    let mut described = json!({
        "kind": "recurrent",
        "name": name,
        "output": word(OUTPUTS, layer.output),
        "go_backwards": layer.go_backwards,
        "masked": word(MASKED, layer.masked),
    });
    if let Some(described) = described.as_object_mut() {
        described.extend(merge.map(|merge| ("merge".to_owned(), json!(word(MERGES, merge)))));
        described.insert("passes".to_owned(), json!(passes));
    }
    described
}

/// A direction to be described.
struct Pass<'a> {
    direction: &'a str,
    place: String,
    weights: &'a Weights,
    state: Option<&'a State>,
}

impl<'a> Pass<'a> {
    fn describe<'t>(self, tensors: &mut Tensors<'t>) -> Value
    where
        'a: 't,
    {
        let place = &self.place;
        let (input, hidden, state) =
            (self.weights.input_size(), self.weights.hidden_size(), self.weights.output_size());
        let rows = self.weights.gates() * hidden;
        let (cell, matrices, mut described) = match self.weights {
            Weights::Lstm(weights) => {
                ("lstm", [weights.weight_ih(), weights.weight_hh(), weights.bias()], lstm_options(weights.options()))
            }
            Weights::Gru(weights) => {
                ("gru", [weights.weight_ih(), weights.weight_hh(), weights.bias()], gru_options(weights.options()))
            }
            Weights::Rnn(weights) => {
                ("rnn", [weights.weight_ih(), weights.weight_hh(), weights.bias()], rnn_options(weights.options()))
            }
        };
        let shapes: [&[usize]; 3] = [&[rows, input], &[rows, state], &[rows]];
        let named = MATRICES.into_iter().zip(shapes).zip(matrices);
        let mut roles: Vec<Value> =
            named.map(|((role, shape), values)| tensors.add(place, role, shape, values)).collect();
        match self.weights {
            Weights::Lstm(weights) => {
                let peepholes = PEEPHOLES.into_iter().zip(weights.peepholes().into_iter().flatten());
                roles.extend(peepholes.map(|(role, values)| tensors.add(place, role, &[hidden], values)));
                let projection = weights.projection();
                roles.extend(projection.map(|values| tensors.add(place, "projection", &[state, hidden], values)));
            }
            Weights::Gru(weights) => {
                roles.push(tensors.add(place, "recurrent_bias", &[hidden], weights.recurrent_bias()));
            }
            Weights::Rnn(_) => {}
        }
        if let Some(state) = self.state {
            let states = STATES.into_iter().zip([&state.hidden, &state.cell]).filter(|(_, values)| !values.is_empty());
            roles.extend(states.map(|(role, values)| tensors.add(place, role, &[values.len()], values)));
        }
        let mut pass = Map::new();
        pass.insert("direction".to_owned(), json!(self.direction));
        pass.insert("cell".to_owned(), json!(cell));
        pass.append(&mut described);
        pass.insert("tensors".to_owned(), json!(roles));
        Value::Object(pass)
    }
}

fn options<const COUNT: usize>(words: [(&str, Value); COUNT], clip: Option<f32>) -> Map<String, Value> {
    let clip = clip.map(|clip| ("clip", number(clip)));
    words.into_iter().chain(clip).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn each(activation: Activation) -> Value {
    function(Finish::Each(activation))
}

fn lstm_options(lstm: LstmOptions) -> Map<String, Value> {
    let coupling = json!(word(COUPLINGS, lstm.coupling));
    let (gate, input, output) = (each(lstm.gate), each(lstm.input), each(lstm.output));
    options([("coupling", coupling), ("gate", gate), ("input", input), ("output", output)], lstm.clip)
}

fn gru_options(gru: GruOptions) -> Map<String, Value> {
    let reset = json!(word(RESETS, gru.reset));
    options([("reset", reset), ("gate", each(gru.gate)), ("candidate", each(gru.candidate))], gru.clip)
}

fn rnn_options(rnn: RnnOptions) -> Map<String, Value> {
    options([("activation", each(rnn.activation))], rnn.clip)
}
