//! A recurrent node while shapes are being inferred.

use gatewise::Layout;
use tract_onnx::prelude::{OutletId, TVec, TractResult, TypedModel};
use tract_onnx::tract_hir::internal::*;

use super::operator::Recurrent;
use super::shapes::axes;
use super::slots::{Inputs, Output};
use super::{Direction, Spec};
use crate::options::Engine;

/// A node as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    pub spec: Spec,
    pub inputs: Inputs,
    pub outputs: Vec<Output>,
    pub engine: Engine,
}

impl Expansion for Unpacked {
    fn name(&self) -> StaticName {
        self.spec.cell.name().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs.len())
    }

    /// Weights are packed when the shapes are known, not to fold a constant.
    fn runs_out_of_plan(&self) -> bool {
        false
    }

    /// The outputs' shapes only: what the inputs must be is checked in [`wire`](Expansion::wire), with better messages.
    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (Some(x), [_, Some(r), ..]) = (inputs.get(self.inputs.x), self.inputs.weights) else {
            bail!("{} has no inputs X and R", self.spec.node);
        };
        let Some(r) = inputs.get(r) else { bail!("{} has no input R", self.spec.node) };
        let [time, batch] = axes(self.spec.layout).map(|axis| &x.shape[axis]);
        let directions = || (self.spec.direction.count() as i64).to_dim();
        for (kind, output) in self.outputs.iter().zip(outputs) {
            s.equals(&output.datum_type, f32::datum_type())?;
            let (direction_axis, batch_axis) = match (kind, self.spec.layout) {
                (Output::Y, Layout::TimeMajor) => (1, 2),
                (Output::Y, Layout::BatchFirst) => (2, 0),
                (_, Layout::TimeMajor) => (0, 1),
                (_, Layout::BatchFirst) => (1, 0),
            };
            let rank = if *kind == Output::Y { 4 } else { 3 };
            s.equals(&output.rank, rank)?;
            s.equals(&output.shape[direction_axis], directions())?;
            s.equals(&output.shape[batch_axis], batch)?;
            if *kind == Output::Y {
                let time_axis = if self.spec.layout == Layout::TimeMajor { 0 } else { 1 };
                s.equals(&output.shape[time_axis], time)?;
            }
            let hidden_axis = rank as usize - 1;
            match self.spec.hidden {
                Some(hidden) => s.equals(&output.shape[hidden_axis], (hidden as i64).to_dim())?,
                None => s.equals(&output.shape[hidden_axis], &r.shape[2])?,
            }
        }
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let facts = inputs.iter().map(|input| model.outlet_fact(*input)).collect::<TractResult<TVec<_>>>()?;
        let operator = Recurrent::new(self, &facts)?;
        let packed = operator.packed(&facts)?;
        drop(facts);
        match packed {
            None => model.wire_node(prefix, operator, inputs),
            Some((operator, kept)) => {
                let inputs: TVec<OutletId> = kept.iter().filter_map(|place| inputs.get(*place).copied()).collect();
                model.wire_node(prefix, operator, &inputs)
            }
        }
    }
}

impl Spec {
    /// What the operator is in a few words, such as `LSTM I=7 H=11, both directions`.
    pub fn describe(&self, input: Option<usize>, hidden: Option<usize>) -> String {
        let size = |letter: &str, size: Option<usize>| size.map_or(String::new(), |size| format!(" {letter}={size}"));
        let direction = match self.direction {
            Direction::Forward => "forward",
            Direction::Reverse => "reverse",
            Direction::Both => "both directions",
        };
        let batch_first = if self.layout == Layout::BatchFirst { ", batch first" } else { "" };
        let (input, hidden) = (size("I", input), size("H", hidden.or(self.hidden)));
        format!("{}{input}{hidden}, {direction}{batch_first}", self.cell.name())
    }
}
