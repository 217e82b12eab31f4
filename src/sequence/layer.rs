//! One layer and direction with its weights packed for one instruction set.

use wide::f32x16;

use super::stream::{self, Advance};
use crate::activation::Activation;
use crate::cell::gru::{GruOptions, Reset};
use crate::cell::lstm::LstmOptions;
use crate::cell::rnn::RnnOptions;
use crate::error::Result;
use crate::kernel::pack::{Division, Panels};
use crate::kernel::product::Chains;
use crate::simd::{Level, Token};
use crate::weights::{GruWeights, LstmWeights, RnnWeights, Weights};

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
    /// R of the gate that hears something else: a candidate's that hears r·h⁻.
    pub candidate: Option<Panels>,
    /// The projection of h.
    pub projection: Option<Projection>,
    /// The recurrent sums' order.
    pub chains: Chains,
    /// A vector a unit: peepholes, or a GRU's b_rn.
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
            let padded = packed.division.padded();
            let mut values = vec![0.0; 3 * padded];
            for (target, peephole) in values.chunks_exact_mut(padded).zip(peepholes) {
                target[..hidden].copy_from_slice(peephole);
            }
            packed.set_unit_values(&values);
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
        let mut values = vec![0.0; packed.division.padded()];
        values[..hidden].copy_from_slice(weights.recurrent_bias());
        packed.set_unit_values(&values);
        packed
    }

    fn rnn(weights: &RnnWeights, token: Token) -> Self {
        let (hidden, options) = (weights.hidden_size(), weights.options());
        let tanh = options.activation == Activation::Tanh && options.clip.is_none();
        let kind = if tanh { Kind::TanhRnn } else { Kind::AnyRnn(options) };
        let sizes = Sizes { input: weights.input_size(), hidden, output: hidden, gates: 1, memory: 0 };
        Packed::pack(token, kind, sizes, [weights.weight_ih(), weights.weight_hh(), weights.bias()], &[0])
    }

    /// Packs W, R and b; `recurrent` names the gates that hear h⁻ itself.
    fn pack(token: Token, kind: Kind, sizes: Sizes, [input, hidden, bias]: [&[f32]; 3], recurrent: &[usize]) -> Self {
        let division = Division::new(sizes.hidden, token.level().lanes());
        let gates: Vec<usize> = (0..sizes.gates).collect();
        // A bias is a matrix of one column: its packed lines are one line a group, the groups in order.
        let lines = Panels::pack(&division, &gates, 1, bias);
        let bias = (0..division.groups()).flat_map(|group| lines.group(group).to_vec()).collect::<Vec<f32>>();
        Packed {
            token,
            kind,
            input: Panels::pack(&division, &gates, sizes.input, input),
            bias: aligned(&bias),
            recurrent: Panels::pack(&division, recurrent, sizes.output, hidden),
            candidate: None,
            projection: None,
            chains: Chains::recurrent(sizes.gates, sizes.hidden),
            unit_values: Vec::new(),
            unit_values_len: 0,
            division,
            sizes,
            advance: stream::advance_for(kind, sizes.hidden),
        }
    }

    fn set_unit_values(&mut self, values: &[f32]) {
        self.unit_values = aligned(values);
        self.unit_values_len = values.len();
    }

    /// b, a register for each block and gate, in order.
    #[inline(always)]
    pub fn bias(&self) -> &[f32] {
        bytemuck::cast_slice(&self.bias)
    }

    /// Peepholes or b_rn, whole registers each.
    #[inline(always)]
    pub fn unit_values(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.unit_values)[..self.unit_values_len]
    }

    /// Bytes of packed weights, biases and peepholes.
    pub fn bytes(&self) -> usize {
        let second = self.candidate.as_ref().map_or(0, Panels::bytes);
        let projection = self.projection.as_ref().map_or(0, |projection| projection.panels.bytes());
        let vectors = (self.bias.len() + self.unit_values.len()) * size_of::<f32x16>();
        self.input.bytes() + self.recurrent.bytes() + second + projection + vectors
    }

    /// Bytes that a step reads again: all but W.
    pub fn recurrent_bytes(&self) -> usize {
        self.bytes() - self.input.bytes()
    }

    /// Operations of the products for one row and step.
    pub fn flops(&self) -> usize {
        let Sizes { input, hidden, output, gates, .. } = self.sizes;
        let projection = if self.projection.is_some() { 2 * hidden * output } else { 0 };
        2 * gates * hidden * (input + output) + projection
    }
}

fn aligned(values: &[f32]) -> Vec<f32x16> {
    let mut registers = vec![f32x16::splat(0.0); values.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut registers)[..values.len()].copy_from_slice(values);
    registers
}
