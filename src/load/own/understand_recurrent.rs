//! A recurrent layer of a blueprint from a description and tensors.

use serde_json::Value;

use super::fields::Fields;
use super::tensors::Tensors;
use super::understand::Roles;
use super::words::{COUPLINGS, MASKED, MATRICES, MERGES, OUTPUTS, PEEPHOLES, RESETS, STATES};
use crate::cell::gru::GruOptions;
use crate::cell::lstm::LstmOptions;
use crate::cell::rnn::RnnOptions;
use crate::error::Result;
use crate::network::blueprint::{Passes, Recurrent, State};
use crate::weights::{GruWeights, LstmWeights, RnnWeights, Weights};

pub(super) fn recurrent(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Recurrent> {
    let output = fields.word("output", OUTPUTS)?;
    let go_backwards = fields.truth("go_backwards")?;
    let masked = fields.word("masked", MASKED)?;
    let mut initial = Vec::new();
    let mut directions = Vec::new();
    for value in fields.list("passes")? {
        let (direction, weights, state) = pass(place, value, tensors)?;
        directions.push((direction, weights));
        initial.extend(state);
    }
    let mut directions = directions.into_iter();
    let passes = match (directions.next(), directions.next(), directions.next()) {
        (Some((Way::Forward, weights)), None, None) => Passes::Forward(weights),
        (Some((Way::Reverse, weights)), None, None) => Passes::Reverse(weights),
        (Some((Way::Forward, forward)), Some((Way::Reverse, reverse)), None) => {
            Passes::Both { forward, reverse, merge: fields.word("merge", MERGES)? }
        }
        _ => return Err(fields.error("\"passes\": expected forward, reverse, or forward and reverse")),
    };
    Ok(Recurrent { passes, output, go_backwards, masked, initial })
}

#[derive(Clone, Copy)]
enum Way {
    Forward,
    Reverse,
}

#[derive(Clone, Copy)]
enum Cell {
    Lstm,
    Gru,
    Rnn,
}

fn pass(layer: &str, value: Value, tensors: &mut Tensors<'_>) -> Result<(Way, Weights, Option<State>)> {
    let mut fields = Fields::new(format!("{layer}, a pass"), value)?;
    let way = fields.word("direction", &[("forward", Way::Forward), ("reverse", Way::Reverse)])?;
    let place = match way {
        Way::Forward => format!("{layer}.forward"),
        Way::Reverse => format!("{layer}.reverse"),
    };
    let weights = match fields.word("cell", &[("lstm", Cell::Lstm), ("gru", Cell::Gru), ("rnn", Cell::Rnn)])? {
        Cell::Lstm => lstm(&place, &mut fields, tensors)?,
        Cell::Gru => gru(&place, &mut fields, tensors)?,
        Cell::Rnn => rnn(&place, &mut fields, tensors)?,
    };
    fields.end()?;
    Ok((way, weights.0, weights.1))
}

/// The tensors that every cell has.
fn matrices(roles: &Roles, sizes: [usize; 3], gates: usize, tensors: &mut Tensors<'_>) -> Result<[Vec<f32>; 3]> {
    let [input, hidden, state] = sizes;
    let rows = gates * hidden;
    Ok([
        roles.take("weight_ih", &[rows, input], tensors)?,
        roles.take("weight_hh", &[rows, state], tensors)?,
        roles.take("bias", &[rows], tensors)?,
    ])
}

/// A cell and the state that it begins with.
type Begun = (Weights, Option<State>);

fn lstm(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = LstmOptions {
        coupling: fields.word("coupling", COUPLINGS)?,
        gate: fields.activation("gate")?,
        input: fields.activation("input")?,
        output: fields.activation("output")?,
        clip: fields.optional_number("clip")?,
    };
    let roles = Roles::of(fields, place, &MATRICES, &[&PEEPHOLES[..], &["projection"], &STATES].concat())?;
    let sizes @ [input, hidden, state] = roles.sizes(4, tensors)?;
    let matrices = matrices(&roles, sizes, 4, tensors)?;
    let projection = roles.optional("projection", &[state, hidden], tensors)?;
    let mut weights = LstmWeights::from_parts([input, hidden], matrices, projection)?.with_options(options);
    let mut peepholes = Vec::new();
    for role in PEEPHOLES {
        peepholes.push(roles.optional(role, &[hidden], tensors)?);
    }
    if let [Some(i), Some(f), Some(o)] = &peepholes[..] {
        weights = weights.with_peepholes([Some(i), Some(f), Some(o)])?;
    } else if peepholes.iter().any(Option::is_some) {
        return Err(fields.error(format!("\"tensors\": expected all of {} or none", PEEPHOLES.join(", "))));
    }
    let begins = initial(&roles, [state, hidden], tensors)?;
    Ok((weights.into(), begins))
}

fn gru(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = GruOptions {
        reset: fields.word("reset", RESETS)?,
        gate: fields.activation("gate")?,
        candidate: fields.activation("candidate")?,
        clip: fields.optional_number("clip")?,
    };
    let roles = Roles::of(fields, place, &[&MATRICES[..], &["recurrent_bias"]].concat(), &STATES[..1])?;
    let sizes @ [input, hidden, state] = roles.sizes(3, tensors)?;
    let matrices = matrices(&roles, sizes, 3, tensors)?;
    let recurrent_bias = roles.take("recurrent_bias", &[hidden], tensors)?;
    let weights = GruWeights::from_parts([input, hidden], matrices, recurrent_bias)?.with_options(options);
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
}

fn rnn(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = RnnOptions { activation: fields.activation("activation")?, clip: fields.optional_number("clip")? };
    let roles = Roles::of(fields, place, &MATRICES, &STATES[..1])?;
    let sizes @ [input, hidden, state] = roles.sizes(1, tensors)?;
    let weights = RnnWeights::from_parts([input, hidden], matrices(&roles, sizes, 1, tensors)?)?.with_options(options);
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
}

/// h and c as many values as `widths` say.
fn initial(roles: &Roles, widths: [usize; 2], tensors: &mut Tensors<'_>) -> Result<Option<State>> {
    let hidden = roles.optional("initial_hidden", &widths[..1], tensors)?;
    let cell = roles.optional("initial_cell", &widths[1..], tensors)?;
    Ok(match (hidden, cell) {
        (None, None) => None,
        (hidden, cell) => Some(State { hidden: hidden.unwrap_or_default(), cell: cell.unwrap_or_default() }),
    })
}
