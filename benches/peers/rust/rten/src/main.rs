//! rten runs a case's ONNX graph; `RTEN_NUM_THREADS` says on how many threads.

use rten::{Model, NodeId, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use serve::{Case, Feeding, INFERENCE_ONLY, Peer, Result};

/// A model, its input of every call, and what a stream hands on.
struct Rten {
    model: Model,
    names: Vec<NodeId>,
    outputs: Vec<NodeId>,
    inputs: Vec<NdTensor<f32, 3>>,
    state: Vec<Tensor<f32>>,
    stream: bool,
}

impl Rten {
    /// Runs all calls of a case and shows each y.
    fn run(&mut self, mut show: impl FnMut(Tensor<f32>)) -> Result<()> {
        for x in &self.inputs {
            let x: ValueOrView = x.as_dyn().into();
            let values = [x].into_iter().chain(self.state.iter().map(|state| state.view().into()));
            let inputs = self.names.iter().copied().zip(values).collect();
            let mut tensors = Vec::new();
            for value in self.model.run(inputs, &self.outputs, None)? {
                tensors.push(Tensor::<f32>::try_from(value)?);
            }
            let rest = tensors.split_off(1);
            if self.stream {
                self.state = rest;
            }
            tensors.into_iter().for_each(&mut show);
        }
        Ok(())
    }
}

impl Peer for Rten {
    fn load(case: &Case) -> Result<Self> {
        case.needs_only(&["lstm", "gru", "rnn"], INFERENCE_ONLY)?;
        let model = Model::load_file(case.graph())?;
        let stream = case.feeding == Feeding::Stream;
        let shape = [if stream { 1 } else { case.steps }, case.batch, case.input];
        let call = |x: &[f32]| NdTensor::from_data(shape, x.to_vec());
        let inputs = case.x.chunks_exact(shape.iter().product()).map(call).collect();
        let states = if !stream { 0 } else { 1 + usize::from(case.cell == "lstm") };
        let zeros = || Tensor::zeros(&[case.directions, case.batch, case.hidden]);
        Ok(Rten {
            names: model.input_ids().to_vec(),
            outputs: model.output_ids().to_vec(),
            model,
            inputs,
            state: (0..states).map(|_| zeros()).collect(),
            stream,
        })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        self.run(|y| all.extend(y.to_vec()))?;
        Ok(all)
    }

    fn call(&mut self) -> Result<()> {
        self.run(|y| drop(std::hint::black_box(y)))
    }
}

fn main() {
    serve::serve::<Rten>();
}
