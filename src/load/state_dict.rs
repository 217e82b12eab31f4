//! PyTorch's state dict: which tensors belong to a recurrent module, by their names, with every shape checked.
//!
//! A module behind `prefix` has, for layer k and each direction, `weight_ih_l{k}` (G·H × I, and G·H × directions·P from the
//! second layer on), `weight_hh_l{k}` (G·H × P), `bias_ih_l{k}` and `bias_hh_l{k}` (G·H) or neither, and with `proj_size`
//! `weight_hr_l{k}` (P × H); without it P is H. The reverse direction's names end in `_reverse`; an `LSTMCell` and its like
//! have the names without `_l0`.

use ::safetensors::tensor::TensorInfo;

use super::safetensors::ModuleName;
use super::torch::TorchLayer;
use super::values::Contents;
use crate::error::{Error, Result};
use crate::weights::{TorchTensors, check_sizes};

const STEMS: [&str; 5] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"];

/// Reads all layers and directions of a module whose cell has `gates` gates; what is missing, left over or of another shape
/// is refused by its name.
pub(super) fn read_layers(file: &Contents, module: &ModuleName, gates: usize) -> Result<Vec<TorchLayer>> {
    let extent = Extent::of(file, module)?;
    let reader = Reader { file, module, gates, extent: &extent };
    let sizes = reader.sizes()?;
    (0..=extent.highest.0)
        .map(|layer| {
            let forward = reader.tensors(Place { layer, reverse: false }, sizes)?;
            let reverse = match extent.reverse {
                None => None,
                Some(_) => Some(reader.tensors(Place { layer, reverse: true }, sizes)?),
            };
            Ok(TorchLayer { forward, reverse })
        })
        .collect()
}

/// One layer and direction.
#[derive(Clone, Copy)]
struct Place {
    layer: usize,
    reverse: bool,
}

const FIRST: Place = Place { layer: 0, reverse: false };

/// What a module has, each with the name of a tensor that says so.
struct Extent {
    /// The number of the last layer.
    highest: (usize, String),
    reverse: Option<String>,
    biases: Option<String>,
    projection: Option<String>,
}

impl Extent {
    fn of(file: &Contents, module: &ModuleName) -> Result<Self> {
        let names = file.names();
        let first = name_of(module, "weight_ih", FIRST);
        let mut extent = Extent { highest: (0, first), reverse: None, biases: None, projection: None };
        for name in &names {
            let Some(own) = name.strip_prefix(&module.prefix) else { continue };
            let Some(stem) = STEMS.into_iter().find(|stem| own.starts_with(stem)) else { continue };
            let Some(place) = place_of(module, &own[stem.len()..]) else {
                let expected = match module.suffix {
                    "" => format!("{stem} alone, as a cell has it"),
                    _ => format!("{stem}_l0, {stem}_l0_reverse, {stem}_l1 …"),
                };
                return Err(Error::Tensor { message: format!("tensor {name}: no name of this module: {expected}") });
            };
            if place.layer > extent.highest.0 {
                extent.highest = (place.layer, name.clone());
            }
            let witness = |seen: &mut Option<String>| _ = seen.get_or_insert_with(|| name.clone());
            if place.reverse {
                witness(&mut extent.reverse);
            }
            match stem {
                "bias_ih" | "bias_hh" => witness(&mut extent.biases),
                "weight_hr" => witness(&mut extent.projection),
                _ => {}
            }
        }
        Ok(extent)
    }

    /// A tensor that makes one of this stem and place necessary.
    fn witness(&self, stem: &str, place: Place) -> Option<&String> {
        match stem {
            "bias_ih" | "bias_hh" => self.biases.as_ref(),
            "weight_hr" => self.projection.as_ref(),
            _ if place.reverse => self.reverse.as_ref(),
            _ => Some(&self.highest.1),
        }
    }
}

/// Layer and direction from what follows a stem; `None` for anything that PyTorch does not write.
fn place_of(module: &ModuleName, suffix: &str) -> Option<Place> {
    if module.suffix.is_empty() {
        return suffix.is_empty().then_some(FIRST);
    }
    let (number, reverse) = match suffix.strip_suffix("_reverse") {
        Some(number) => (number, true),
        None => (suffix, false),
    };
    let number = number.strip_prefix("_l")?;
    let layer: usize = number.parse().ok()?;
    // Neither +1 nor 01.
    (layer.to_string() == number).then_some(Place { layer, reverse })
}

fn name_of(module: &ModuleName, stem: &str, place: Place) -> String {
    let prefix = &module.prefix;
    match module.suffix {
        "" => format!("{prefix}{stem}"),
        _ => format!("{prefix}{stem}_l{}{}", place.layer, if place.reverse { "_reverse" } else { "" }),
    }
}

/// The sizes that all layers share.
#[derive(Clone, Copy)]
struct Sizes {
    /// I, of the first layer.
    input: usize,
    /// H
    hidden: usize,
    /// P: values of h.
    state: usize,
}

struct Reader<'a> {
    file: &'a Contents,
    module: &'a ModuleName,
    gates: usize,
    extent: &'a Extent,
}

impl Reader<'_> {
    /// The tensor's name, type and shape.
    fn tensor(&self, stem: &str, place: Place) -> Result<(String, &TensorInfo)> {
        let name = name_of(self.module, stem, place);
        match self.file.info(&name) {
            Some(info) => Ok((name, info)),
            None => {
                let witness = self.extent.witness(stem, place).filter(|witness| **witness != name);
                let because = witness.map_or(String::new(), |witness| format!(" the file has {witness}, and"));
                let message = format!(
                    "tensor {name} is missing:{because} a layer has weight_ih, weight_hh and two biases or none, in as \
                     many directions as the others"
                );
                Err(Error::Tensor { message })
            }
        }
    }

    /// The sizes by the first layer's weights.
    fn sizes(&self) -> Result<Sizes> {
        let (ih_name, ih) = self.tensor("weight_ih", FIRST)?;
        let (hh_name, hh) = self.tensor("weight_hh", FIRST)?;
        let [rows, state] = hh.shape[..] else {
            return Err(shape_error(&hh_name, "two axes, (G·H, H)", hh));
        };
        let [ih_rows, input] = ih.shape[..] else {
            return Err(shape_error(&ih_name, "two axes, (G·H, I)", ih));
        };
        let hidden = match &self.extent.projection {
            None => state,
            Some(name) if self.gates != 4 => {
                let message = format!("tensor {name}: {} has no projection (proj_size)", cell_of(self.gates));
                return Err(Error::Tensor { message });
            }
            Some(_) => {
                let (name, hr) = self.tensor("weight_hr", FIRST)?;
                match hr.shape[..] {
                    [rows, hidden] if rows == state && (1..=hidden).contains(&state) => hidden,
                    _ => {
                        let expected = format!("(P, H) with P = {state} as in {hh_name}, from 1 to H");
                        return Err(shape_error(&name, &expected, hr));
                    }
                }
            }
        };
        check_sizes(input, hidden)?;
        if rows != self.gates * hidden {
            let hint = match rows / hidden {
                count @ (1 | 3 | 4) if rows % hidden == 0 => format!(" (G = {count} is {})", cell_of(count)),
                _ => String::new(),
            };
            let expected = format!("[{}, {state}] for {}{hint}", self.gates * hidden, cell_of(self.gates));
            return Err(shape_error(&hh_name, &expected, hh));
        }
        if ih_rows != rows {
            return Err(shape_error(&ih_name, &format!("[{rows}, I], as many rows as {hh_name}"), ih));
        }
        Ok(Sizes { input, hidden, state })
    }

    /// The tensors of one layer and direction, each of the shape that the first layer implies.
    fn tensors(&self, place: Place, sizes: Sizes) -> Result<TorchTensors> {
        let Sizes { input, hidden, state } = sizes;
        let directions = 1 + usize::from(self.extent.reverse.is_some());
        let (rows, input) = (self.gates * hidden, if place.layer == 0 { input } else { directions * state });
        let read = |stem: &str, shape: &[usize]| {
            let (name, info) = self.tensor(stem, place)?;
            if info.shape != shape {
                return Err(shape_error(&name, &format!("{shape:?}"), info));
            }
            self.file.values(&name, info)
        };
        let (weight_ih, weight_hh) = (read("weight_ih", &[rows, input])?, read("weight_hh", &[rows, state])?);
        let biases = match self.extent.biases {
            None => None,
            Some(_) => Some([read("bias_ih", &[rows])?, read("bias_hh", &[rows])?]),
        };
        let projection = match self.extent.projection {
            None => None,
            Some(_) => Some(read("weight_hr", &[state, hidden])?),
        };
        Ok(TorchTensors { input_size: input, hidden_size: hidden, weight_ih, weight_hh, biases, projection })
    }
}

fn shape_error(name: &str, expected: &str, info: &TensorInfo) -> Error {
    Error::Shape { name: name.to_owned(), expected: expected.to_owned(), found: info.shape.clone() }
}

fn cell_of(gates: usize) -> &'static str {
    match gates {
        1 => "a simple RNN",
        3 => "a GRU",
        _ => "an LSTM",
    }
}
