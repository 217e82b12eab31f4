//! gatewise, measured as its peers are.

use gatewise::load::{Cell, TorchLayer, TorchModule};
use gatewise::network::blueprint::Blueprint;
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Activation, Layout, Model, Session, TorchTensors};
use serve::{Case, Feeding, Layer, Pass, Peer, Result};

/// A session and the room for what it computes, or a learner.
enum Gatewise {
    Runs { session: Session<Model>, case: Case, y: Vec<f32> },
    Learns { learner: Box<Learner>, case: Case, ones: Vec<f32> },
}

impl Peer for Gatewise {
    fn load(case: &Case) -> Result<Self> {
        let module = module(case)?;
        let threads = rayon::current_num_threads();
        let mut case = case.clone();
        let values = case.steps * case.batch * case.directions * case.hidden;
        case.layers.clear();
        if case.feeding == Feeding::Train {
            let blueprint = Blueprint { layers: module.into_layers("")?, ..Blueprint::default() };
            let learner = Learner::new(blueprint, Options { threads, ..Options::default() })?;
            return Ok(Gatewise::Learns { learner: Box::new(learner), case, ones: vec![1.0; values] });
        }
        let session = Session::new(module.into_builder()?.build()?, case.batch)?.with_threads(threads);
        Ok(Gatewise::Runs { session, case, y: vec![0.0; values] })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        match self {
            Gatewise::Runs { session, case, y } if case.feeding == Feeding::Stream => {
                for (x, y) in case.x.chunks_exact(case.input).zip(y.chunks_exact_mut(case.hidden)) {
                    y.copy_from_slice(session.step(x)?);
                }
                Ok(y.clone())
            }
            Gatewise::Runs { session, case, y } => {
                session.run(&case.x, Layout::TimeMajor, y)?;
                Ok(y.clone())
            }
            Gatewise::Learns { learner, case, ones } => {
                let mut all = learner.forward(&Batch::new(&case.x, Layout::TimeMajor, case.batch))?.y.clone();
                all.extend(&learner.backward(Upstream { y: ones, ..Upstream::default() })?.x);
                all.extend(learner.gradients().into_iter().flat_map(|(_, values)| values));
                Ok(all)
            }
        }
    }

    fn call(&mut self) -> Result<()> {
        match self {
            Gatewise::Runs { session, case, .. } if case.feeding == Feeding::Stream => {
                for x in case.x.chunks_exact(case.input) {
                    std::hint::black_box(session.step(x)?);
                }
            }
            Gatewise::Runs { session, case, y } => {
                session.reset();
                session.run(&case.x, Layout::TimeMajor, y)?;
            }
            Gatewise::Learns { learner, case, ones } => {
                learner.forward(&Batch::new(&case.x, Layout::TimeMajor, case.batch))?;
                learner.zero_gradients();
                learner.backward(Upstream { y: ones, ..Upstream::default() })?;
            }
        }
        Ok(())
    }
}

fn module(case: &Case) -> Result<TorchModule> {
    let cell = match case.cell.as_str() {
        "lstm" => Cell::Lstm,
        "gru" => Cell::Gru,
        _ => Cell::Rnn(Activation::Tanh),
    };
    let tensors = |pass: &Pass| TorchTensors {
        input_size: pass.input,
        hidden_size: case.hidden,
        weight_ih: pass.weight_ih.clone(),
        weight_hh: pass.weight_hh.clone(),
        biases: Some([pass.bias_ih.clone(), pass.bias_hh.clone()]),
        projection: None,
    };
    let layer = |layer: &Layer| -> Result<TorchLayer> {
        let forward = layer.first().map(tensors).ok_or("a layer without a direction")?;
        Ok(TorchLayer { forward, reverse: layer.get(1).map(tensors) })
    };
    Ok(TorchModule { cell, layers: case.layers.iter().map(layer).collect::<Result<_>>()? })
}

fn main() -> Result<()> {
    let threads = std::env::args().nth(1).ok_or("expected the number of threads")?.parse()?;
    // Everything happens on the pool's own threads, as in a program that works there: no call waits to be let in.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(serve::serve::<Gatewise>);
    Ok(())
}
