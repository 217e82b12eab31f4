//! A recurrent layer of a blueprint as a description: directions, cells, options.

use serde_json::{Map, Value, json};

use super::describe::Tensors;
use super::fields::{function, number};
use super::words::{COUPLINGS, GATE_USES, MASKED, MERGES, MUTATIONS, OUTPUTS, RESETS, STATES, USES, word};
use crate::activation::{Activation, Finish};
use crate::cell::clockwork::ClockworkModule;
use crate::cell::gru::GruOptions;
use crate::cell::lstm::{GateUse, LstmOptions};
use crate::cell::rnn::RnnOptions;
use crate::network::blueprint::{Passes, Recurrent, State};
use crate::weights::{ClockworkWeights, Weights};

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
        let (cell, mut described) = match self.weights {
            Weights::Lstm(weights) => ("lstm", lstm_options(weights.options())),
            Weights::Gru(weights) => ("gru", gru_options(weights.options())),
            Weights::Rnn(weights) => ("rnn", rnn_options(weights.options())),
            Weights::Clockwork(weights) => ("clockwork", clockwork_options(weights)),
            Weights::Mutant(weights) => (word(MUTATIONS, weights.mutation()), Map::new()),
            Weights::DepthGated(weights) => ("depth_gated", lstm_options(weights.options())),
        };
        let mut roles = Vec::new();
        for (role, values) in self.weights.tensors() {
            roles.push(tensors.add(place, role, &shape(role, values.len(), self.weights), values));
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

/// A tensor's shape, by its role and its length.
fn shape(role: &str, values: usize, weights: &Weights) -> Vec<usize> {
    let width = match role {
        "weight_ih" => weights.input_size(),
        "weight_hh" => weights.output_size(),
        "projection" => weights.hidden_size(),
        _ => return vec![values],
    };
    vec![values / width, width]
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
    let mut all = options([("coupling", coupling), ("gate", gate), ("input", input), ("output", output)], lstm.clip);
    let gates = [lstm.input_gate, lstm.forget_gate, lstm.output_gate];
    // Said only where it is out of the ordinary, so that files of ordinary cells stay as they were.
    let unusual = GATE_USES.into_iter().zip(gates).filter(|(_, used)| *used != GateUse::Learned);
    all.extend(unusual.map(|(key, used)| (key.to_owned(), json!(word(USES, used)))));
    all
}

fn gru_options(gru: GruOptions) -> Map<String, Value> {
    let reset = json!(word(RESETS, gru.reset));
    options([("reset", reset), ("gate", each(gru.gate)), ("candidate", each(gru.candidate))], gru.clip)
}

fn clockwork_options(weights: &ClockworkWeights) -> Map<String, Value> {
    let of = |of: fn(&ClockworkModule) -> usize| json!(weights.modules().iter().map(of).collect::<Vec<_>>());
    let mut all = rnn_options(weights.options());
    all.insert("periods".to_owned(), of(|module| module.period));
    all.insert("units".to_owned(), of(|module| module.units));
    all.insert("first_t".to_owned(), json!(weights.first_t()));
    all
}

fn rnn_options(rnn: RnnOptions) -> Map<String, Value> {
    options([("activation", each(rnn.activation))], rnn.clip)
}
