//! tract runs a case's ONNX graph, declutterred and optimised for this machine.

use std::sync::Arc;

use serve::{Case, Feeding, INFERENCE_ONLY, Peer, Result};
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

/// A runnable graph, its input of every call, and what a stream hands on.
struct Tract {
    graph: Arc<TypedRunnableModel>,
    inputs: Vec<TValue>,
    state: TVec<TValue>,
    stream: bool,
}

impl Tract {
    /// Runs all calls of a case and shows each y.
    fn run(&mut self, mut show: impl FnMut(&TValue) -> Result<()>) -> Result<()> {
        for x in &self.inputs {
            let mut inputs = tvec!(x.clone());
            inputs.extend(self.state.iter().cloned());
            let mut outputs = self.graph.run(inputs)?;
            if self.stream {
                self.state = outputs.drain(1..).collect();
            }
            show(&outputs[0])?;
        }
        Ok(())
    }
}

impl Peer for Tract {
    fn load(case: &Case) -> Result<Self> {
        case.needs_only(&["lstm", "gru", "rnn"], INFERENCE_ONLY)?;
        let graph = onnx().model_for_path(case.graph())?.into_optimized()?.into_runnable()?;
        let stream = case.feeding == Feeding::Stream;
        let steps = if stream { 1 } else { case.steps };
        let shape = [steps, case.batch, case.input];
        let call = |x: &[f32]| -> Result<TValue> { Ok(Tensor::from_shape(&shape, x)?.into_tvalue()) };
        let inputs = case.x.chunks_exact(shape.iter().product()).map(call).collect::<Result<_>>()?;
        let states = if !stream { 0 } else { 1 + usize::from(case.cell == "lstm") };
        let zeros = || Tensor::zero::<f32>(&[case.directions, case.batch, case.hidden]);
        let state = (0..states).map(|_| Ok(zeros()?.into_tvalue())).collect::<Result<_>>()?;
        Ok(Tract { graph, inputs, state, stream })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        self.run(|y| {
            all.extend(y.to_plain_array_view::<f32>()?.iter());
            Ok(())
        })?;
        Ok(all)
    }

    fn call(&mut self) -> Result<()> {
        self.run(|_| Ok(()))
    }
}

fn main() -> Result<()> {
    let threads: usize = std::env::args().nth(1).ok_or("expected the number of threads")?.parse()?;
    if threads > 1 {
        set_default_executor(Executor::multithread(threads));
    }
    serve::serve::<Tract>();
    Ok(())
}
