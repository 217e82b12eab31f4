//! One of tract's operators that looks at sizes before it is inferred, computed or translated.

use std::collections::HashMap;

use tract_onnx::tract_hir::internal::*;

use super::{COMPUTED, CONSTANT, CONSTANTS, within};
use crate::error::{Error, Result};

/// Operators whose output's size follows from values.
const GROWING: [&str; 8] =
    ["ConstantOfShape", "MultiBroadcastTo", "Range", "Tile", "Pad", "Resize", "OneHot", "EyeLike"];

/// An operator of which no output may be larger than allowed.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    pub operator: Box<dyn InferenceOp>,
    /// The node's name, for errors.
    pub node: String,
    /// Bytes of an array that depends on inputs.
    pub largest: usize,
    /// Whether its constants are counted already.
    pub counted: bool,
}

impl PartialEq for Bounded {
    /// Operators of a graph that is being read are never merged.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Bounded {}

impl Bounded {
    /// Refuses outputs above the bound; returns the bytes of those whose size is known, `None` if one's is not.
    fn bytes(&self, outputs: &[InferenceFact], constant: bool) -> Result<Option<usize>> {
        let limit = if constant { CONSTANT } else { self.largest };
        let (mut all, mut known) = (0usize, true);
        for fact in outputs {
            let sizes: Option<Vec<i64>> =
                fact.shape.concretize().and_then(|shape| shape.iter().map(TDim::as_i64).collect());
            let Some(sizes) = sizes else {
                known = false;
                continue;
            };
            let whole = sizes.iter().map(|size| usize::try_from(*size)).collect::<std::result::Result<Vec<_>, _>>();
            let Ok(sizes) = whole else {
                let message = format!("its output would have the sizes {sizes:?}");
                let operator = self.operator.name().into_owned();
                return Err(Error::Node { node: self.node.clone(), operator, message });
            };
            let size = fact.datum_type.concretize().map_or(8, |datum| datum.size_of());
            all = all.saturating_add(within(&self.node, &sizes, size, limit)?);
        }
        Ok(known.then_some(all))
    }

    /// Refuses sizes that tract would take modulo 2³²: it reads them as 32-bit integers.
    fn check_sizes(&self, inputs: &[InferenceFact]) -> Result<()> {
        if !self.grows() {
            return Ok(());
        }
        for tensor in inputs.iter().filter_map(|input| input.value.concretize()) {
            let values = tensor.try_as_plain_ram().and_then(|view| view.as_slice::<i64>()).unwrap_or_default();
            if let Some(value) = values.iter().find(|value| i32::try_from(**value).is_err()) {
                let message = format!("an input holds {value}; sizes of 2^31 and more are not supported");
                return Err(Error::Node {
                    node: self.node.clone(),
                    operator: self.operator.name().into_owned(),
                    message,
                });
            }
        }
        Ok(())
    }

    /// Whether its output's size follows from values.
    fn grows(&self) -> bool {
        GROWING.contains(&&*self.operator.name())
    }

    /// Counts a graph's constants together.
    fn count(&self, bytes: usize) -> Result<()> {
        let all = COMPUTED.get().saturating_add(bytes);
        COMPUTED.set(all);
        if all > CONSTANTS {
            let shape = "[…] (all constants so far together)".to_owned();
            return Err(Error::TooLarge { node: self.node.clone(), shape, limit: CONSTANTS });
        }
        Ok(())
    }
}

impl Op for Bounded {
    fn name(&self) -> StaticName {
        self.operator.name()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        self.operator.info()
    }

    fn validation(&self) -> Validation {
        self.operator.validation()
    }

    fn mints_runtime_symbols(&self) -> bool {
        self.operator.mints_runtime_symbols()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        self.operator.as_typed()
    }
}

impl EvalOp for Bounded {
    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.operator.eval(context, inputs)
    }

    fn forwards_input(&self) -> Option<usize> {
        self.operator.forwards_input()
    }

    /// A branch of an If is evaluated without being inferred as part of the graph, so its constants are checked here.
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        let fact = |input: &TValue| InferenceFact::try_from(input.clone().into_arc_tensor());
        let facts = inputs.iter().map(fact).collect::<TractResult<Vec<_>>>()?;
        self.check_sizes(&facts)?;
        let outputs = vec![InferenceFact::default(); self.operator.nboutputs()?];
        let mut operator = self.operator.clone();
        let (_, outputs, _) = operator.infer_facts(facts.iter().collect(), outputs.iter().collect(), tvec![])?;
        self.bytes(&outputs, true)?;
        self.operator.eval_out_of_plan(inputs)
    }

    fn state(&self, context: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        self.operator.state(context)
    }
}

impl InferenceOp for Bounded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let inferred = self.operator.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        self.check_sizes(&inferred.0)?;
        let constant = !inferred.0.is_empty() && inferred.0.iter().all(|input| input.value.is_concrete());
        let bytes = self.bytes(&inferred.1, constant)?;
        // An operator whose output could have any size is not computed here.
        if !constant || (bytes.is_none() && self.grows()) {
            return Ok(inferred);
        }
        if let Some(bytes) = bytes.filter(|_| !self.counted) {
            self.count(bytes)?;
            self.counted = true;
        }
        self.operator.infer(inputs, outputs, observed)
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        self.operator.observe_outlets(model, node)
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        self.operator.infer_facts(inputs, outputs, observed)
    }

    fn incorporate(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Option<InferenceModelPatch>> {
        self.operator.incorporate(model, node)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.operator.nboutputs()
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let inputs = source.node_input_facts(node.id)?;
        let constant = !inputs.is_empty() && inputs.iter().all(|input| input.value.is_concrete());
        let outputs: Vec<InferenceFact> = node.outputs.iter().map(|output| output.fact.clone()).collect();
        self.bytes(&outputs, constant)?;
        self.operator.to_typed(source, node, target, mapping)
    }

    as_op!();
}
