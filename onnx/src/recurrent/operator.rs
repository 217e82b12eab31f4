//! A recurrent node as an operator that tract runs.

use std::sync::Arc;

use gatewise::{Layout, Model};
use tract_onnx::prelude::{DatumType, TValue, TVec, Tensor, TractResult, TypedFact, TypedModel};
use tract_onnx::tract_hir::internal::*;

use super::compute::{self, Call};
use super::inference::Unpacked;
use super::shapes::{self, Shape, Sizes, axes};
use super::slots::{Inputs, Output};
use super::weights::{self, Tensors};
use super::{Cell, Spec};
use crate::options::Engine;

/// The operator: its weights packed once, or taken as inputs at every call where they are no constants.
#[derive(Clone)]
pub(super) struct Recurrent {
    spec: Arc<Spec>,
    inputs: Inputs,
    outputs: Vec<Output>,
    engine: Engine,
    /// H.
    hidden: usize,
    model: Option<Arc<Model>>,
}

impl std::fmt::Debug for Recurrent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let input = self.model.as_ref().map(|model| model.input_size());
        f.write_str(&self.spec.describe(input, Some(self.hidden)))
    }
}

/// The same node's, with the same packed weights.
impl PartialEq for Recurrent {
    fn eq(&self, other: &Self) -> bool {
        let weights = match (&self.model, &other.model) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            _ => false,
        };
        weights
            && (Arc::ptr_eq(&self.spec, &other.spec) || self.spec == other.spec)
            && (&self.inputs, &self.outputs, self.engine) == (&other.inputs, &other.outputs, other.engine)
    }
}

impl Eq for Recurrent {}

impl Recurrent {
    /// Checks what is known of the inputs.
    pub fn new(node: &Unpacked, facts: &[&TypedFact]) -> TractResult<Recurrent> {
        let Unpacked { mut spec, inputs, outputs, engine } = node.clone();
        let sizes = checked(&spec, &inputs, facts)?;
        let hidden =
            sizes.hidden.ok_or_else(|| spec.error("neither hidden_size nor R says how many units there are"))?;
        spec.hidden = Some(hidden);
        Ok(Recurrent { spec: spec.into(), inputs, outputs, engine, hidden, model: None })
    }

    /// The operator with packed weights and the inputs that it keeps, if all weights are constants.
    pub fn packed(&self, facts: &[&TypedFact]) -> TractResult<Option<(Recurrent, Vec<usize>)>> {
        let given = self.inputs.weights.into_iter().flatten();
        let constant = |place: usize| facts.get(place).and_then(|fact| fact.konst.as_deref());
        if self.model.is_some() || !given.into_iter().all(|place| constant(place).is_some()) {
            return Ok(None);
        }
        let constants = self.inputs.weights.map(|place| place.and_then(constant));
        let model = Some(Arc::new(self.pack(constants)?));
        let (inputs, kept) = self.inputs.without_weights();
        Ok(Some((Recurrent { inputs, model, ..self.clone() }, kept)))
    }

    /// Packs W, R, B, P, whose shapes fit each other.
    fn pack(&self, [w, r, b, p]: [Option<&Tensor>; 4]) -> TractResult<Model> {
        let missing = || self.spec.error("the inputs W and R are missing");
        let (w, r) = (w.ok_or_else(missing)?, r.ok_or_else(missing)?);
        let input = w.shape().get(2).copied().unwrap_or(0);
        let (b, p) = (b.map(values).transpose()?, p.map(values).transpose()?);
        let tensors = Tensors { w: values(w)?, r: values(r)?, b, p, input, hidden: self.hidden };
        Ok(weights::pack(&self.spec, &tensors, self.engine.level)?)
    }

    fn shape(&self, output: Output, steps: TDim, batch: TDim) -> TVec<TDim> {
        let (directions, hidden) = (self.spec.direction.count().to_dim(), self.hidden.to_dim());
        match (output, self.spec.layout) {
            (Output::Y, Layout::TimeMajor) => tvec![steps, directions, batch, hidden],
            (Output::Y, Layout::BatchFirst) => tvec![batch, steps, directions, hidden],
            (_, Layout::TimeMajor) => tvec![directions, batch, hidden],
            (_, Layout::BatchFirst) => tvec![batch, directions, hidden],
        }
    }

    fn run(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let facts: Vec<(Shape, DatumType)> = inputs
            .iter()
            .map(|input| (input.shape().iter().map(|size| Some(*size)).collect(), input.datum_type()))
            .collect();
        let sizes = check(&self.spec, &self.inputs, facts)?;
        let (steps, batch) = (sizes.steps.unwrap_or(0), sizes.batch.unwrap_or(0));
        let at = |place: Option<usize>| place.and_then(|place| inputs.get(place)).map(|value| &**value);
        let model = match &self.model {
            Some(model) => {
                // The constant W said how many features there are.
                if sizes.input != Some(model.input_size()) {
                    let found = sizes.input.map_or("?".to_owned(), |size| size.to_string());
                    let message = format!("input X has {found} features, expected I = {}", model.input_size());
                    return Err(self.spec.error(message).into());
                }
                model.clone()
            }
            None => Arc::new(self.pack(self.inputs.weights.map(at))?),
        };
        let x = at(Some(self.inputs.x)).ok_or_else(|| self.spec.error("the input X is missing"))?;
        let call = Call {
            x: values(x)?,
            steps,
            batch,
            lengths: at(self.inputs.lengths).map(values).transpose()?,
            initial_h: at(self.inputs.initial_h).map(values).transpose()?,
            initial_c: at(self.inputs.initial_c).map(values).transpose()?,
        };
        let concrete = |output: Output| -> TVec<usize> {
            let shape = self.shape(output, steps.to_dim(), batch.to_dim());
            shape.iter().filter_map(|size| size.to_usize().ok()).collect()
        };
        let mut y = match self.outputs.contains(&Output::Y) {
            true => Some(Tensor::zero::<f32>(&concrete(Output::Y))?),
            false => None,
        };
        let mut view = y.as_mut().map(|y| y.try_as_plain_ram_mut()).transpose()?;
        let into = view.as_mut().map(|view| view.as_slice_mut::<f32>()).transpose()?;
        let last = compute::run(&self.spec, &model, self.engine.threads, &call, into)?;
        let mut results: TVec<TValue> = tvec![];
        for output in &self.outputs {
            let shape = concrete(*output);
            results.push(match output {
                Output::Y => y.take().ok_or_else(|| self.spec.error("Y is there once only"))?.into_tvalue(),
                Output::LastH => Tensor::from_shape(&shape, &last.h)?.into_tvalue(),
                Output::LastC => Tensor::from_shape(&shape, &last.c)?.into_tvalue(),
            });
        }
        Ok(results)
    }
}

/// The values of a tensor of that type.
fn values<D: Datum>(tensor: &Tensor) -> TractResult<&[D]> {
    tensor.try_as_plain_ram()?.as_slice::<D>()
}

fn checked(spec: &Spec, inputs: &Inputs, facts: &[&TypedFact]) -> TractResult<Sizes> {
    let size = |dim: &TDim| dim.as_i64().and_then(|dim| usize::try_from(dim).ok());
    check(spec, inputs, facts.iter().map(|fact| (fact.shape.iter().map(size).collect(), fact.datum_type)).collect())
}

/// Checks shapes and element types.
fn check(spec: &Spec, inputs: &Inputs, facts: Vec<(Shape, DatumType)>) -> TractResult<Sizes> {
    for (place, (_, found)) in facts.iter().enumerate() {
        let expected = if inputs.lengths == Some(place) { i32::datum_type() } else { f32::datum_type() };
        if *found != expected {
            let (name, only) =
                (shapes::name(inputs, place), if expected == f32::datum_type() { "float32" } else { "int32" });
            return Err(spec.error(format!("input {name} has elements of type {found:?}, expected {only}")).into());
        }
    }
    let shapes: Vec<Shape> = facts.into_iter().map(|(shape, _)| shape).collect();
    Ok(shapes::check(spec, inputs, &shapes)?)
}

impl Op for Recurrent {
    fn name(&self) -> StaticName {
        match self.spec.cell {
            Cell::Lstm => "GatewiseLstm",
            Cell::Gru => "GatewiseGru",
            Cell::Rnn => "GatewiseRnn",
        }
        .into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{self:?}")])
    }

    /// Sums are ordered otherwise than in tract's own operator.
    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Recurrent {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.run(&inputs)
    }
}

impl TypedOp for Recurrent {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        checked(&self.spec, &self.inputs, inputs)?;
        let x = inputs.get(self.inputs.x).ok_or_else(|| self.spec.error("the input X is missing"))?;
        let [steps, batch] = axes(self.spec.layout).map(|axis| x.shape.get(axis).cloned().unwrap_or_default());
        let fact = |output: &Output| f32::fact(self.shape(*output, steps.clone(), batch.clone()));
        Ok(self.outputs.iter().map(fact).collect())
    }

    /// Packs weights that have become constants.
    fn declutter(&self, model: &TypedModel, node: &TypedNode) -> TractResult<Option<TypedModelPatch>> {
        let facts = model.node_input_facts(node.id)?;
        let Some((operator, kept)) = self.packed(&facts)? else { return Ok(None) };
        let inputs: TVec<OutletId> = kept.iter().filter_map(|place| node.inputs.get(*place).copied()).collect();
        TypedModelPatch::replace_single_op(model, node, &inputs, operator).map(Some)
    }
}
