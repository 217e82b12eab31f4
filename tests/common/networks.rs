//! Random networks of every cell, each as the engine's model and as the reference's network.

use gatewise::{Activation, Level, Merge, Model, ModelBuilder};
use gatewise_reference as reference;
use proptest::prelude::*;
use proptest::sample::select;
use reference::{AnyCell, Cell, Layer, Network};

use super::cells::Random;

/// The cells of the engine; those of ONNX have activations by chance, and clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lstm,
    Peephole,
    ForgetFromInput,
    InputFromForget,
    CoupledPeephole,
    Projected,
    ProjectedPeephole,
    GruAfter,
    GruBefore,
    RnnTanh,
    RnnRelu,
    OnnxLstm,
    OnnxGruAfter,
    OnnxGruBefore,
    OnnxRnn,
    /// An LSTM some of whose gates are always 1.
    MissingGates,
    Clockwork,
    /// With any activation and clipping.
    AnyClockwork,
    Mut1,
    Mut2,
    Mut3,
    /// Above an LSTM or another of its kind only, so none of [`KINDS`].
    DepthGated,
}

/// Those that can be any layer.
pub const KINDS: [Kind; 21] = [
    Kind::Lstm,
    Kind::Peephole,
    Kind::ForgetFromInput,
    Kind::InputFromForget,
    Kind::CoupledPeephole,
    Kind::Projected,
    Kind::ProjectedPeephole,
    Kind::GruAfter,
    Kind::GruBefore,
    Kind::RnnTanh,
    Kind::RnnRelu,
    Kind::OnnxLstm,
    Kind::OnnxGruAfter,
    Kind::OnnxGruBefore,
    Kind::OnnxRnn,
    Kind::MissingGates,
    Kind::Clockwork,
    Kind::AnyClockwork,
    Kind::Mut1,
    Kind::Mut2,
    Kind::Mut3,
];

/// ONNX's eleven and the identity, with parameters that are none's default.
pub const ACTIVATIONS: [Activation; 12] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Affine { alpha: 0.75, beta: 0.125 },
    Activation::LeakyRelu { alpha: 0.0625 },
    // Where it jumps, one rounding decides: tests/engine/activations.rs has it with a threshold, on exact sums.
    Activation::ThresholdedRelu { alpha: 0.0 },
    Activation::ScaledTanh { alpha: 1.125, beta: 0.625 },
    Activation::HardSigmoid { alpha: 0.25, beta: 0.4375 },
    Activation::Elu { alpha: 0.875 },
    Activation::Softsign,
    Activation::Softplus,
];

/// The directions of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    Forward,
    Reverse,
    Both(Merge),
}

/// The layers of a network.
#[derive(Clone, Debug)]
pub struct Plan {
    pub input: usize,
    /// Cell, hidden units, directions.
    pub layers: Vec<(Kind, usize, Ways)>,
    /// Weights are drawn from ± this over √H: 1 is PyTorch's initial scale.
    pub scale: f32,
}

impl Plan {
    /// One layer that reads forwards, at PyTorch's scale.
    pub fn one(kind: Kind, input: usize, hidden: usize) -> Self {
        Plan { input, layers: vec![(kind, hidden, Ways::Forward)], scale: 1.0 }
    }

    /// So many layers of one width, all in the same directions.
    pub fn stack(kind: Kind, input: usize, hidden: usize, layers: usize, ways: Ways) -> Self {
        Plan { input, layers: vec![(kind, hidden, ways); layers], scale: 1.0 }
    }

    /// So many depth-gated layers over an LSTM with peepholes.
    pub fn depth_gated(input: usize, hidden: usize, above: usize, ways: Ways) -> Self {
        let mut plan = Plan::stack(Kind::DepthGated, input, hidden, above + 1, ways);
        plan.layers[0].0 = Kind::Peephole;
        plan
    }
}

/// Up to three layers of any cell, width and direction: registers of 4, 8 and 16 lanes, groups of blocks, tiles, chains of
/// 64 terms: both sides of each.
pub fn plans() -> impl Strategy<Value = Plan> {
    let merges = [Merge::Concat, Merge::Sum, Merge::Mul, Merge::Average, Merge::None];
    let ways = prop_oneof![
        3 => Just(Ways::Forward),
        1 => Just(Ways::Reverse),
        2 => select(merges.to_vec()).prop_map(Ways::Both),
    ];
    let hidden = prop_oneof![8 => 1usize..56, 1 => 60usize..150];
    let kinds = prop_oneof![10 => select(KINDS.to_vec()), 1 => Just(Kind::DepthGated)];
    let layer = (kinds, hidden, ways);
    let input = prop_oneof![8 => 1usize..40, 1 => 60usize..150];
    (input, prop::collection::vec(layer, 1..4), select(vec![1.0, 2.0])).prop_map(|(input, mut layers, scale)| {
        let last = layers.len() - 1;
        for (_, _, ways) in &mut layers[..last] {
            // Only the last layer can keep its directions apart.
            if *ways == Ways::Both(Merge::None) {
                *ways = Ways::Both(Merge::Concat);
            }
        }
        for index in 0..layers.len() {
            let below = index.checked_sub(1).map(|below| layers[below]);
            let layer = &mut layers[index];
            // A depth gate stands where it can, with the width and the direction of what is below.
            if layer.0 == Kind::DepthGated {
                match below {
                    Some((kind, hidden, ways @ (Ways::Forward | Ways::Reverse))) if kind.is_whole_lstm() => {
                        (layer.1, layer.2) = (hidden, ways);
                    }
                    _ => layer.0 = Kind::Peephole,
                }
            }
        }
        Plan { input, layers, scale }
    })
}

impl Kind {
    /// An LSTM without a projection.
    fn is_whole_lstm(self) -> bool {
        matches!(
            self,
            Kind::Lstm
                | Kind::Peephole
                | Kind::ForgetFromInput
                | Kind::InputFromForget
                | Kind::CoupledPeephole
                | Kind::OnnxLstm
                | Kind::MissingGates
                | Kind::DepthGated
        )
    }
}

/// A network of both halves.
pub struct Twin {
    pub plan: Plan,
    pub builder: ModelBuilder,
    pub reference: Network<AnyCell<f64>>,
}

impl Twin {
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let mut random = Random::new(seed, plan.scale);
        let (mut builder, mut network) = (Model::builder(), Network { layers: Vec::new() });
        let mut input = plan.input;
        for (kind, hidden, ways) in &plan.layers {
            let (weights, cell) = random.cell(*kind, input, *hidden);
            let layer;
            (builder, layer) = match ways {
                Ways::Forward => (builder.layer(weights), Layer::Forward(cell)),
                Ways::Reverse => (builder.reverse(weights), Layer::Reverse(cell)),
                Ways::Both(merge) => {
                    let (other, reverse) = random.cell(*kind, input, *hidden);
                    let both = Layer::Both { forward: cell, reverse, merge: reference_merge(*merge) };
                    (builder.bidirectional(weights, other, *merge), both)
                }
            };
            input = layer.output_size();
            network.layers.push(layer);
        }
        Twin { plan: plan.clone(), builder, reference: network }
    }

    pub fn model(&self, level: Level) -> Model {
        self.builder.clone().level(level).build().unwrap()
    }

    /// The widths of h and c of every pass.
    pub fn widths(&self) -> Vec<[usize; 2]> {
        self.reference.cells().iter().map(|(_, cell)| [cell.output_size(), cell.memory_size()]).collect()
    }
}

pub fn reference_merge(merge: Merge) -> reference::Merge {
    match merge {
        Merge::Concat => reference::Merge::Concat,
        Merge::Sum => reference::Merge::Sum,
        Merge::Mul => reference::Merge::Multiply,
        Merge::Average => reference::Merge::Average,
        Merge::None => reference::Merge::Separate,
    }
}
