//! Which of an operator's inputs and outputs a node has, and where.

use tract_onnx::pb::NodeProto;

use super::Cell;
use crate::error::{Error, Result};

/// The inputs' names in ONNX's order; a GRU and a simple RNN have the first six.
const INPUTS: [&str; 8] = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];

/// Where each input is among those that the node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inputs {
    pub x: usize,
    /// W, R, B, P; all `None` once they are packed.
    pub weights: [Option<usize>; 4],
    pub lengths: Option<usize>,
    pub initial_h: Option<usize>,
    pub initial_c: Option<usize>,
}

/// An output of the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Every hidden state.
    Y,
    /// The last hidden states.
    LastH,
    /// The last cell states.
    LastC,
}

/// The weights' names, in the order of [`Inputs::weights`].
pub(super) const WEIGHTS: [&str; 4] = ["W", "R", "B", "P"];

impl Inputs {
    /// The inputs that `node` names.
    pub fn of(node: &NodeProto, name: &str, cell: Cell) -> Result<Inputs> {
        let fail =
            |message: String| Err(Error::Node { node: name.to_owned(), operator: node.op_type.clone(), message });
        let known = if cell == Cell::Lstm { 8 } else { 6 };
        let (mut places, mut next) = ([None; 8], 0);
        for (index, input) in node.input.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
            match places.get_mut(index).filter(|_| index < known) {
                Some(place) => *place = Some(next),
                None => return fail(format!("input {index} ({input:?}): the operator has at most {known} inputs")),
            }
            next += 1;
        }
        let [x, w, r, b, lengths, initial_h, initial_c, p] = places;
        match (x, w, r) {
            (Some(x), Some(_), Some(_)) => Ok(Inputs { x, weights: [w, r, b, p], lengths, initial_h, initial_c }),
            _ => {
                let missing = INPUTS.iter().zip([x, w, r]).find(|(_, place)| place.is_none());
                fail(format!("the input {} is missing", missing.map_or("X", |(name, _)| name)))
            }
        }
    }

    /// The same without the weights, and which of the node's inputs remain.
    pub fn without_weights(&self) -> (Inputs, Vec<usize>) {
        let mut kept = Vec::new();
        let mut keep = |place: Option<usize>| {
            place.map(|place| {
                kept.push(place);
                kept.len() - 1
            })
        };
        keep(Some(self.x));
        let inputs = Inputs {
            x: 0,
            weights: [None; 4],
            lengths: keep(self.lengths),
            initial_h: keep(self.initial_h),
            initial_c: keep(self.initial_c),
        };
        (inputs, kept)
    }
}

/// The outputs that `node` names, in its order.
pub(super) fn outputs(node: &NodeProto, name: &str, cell: Cell) -> Result<Vec<Output>> {
    let known: &[Output] = match cell {
        Cell::Lstm => &[Output::Y, Output::LastH, Output::LastC],
        _ => &[Output::Y, Output::LastH],
    };
    let fail = |message: String| Err(Error::Node { node: name.to_owned(), operator: node.op_type.clone(), message });
    let mut outputs = Vec::new();
    for (index, output) in node.output.iter().enumerate().filter(|(_, output)| !output.is_empty()) {
        match known.get(index) {
            Some(known) => outputs.push(*known),
            None => return fail(format!("output {index} ({output:?}): the operator has at most {}", known.len())),
        }
    }
    if outputs.is_empty() {
        return fail("none of its outputs has a name".to_owned());
    }
    Ok(outputs)
}
