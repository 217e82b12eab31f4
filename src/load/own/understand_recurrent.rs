//! A recurrent layer of a blueprint from a description and tensors.

use serde_json::Value;

use super::fields::Fields;
use super::tensors::Tensors;
use super::understand::Roles;
use super::words::{
    COUPLINGS, DEPTH_PEEPHOLES, GATE_USES, MASKED, MATRICES, MERGES, OUTPUTS, PEEPHOLES, RESETS, STATES, USES, Words,
};
use crate::cell::clockwork::ClockworkModule;
use crate::cell::gru::GruOptions;
use crate::cell::lstm::{GateUse, LstmOptions};
use crate::cell::mutant::Mutation;
use crate::cell::rnn::RnnOptions;
use crate::error::Result;
use crate::network::blueprint::{Passes, Recurrent, State};
use crate::weights::{
    ClockworkWeights, DepthGatedWeights, GruWeights, LstmWeights, Matrices, MutantWeights, RnnWeights, Values, Weights,
};

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
    Clockwork,
    Mutant(Mutation),
    DepthGated,
}

const CELLS: &Words<Cell> = &[
    ("lstm", Cell::Lstm),
    ("gru", Cell::Gru),
    ("rnn", Cell::Rnn),
    ("clockwork", Cell::Clockwork),
    ("mut1", Cell::Mutant(Mutation::Mut1)),
    ("mut2", Cell::Mutant(Mutation::Mut2)),
    ("mut3", Cell::Mutant(Mutation::Mut3)),
    ("depth_gated", Cell::DepthGated),
];

fn pass(layer: &str, value: Value, tensors: &mut Tensors<'_>) -> Result<(Way, Weights, Option<State>)> {
    let mut fields = Fields::new(format!("{layer}, a pass"), value)?;
    let way = fields.word("direction", &[("forward", Way::Forward), ("reverse", Way::Reverse)])?;
    let place = match way {
        Way::Forward => format!("{layer}.forward"),
        Way::Reverse => format!("{layer}.reverse"),
    };
    let weights = match fields.word("cell", CELLS)? {
        Cell::Lstm => lstm(&place, &mut fields, tensors)?,
        Cell::Gru => gru(&place, &mut fields, tensors)?,
        Cell::Rnn => rnn(&place, &mut fields, tensors)?,
        Cell::Clockwork => clockwork(&place, &mut fields, tensors)?,
        Cell::Mutant(mutation) => mutant(mutation, &place, &mut fields, tensors)?,
        Cell::DepthGated => depth_gated(&place, &mut fields, tensors)?,
    };
    fields.end()?;
    Ok((way, weights.0, weights.1))
}

/// The tensors that every cell has: of so many gates, of which so many have recurrent weights.
fn matrices(
    roles: &Roles,
    [input, hidden, state]: [usize; 3],
    [gates, hearing]: [usize; 2],
    tensors: &mut Tensors<'_>,
) -> Result<Matrices> {
    Ok(Matrices {
        weight_ih: roles.take("weight_ih", &[gates * hidden, input], tensors)?,
        weight_hh: roles.take("weight_hh", &[hearing * hidden, state], tensors)?,
        bias: roles.take("bias", &[gates * hidden], tensors)?,
        values: Values::Finite,
    })
}

/// A cell and the state that it begins with.
type Begun = (Weights, Option<State>);

fn lstm(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = lstm_options(fields)?;
    let roles = Roles::of(fields, place, &MATRICES, &[&PEEPHOLES[..], &["projection"], &STATES].concat())?;
    let sizes @ [input, hidden, state] = roles.sizes(4, tensors)?;
    let matrices = matrices(&roles, sizes, [4; 2], tensors)?;
    let projection = roles.optional("projection", &[state, hidden], tensors)?;
    let mut weights = LstmWeights::from_parts([input, hidden], matrices, projection)?.with_options(options);
    let peepholes = peepholes(&roles, hidden, tensors)?;
    if peepholes.iter().any(Option::is_some) {
        weights = weights.with_peepholes(peepholes.each_ref().map(Option::as_deref))?;
    }
    let begins = initial(&roles, [state, hidden], tensors)?;
    Ok((weights.into(), begins))
}

fn lstm_options(fields: &mut Fields) -> Result<LstmOptions> {
    let mut used = |gate: &str| match fields.has(gate) {
        true => fields.word(gate, USES),
        false => Ok(GateUse::Learned),
    };
    let [input_gate, forget_gate, output_gate] = GATE_USES;
    Ok(LstmOptions {
        input_gate: used(input_gate)?,
        forget_gate: used(forget_gate)?,
        output_gate: used(output_gate)?,
        coupling: fields.word("coupling", COUPLINGS)?,
        gate: fields.activation("gate")?,
        input: fields.activation("input")?,
        output: fields.activation("output")?,
        clip: fields.optional_number("clip")?,
    })
}

/// p_i, p_f and p_o, any of which may be missing.
fn peepholes(roles: &Roles, hidden: usize, tensors: &mut Tensors<'_>) -> Result<[Option<Vec<f32>>; 3]> {
    let mut all = [None, None, None];
    for (own, role) in all.iter_mut().zip(PEEPHOLES) {
        *own = roles.optional(role, &[hidden], tensors)?;
    }
    Ok(all)
}

fn depth_gated(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = lstm_options(fields)?;
    let needed = [&MATRICES[..], &DEPTH_PEEPHOLES].concat();
    let roles = Roles::of(fields, place, &needed, &[&PEEPHOLES[..], &STATES].concat())?;
    let sizes @ [input, hidden, _] = roles.sizes(5, tensors)?;
    let matrices = matrices(&roles, sizes, [5, 4], tensors)?;
    let [previous, below] = DEPTH_PEEPHOLES;
    let depth = [roles.take(previous, &[hidden], tensors)?, roles.take(below, &[hidden], tensors)?];
    let peepholes = peepholes(&roles, hidden, tensors)?;
    let weights = DepthGatedWeights::from_parts([input, hidden], matrices, depth)?.with_options(options);
    let weights = weights.with_peepholes(peepholes.each_ref().map(Option::as_deref))?;
    Ok((weights.into(), initial(&roles, [hidden, hidden], tensors)?))
}

fn mutant(mutation: Mutation, place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let roles = Roles::of(fields, place, &MATRICES, &STATES[..1])?;
    let sizes @ [input, hidden, state] = roles.sizes(3, tensors)?;
    let matrices = matrices(&roles, sizes, [3; 2], tensors)?;
    let weights = MutantWeights::from_parts(mutation, [input, hidden], matrices)?;
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
}

fn clockwork(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = rnn_options(fields)?;
    let (periods, units, first_t) = (fields.counts("periods")?, fields.counts("units")?, fields.count("first_t")?);
    if periods.len() != units.len() {
        let (periods, units) = (periods.len(), units.len());
        return Err(fields.error(format!("{periods} periods and {units} numbers of units: expected one each a module")));
    }
    let modules = periods.into_iter().zip(units).map(|(period, units)| ClockworkModule { period, units });
    let roles = Roles::of(fields, place, &MATRICES, &STATES[..1])?;
    let sizes @ [input, _, state] = roles.sizes(1, tensors)?;
    let matrices = matrices(&roles, sizes, [1; 2], tensors)?;
    let weights = ClockworkWeights::from_parts(input, matrices, &modules.collect::<Vec<_>>())?;
    let weights = weights.with_first_t(first_t).with_options(options);
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
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
    let matrices = matrices(&roles, sizes, [3; 2], tensors)?;
    let recurrent_bias = roles.take("recurrent_bias", &[hidden], tensors)?;
    let weights = GruWeights::from_parts([input, hidden], matrices, recurrent_bias)?.with_options(options);
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
}

fn rnn(place: &str, fields: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Begun> {
    let options = rnn_options(fields)?;
    let roles = Roles::of(fields, place, &MATRICES, &STATES[..1])?;
    let sizes @ [input, hidden, state] = roles.sizes(1, tensors)?;
    let weights =
        RnnWeights::from_parts([input, hidden], matrices(&roles, sizes, [1; 2], tensors)?)?.with_options(options);
    Ok((weights.into(), initial(&roles, [state, 0], tensors)?))
}

fn rnn_options(fields: &mut Fields) -> Result<RnnOptions> {
    Ok(RnnOptions { activation: fields.activation("activation")?, clip: fields.optional_number("clip")? })
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
