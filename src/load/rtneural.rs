//! RTNeural's JSON: what its script writes of a Keras model, or PyTorch's state dict as nested lists.
//!
//! **Keras' form.** `in_shape`, then `layers` of `type` lstm, gru, dense, time-distributed-dense or activation, each
//! with `shape`, whose last number is its outputs, and Keras' `weights`. The `activation` of dense layers is tanh,
//! relu, sigmoid, softmax, elu or empty for none. RTNeural computes tanh in recurrent layers whatever they say; here an
//! lstm or gru that says something else is computed with it, and empty means tanh, because scripts write that. A GRU
//! whose bias has one row has its reset before, as in Keras.
//!
//! AIDA-X's additions are computed: `in_skip` 1 adds the input's first feature to the output, `in_gain` and `out_gain`
//! (in dB) scale input and output. `metadata.name` and `samplerate` are kept, other keys change nothing.
//!
//! **PyTorch's form.** Names such as `lstm.weight_ih_l0`, `lstm2.bias_hh_l1_reverse`, `dense.weight` and `dense.bias`;
//! the modules run in the file's order, which is the order they were defined in. The number of rows says which cell it
//! is; a simple RNN's activation is taken to be tanh. Functions between the layers are not in such a file: where the
//! model has any, read it by [`read_state_dict`](super::json::read_state_dict) and [`chain::read`](super::chain::read).
//!
//! Source: `RTNeural/model_loader.h` and `torch_helpers.h` of <https://github.com/jatinchowdhury18/RTNeural>,
//! `src/aidadsp-plugin.cpp` of <https://github.com/AidaDSP/AIDA-X>.

mod keras;
mod torch;

use std::path::Path;

pub(super) use torch::is_state_dict;

use super::json::{Field, read_with};
use crate::error::Result;
use crate::network::blueprint::Blueprint;

/// Reads either form.
///
/// # Errors
/// [`Error::File`](crate::Error::File) around what is wrong: [`Error::Io`](crate::Error::Io),
/// [`Error::Format`](crate::Error::Format) if it is no JSON, [`Error::Model`](crate::Error::Model) for a layer or a
/// function that is not computed or layers that do not fit each other, [`Error::Tensor`](crate::Error::Tensor) and
/// [`Error::Shape`](crate::Error::Shape) for tensors that are missing, left over or of another shape,
/// [`Error::NotFinite`](crate::Error::NotFinite) for ∞.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    read_with(path.as_ref(), blueprint)
}

pub(super) fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    match is_state_dict(document) {
        true => torch::blueprint(document),
        false => keras::blueprint(document),
    }
}
