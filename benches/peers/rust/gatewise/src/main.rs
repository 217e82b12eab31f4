//! gatewise, measured as its peers are.

use gatewise::load::{Cell, TorchLayer, TorchModule};
use gatewise::network::blueprint::Blueprint;
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Activation, Layout, Model, Session, TorchTensors};
use serve::{Case, Feeding, Layer, Pass, Peer, Result};

/// What runs the case.
enum Engine {
    Runs(Box<Session<Model>>),
    Learns(Box<Learner>),
}

/// An engine, what it is fed, and the room for y; of a case that learns, the gradient of y.
struct Gatewise {
    engine: Engine,
    case: Case,
    y: Vec<f32>,
}

impl Gatewise {
    fn batch(case: &Case) -> Batch<'_> {
        Batch::new(&case.x, Layout::TimeMajor, case.batch)
    }
}

impl Peer for Gatewise {
    fn load(case: &Case) -> Result<Self> {
        let module = module(case)?;
        let threads = rayon::current_num_threads();
        let mut y = vec![0.0; case.steps * case.batch * case.directions * case.hidden];
        let engine = if case.feeding == Feeding::Train {
            y.fill(1.0);
            let blueprint = Blueprint { layers: module.into_layers("")?, ..Blueprint::default() };
            Engine::Learns(Box::new(Learner::new(blueprint, Options { threads, ..Options::default() })?))
        } else {
            let model = module.into_builder()?.build()?;
            Engine::Runs(Box::new(Session::new(model, case.batch)?.with_threads(threads)))
        };
        Ok(Gatewise { engine, case: case.clone(), y })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        let Gatewise { engine, case, y } = self;
        match engine {
            Engine::Runs(session) if case.feeding == Feeding::Stream => {
                for (x, y) in case.x.chunks_exact(case.input).zip(y.chunks_exact_mut(case.hidden)) {
                    y.copy_from_slice(session.step(x)?);
                }
                Ok(y.clone())
            }
            Engine::Runs(session) => {
                session.run(&case.x, Layout::TimeMajor, y)?;
                Ok(y.clone())
            }
            Engine::Learns(learner) => {
                let mut all = learner.forward(&Gatewise::batch(case))?.y.clone();
                all.extend(&learner.backward(Upstream { y, ..Upstream::default() })?.x);
                all.extend(learner.gradients().into_iter().flat_map(|(_, values)| values));
                Ok(all)
            }
        }
    }

    fn call(&mut self) -> Result<()> {
        let Gatewise { engine, case, y } = self;
        match engine {
            Engine::Runs(session) if case.feeding == Feeding::Stream => {
                for x in case.x.chunks_exact(case.input) {
                    std::hint::black_box(session.step(x)?);
                }
            }
            Engine::Runs(session) => {
                session.reset();
                session.run(&case.x, Layout::TimeMajor, y)?;
            }
            Engine::Learns(learner) => {
                learner.forward(&Gatewise::batch(case))?;
                learner.zero_gradients();
                learner.backward(Upstream { y, ..Upstream::default() })?;
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
