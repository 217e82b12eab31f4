//! One layer and direction with its weights packed for one instruction set.

use wide::f32x16;

use super::clockwork::Clock;
use super::stream::{self, Advance};
use crate::activation::Activation;
use crate::cell::depth_gated::DepthGated;
use crate::cell::gru::{AnyGru, GruOptions, Reset, ResetBefore, StandardGru};
use crate::cell::learn::Learn;
use crate::cell::lstm::{AnyLstm, LstmOptions, StandardLstm};
use crate::cell::mutant::{FirstMutant, Mutation, OtherMutant};
use crate::cell::rnn::{AnyRnn, RnnOptions, TanhRnn};
use crate::error::Result;
use crate::kernel::chains::Chains;
use crate::kernel::pack::{Division, Panels};
use crate::simd::{Isa, Kernel, Level, Token, dispatch_apart};
use crate::weights::{
    ClockworkWeights, DepthGatedWeights, GruWeights, LstmWeights, MutantWeights, RnnWeights, Weights,
};

/// Packed weights, and which cell they are for.
#[derive(Clone)]
pub(crate) struct Packed {
    /// The instruction set.
    pub token: Token,
    /// The hidden units.
    pub division: Division,
    /// The cell.
    pub kind: Kind,
    /// W.
    pub input: Panels,
    /// b, a register for each block and gate.
    bias: Vec<f32x16>,
    /// R: all gates', or those that hear h⁻ itself.
    pub recurrent: Panels,
    /// The gates that it is of.
    pub heard: &'static [usize],
    /// R of the gate that hears something else: a candidate's that hears r·h⁻.
    pub candidate: Option<Panels>,
    /// R of an update gate that hears tanh(h⁻).
    pub squashed: Option<Panels>,
    /// The modules of a clockwork RNN, whose W, R and b are theirs.
    pub clock: Option<Clock>,
    /// The projection of h.
    pub projection: Option<Projection>,
    /// The recurrent sums' order.
    pub chains: Chains,
    /// A vector a unit: peepholes, a GRU's b_rn, MUT1's b_h.
    unit_values: Vec<f32x16>,
    unit_values_len: usize,
    /// I, H, and the width of h.
    pub sizes: Sizes,
    /// One row's step.
    pub advance: Advance,
}

/// The sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// I.
    pub input: usize,
    /// H.
    pub hidden: usize,
    /// The width of h: H, or P behind a projection.
    pub output: usize,
    /// Gates of a unit.
    pub gates: usize,
    /// The width of c: H, or 0 where the cell has none.
    pub memory: usize,
}

/// `h = W_hr · (o·tanh(c))`.
#[derive(Clone)]
pub(crate) struct Projection {
    /// The projected units.
    pub division: Division,
    /// W_hr.
    pub panels: Panels,
    /// The sums' order.
    pub chains: Chains,
}

/// Which cell, so that the standard ones run without a choice inside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// LSTM, nothing out of the ordinary.
    StandardLstm,
    /// LSTM with options.
    AnyLstm(LstmOptions),
    /// GRU, reset after.
    StandardGru,
    /// GRU, reset after, with options.
    AnyGru(GruOptions),
    /// GRU, reset before.
    ResetBefore(GruOptions),
    /// Simple RNN, tanh.
    TanhRnn,
    /// Simple RNN with options.
    AnyRnn(RnnOptions),
    /// Simple RNN at the pace of its modules.
    Clockwork(RnnOptions),
    /// MUT1, MUT2 or MUT3.
    Mutant(Mutation),
    /// LSTM with options and a depth gate.
    DepthGated(LstmOptions),
}

/// What is done with a layer, whichever its cell is.
pub(crate) trait Visit: Sized {
    /// Of a cell all of whose gates are summed at every step. `#[inline(always)]`.
    fn steady<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(self, isa: I, cell: C);

    /// Of a simple RNN at the pace of its modules. `#[inline(always)]`.
    fn clockwork<I: Isa, C: Learn<1, 1>>(self, isa: I, cell: C);
}

impl Kind {
    /// Does it for the cell, which has such vectors ([`Packed::unit_values`]), with the registers of `token`.
    #[inline]
    pub fn visit(self, token: Token, vectors: &[f32], visit: impl Visit) {
        match self {
            Kind::StandardLstm => steady(token, StandardLstm, visit),
            Kind::AnyLstm(options) => steady(token, AnyLstm { options, peepholes: vectors }, visit),
            Kind::DepthGated(options) => {
                let (peepholes, depth) = vectors.split_at(vectors.len() / 5 * 3);
                steady(token, DepthGated { lstm: AnyLstm { options, peepholes }, depth }, visit);
            }
            Kind::StandardGru => steady(token, StandardGru { recurrent_bias: vectors }, visit),
            Kind::AnyGru(options) => steady(token, AnyGru { options, recurrent_bias: vectors }, visit),
            Kind::ResetBefore(options) => steady(token, ResetBefore { options }, visit),
            Kind::Mutant(Mutation::Mut1) => steady(token, FirstMutant { bias: vectors }, visit),
            Kind::Mutant(Mutation::Mut2 | Mutation::Mut3) => steady(token, OtherMutant, visit),
            Kind::TanhRnn => steady(token, TanhRnn, visit),
            Kind::AnyRnn(options) => steady(token, AnyRnn { options }, visit),
            Kind::Clockwork(options) if is_tanh(options) => dispatch_apart(token, OfClockwork { cell: TanhRnn, visit }),
            Kind::Clockwork(options) => dispatch_apart(token, OfClockwork { cell: AnyRnn { options }, visit }),
        }
    }
}

/// A visit to one cell.
struct OfSteady<C, V, const GATES: usize, const KEPT: usize> {
    cell: C,
    visit: V,
}

#[inline]
fn steady<C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(token: Token, cell: C, visit: impl Visit) {
    dispatch_apart(token, OfSteady { cell, visit });
}

impl<C: Learn<GATES, KEPT>, V: Visit, const GATES: usize, const KEPT: usize> Kernel for OfSteady<C, V, GATES, KEPT> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        self.visit.steady(isa, self.cell);
    }
}

struct OfClockwork<C, V> {
    cell: C,
    visit: V,
}

impl<C: Learn<1, 1>, V: Visit> Kernel for OfClockwork<C, V> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        self.visit.clockwork(isa, self.cell);
    }
}

fn is_tanh(options: RnnOptions) -> bool {
    options.activation == Activation::Tanh && options.clip.is_none()
}

impl Packed {
    /// Packs for `level`, or for fewer lanes where the layer has no more units.
    pub fn new(weights: &Weights, level: Level) -> Result<Self> {
        // Eight lanes divide sooner than sixteen; the bits are the same.
        let narrow = level == Level::Avx512 && weights.hidden_size() <= Level::Avx2.lanes();
        let token = level.token()?;
        let token = if narrow { Level::Avx2.token()? } else { token };
        Ok(match weights {
            Weights::Lstm(weights) => Packed::lstm(weights, token),
            Weights::Gru(weights) => Packed::gru(weights, token),
            Weights::Rnn(weights) => Packed::rnn(weights, token),
            Weights::Clockwork(weights) => Packed::clockwork(weights, token),
            Weights::Mutant(weights) => Packed::mutant(weights, token),
            Weights::DepthGated(weights) => Packed::depth_gated(weights, token),
        })
    }

    fn lstm(weights: &LstmWeights, token: Token) -> Self {
        let standard = weights.options() == LstmOptions::default() && weights.peepholes().is_none();
        let (hidden, output) = (weights.hidden_size(), weights.output_size());
        let kind = if standard { Kind::StandardLstm } else { Kind::AnyLstm(weights.options()) };
        let sizes = Sizes { input: weights.input_size(), hidden, output, gates: 4, memory: hidden };
        let matrices = [weights.weight_ih(), weights.weight_hh(), weights.bias()];
        let mut packed = Packed::pack(token, kind, sizes, matrices, &[0, 1, 2, 3]);
        if let Some(peepholes) = weights.peepholes() {
            packed.set_unit_values(peepholes);
        }
        packed.projection = weights.projection().map(|matrix| {
            let division = Division::new(output, packed.division.lanes);
            let panels = Panels::pack(&division, &[0], hidden, matrix);
            Projection { division, panels, chains: Chains::InOrder }
        });
        packed
    }

    fn gru(weights: &GruWeights, token: Token) -> Self {
        let (hidden, options) = (weights.hidden_size(), weights.options());
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 3, memory: 0 };
        let bias = weights.packed_bias();
        let matrices = [weights.weight_ih(), weights.weight_hh(), &bias];
        if options.reset == Reset::Before {
            let mut packed = Packed::pack(token, Kind::ResetBefore(options), sizes, matrices, &[0, 1]);
            packed.candidate = Some(Panels::pack(&packed.division, &[2], hidden, weights.weight_hh()));
            return packed;
        }
        let kind = if options == GruOptions::default() { Kind::StandardGru } else { Kind::AnyGru(options) };
        let mut packed = Packed::pack(token, kind, sizes, matrices, &[0, 1, 2]);
        packed.set_unit_values(&[weights.recurrent_bias()]);
        packed
    }

    fn mutant(weights: &MutantWeights, token: Token) -> Self {
        let (hidden, mutation) = (weights.hidden_size(), weights.mutation());
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 3, memory: 0 };
        let mut bias = weights.bias().to_vec();
        if mutation == Mutation::Mut1 {
            // b_h is added behind the inner tanh.
            bias[2 * hidden..].fill(0.0);
        }
        let heard: &[usize] = if mutation == Mutation::Mut2 { &[0, 1] } else { &[0] };
        let matrices = [weights.weight_ih(), weights.weight_hh(), &bias];
        let mut packed = Packed::pack(token, Kind::Mutant(mutation), sizes, matrices, heard);
        let other = |gate: usize| Some(Panels::pack(&packed.division, &[gate], hidden, weights.weight_hh()));
        (packed.candidate, packed.squashed) = (other(2), if mutation == Mutation::Mut3 { other(1) } else { None });
        packed.set_unit_values(&[&weights.bias()[2 * hidden..]]);
        packed
    }

    fn depth_gated(weights: &DepthGatedWeights, token: Token) -> Self {
        let hidden = weights.hidden_size();
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 5, memory: hidden };
        // The depth gate hears no h⁻: zeros, so that its step is that of any other cell.
        let mut recurrent = weights.weight_hh().to_vec();
        recurrent.resize(5 * hidden * hidden, 0.0);
        let matrices = [weights.weight_ih(), &recurrent, weights.bias()];
        let mut packed = Packed::pack(token, Kind::DepthGated(weights.options()), sizes, matrices, &[0, 1, 2, 3, 4]);
        packed.set_unit_values(weights.peepholes());
        packed
    }

    fn clockwork(weights: &ClockworkWeights, token: Token) -> Self {
        let hidden = weights.hidden_size();
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 1, memory: 0 };
        let mut packed = Packed::pack(token, Kind::Clockwork(weights.options()), sizes, [&[]; 3], &[]);
        packed.clock = Some(Clock::pack(weights, packed.division.lanes));
        packed
    }

    fn rnn(weights: &RnnWeights, token: Token) -> Self {
        let (hidden, options) = (weights.hidden_size(), weights.options());
        let kind = if is_tanh(options) { Kind::TanhRnn } else { Kind::AnyRnn(options) };
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 1, memory: 0 };
        Packed::pack(token, kind, sizes, [weights.weight_ih(), weights.weight_hh(), weights.bias()], &[0])
    }

    /// Packs W, R and b; `recurrent` names the gates that hear h⁻ itself.
    /// Of a cell whose weights are packed elsewhere it names none, and W is not packed either.
    fn pack(
        token: Token,
        kind: Kind,
        sizes: Sizes,
        [input, hidden, bias]: [&[f32]; 3],
        recurrent: &'static [usize],
    ) -> Self {
        let division = Division::new(sizes.hidden, token.level().lanes());
        let gates: Vec<usize> = if recurrent.is_empty() { Vec::new() } else { (0..sizes.gates).collect() };
        // A bias is a matrix of one column: its packed lines are one line a group, the groups in order.
        let lines = Panels::pack(&division, &gates, 1, bias);
        let bias = (0..division.groups()).flat_map(|group| lines.group(group).to_vec()).collect::<Vec<f32>>();
        Packed {
            token,
            kind,
            input: Panels::pack(&division, &gates, sizes.input, input),
            bias: aligned(&bias),
            recurrent: Panels::pack(&division, recurrent, sizes.output, hidden),
            heard: recurrent,
            candidate: None,
            squashed: None,
            clock: None,
            projection: None,
            chains: Chains::recurrent(sizes.gates, sizes.hidden),
            unit_values: Vec::new(),
            unit_values_len: 0,
            division,
            sizes,
            advance: stream::advance_for(kind, sizes.hidden),
        }
    }

    /// Takes vectors of H values, or none for zeros.
    fn set_unit_values(&mut self, vectors: &[impl AsRef<[f32]>]) {
        let padded = self.division.padded();
        let mut values = vec![0.0; vectors.len() * padded];
        for (target, vector) in values.chunks_exact_mut(padded).zip(vectors) {
            target[..vector.as_ref().len()].copy_from_slice(vector.as_ref());
        }
        self.unit_values = aligned(&values);
        self.unit_values_len = values.len();
    }

    /// How r comes from its sum, where a candidate hears r·h⁻.
    pub fn reset(&self) -> Option<GruOptions> {
        match self.kind {
            Kind::ResetBefore(options) => Some(options),
            Kind::Mutant(_) => Some(GruOptions::default()),
            _ => None,
        }
    }

    /// Whether its cell hears c of the layer below.
    pub fn hears_below(&self) -> bool {
        matches!(self.kind, Kind::DepthGated(_))
    }

    /// b, a register for each block and gate, in order.
    #[inline(always)]
    pub fn bias(&self) -> &[f32] {
        bytemuck::cast_slice(&self.bias)
    }

    /// Peepholes, b_rn or b_h, whole registers each.
    #[inline(always)]
    pub fn unit_values(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.unit_values)[..self.unit_values_len]
    }

    /// Bytes of packed weights, biases and peepholes.
    pub fn bytes(&self) -> usize {
        let second: usize = self.candidate.iter().chain(&self.squashed).map(Panels::bytes).sum();
        let clock = self.clock.as_ref().map_or(0, Clock::bytes);
        let projection = self.projection.as_ref().map_or(0, |projection| projection.panels.bytes());
        let vectors = (self.bias.len() + self.unit_values.len()) * size_of::<f32x16>();
        self.input.bytes() + self.recurrent.bytes() + second + projection + clock + vectors
    }

    /// Bytes that a step reads again: all but W.
    pub fn recurrent_bytes(&self) -> usize {
        self.bytes() - self.input.bytes()
    }

    /// Operations of the products for one row and step.
    pub fn flops(&self) -> usize {
        let Sizes { input, hidden, output, gates, .. } = self.sizes;
        if let Some(clock) = &self.clock {
            return clock.flops();
        }
        let projection = if self.projection.is_some() { 2 * hidden * output } else { 0 };
        2 * gates * hidden * (input + output) + projection
    }
}

pub(super) fn aligned(values: &[f32]) -> Vec<f32x16> {
    let mut registers = vec![f32x16::splat(0.0); values.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut registers)[..values.len()].copy_from_slice(values);
    registers
}
