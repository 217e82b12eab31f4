//! Weights alone: an outline's layers, each with the group of tensors that is its own.

use super::archive::Archive;
use super::finished;
use super::layers::{self, Wanted};
use super::recurrent::{Cell, both};
use super::tensors::{Part, Place, Tensors};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::load::outline::{CellName, Kind, Outline, OutlineLayer, RecurrentOutline};
use crate::network::blueprint::{Blueprint, Layer, Masked, Operation, Passes, Recurrent};
use crate::sequence::layout::Layout;

/// Reads the tensors of an outline's layers.
pub(super) fn read(archive: &Archive, outline: &Outline) -> Result<Blueprint> {
    let mut groups = Groups::of(Tensors::of(archive)?)?;
    let mut layers = Vec::with_capacity(outline.layers.len());
    for layer in &outline.layers {
        let operation = groups.operation(layer)?;
        let name = layer.name.clone().or_else(|| groups.last.clone()).unwrap_or_default();
        layers.push(Layer::new(name, operation));
    }
    groups.end()?;
    finished(Blueprint { name: String::new(), layout: Layout::BatchFirst, layers, sample_rate: None })
}

/// The groups of a file that have tensors.
struct Groups<'a> {
    tensors: Tensors<'a>,
    /// Those that no layer has taken, in the file's order.
    free: Vec<Group>,
    /// What the file calls the group taken last, for a layer without a name.
    last: Option<String>,
}

struct Group {
    path: String,
    /// Its own name, such as `lstm_1`.
    own: String,
    /// What the model's author called it.
    author: Option<String>,
    /// All its tensors.
    tensors: Vec<String>,
}

impl Group {
    /// The class in small letters, and the number behind it.
    fn class(&self) -> (&str, usize) {
        let numbered = self.own.rsplit_once('_').and_then(|(class, number)| Some((class, number.parse().ok()?)));
        numbered.unwrap_or((&self.own, 0))
    }
}

impl<'a> Groups<'a> {
    fn of(tensors: Tensors<'a>) -> Result<Self> {
        let mut free = Vec::new();
        for path in tensors.groups()? {
            let own = path.rsplit('/').next().unwrap_or_default().to_owned();
            let group = Group { own, author: tensors.author_name(&path), tensors: tensors.all_of(&path)?, path };
            if !group.tensors.is_empty() {
                free.push(group);
            }
        }
        if !tensors.in_order() {
            free.sort_by(|a, b| a.class().cmp(&b.class()));
        }
        Ok(Groups { tensors, free, last: None })
    }

    fn operation(&mut self, layer: &OutlineLayer) -> Result<Operation> {
        self.last = None;
        Ok(match &layer.kind {
            Kind::OneHot { classes } => Operation::OneHot { classes: *classes },
            Kind::Masking { value } => Operation::Masking { value: *value },
            Kind::Activation(finish) => Operation::Activation(*finish),
            Kind::AddInput { features } => Operation::AddInput { features: *features },
            Kind::Embedding { mask_zero } => {
                let place = self.take(layer, &["embedding"])?;
                layers::embedding(&self.tensors, &place, None, *mask_zero)?
            }
            Kind::Dense(finish) => self.dense(layer, Wanted { units: None, bias: None, finish: *finish })?,
            Kind::Recurrent(recurrent) => Operation::Recurrent(Box::new(self.recurrent(layer, recurrent)?)),
        })
    }

    /// A `Dense`, alone or in a `TimeDistributed`.
    fn dense(&mut self, layer: &OutlineLayer, wanted: Wanted) -> Result<Operation> {
        let has = |class: &str| self.free.iter().any(|group| group.class().0 == class);
        if layer.name.is_none() && !self.tensors.in_order() && has("dense") && has("time_distributed") {
            let message = "the file has dense and time_distributed layers, and does not say in which order: \
                           name the outline's dense layers, such as dense:time_distributed";
            return Err(Error::Tensor { message: message.to_owned() });
        }
        let place = self.take(layer, &["dense", "time_distributed"])?;
        let part = if self.is_numbered(&place, "layer") { Part::Inner } else { Part::Own };
        layers::dense(&self.tensors, &place, part, wanted)
    }

    fn recurrent(&mut self, layer: &OutlineLayer, outline: &RecurrentOutline) -> Result<Recurrent> {
        let refuse = |message: &str| Err(Error::Model { message: message.to_owned() });
        let class = match outline.cell {
            CellName::Lstm => "lstm",
            CellName::Gru => "gru",
            CellName::Rnn if outline.recurrent_activation.is_some() => {
                return refuse("rnn has no gates: expected no recurrent_activation");
            }
            CellName::Rnn => "simple_rnn",
        };
        let cell = Cell {
            name: outline.cell,
            units: None,
            bias: None,
            activation: outline.activation.unwrap_or(Activation::Tanh),
            gate: outline.recurrent_activation.unwrap_or(Activation::Sigmoid),
            reset: outline.reset,
        };
        let Some(merge) = outline.merge else {
            let place = self.take(layer, &[class])?;
            let forward = Recurrent::forward(cell.read(&self.tensors, &place, Part::Cell)?);
            let (output, go_backwards) = (outline.output, outline.go_backwards);
            return Ok(Recurrent { output, go_backwards, masked: Masked::Repeat, ..forward });
        };
        if outline.go_backwards {
            return refuse("a bidirectional layer goes both ways: expected no backwards");
        }
        let place = self.take(layer, &["bidirectional"])?;
        let forward = cell.read(&self.tensors, &place, Part::Forward)?;
        let reverse = cell.read(&self.tensors, &place, Part::Backward)?;
        Ok(both(Passes::Both { forward, reverse, merge }, outline.output))
    }

    /// Whether a group has its tensors inside a group of this name, as the files of Keras 3 have.
    fn is_numbered(&self, place: &Place, inner: &str) -> bool {
        let prefix = format!("{}/{inner}/vars/", place.group);
        !self.tensors.in_order()
            && self.tensors.all_of(&place.group).is_ok_and(|all| all.iter().any(|name| name.starts_with(&prefix)))
    }

    /// The group of the layer's name, or the next one of these classes; where the file has an order of its own, the next.
    fn take(&mut self, layer: &OutlineLayer, classes: &[&str]) -> Result<Place> {
        let named = |group: &Group, name: &str| group.own == name || group.author.as_deref() == Some(name);
        let wanted = |group: &Group| match &layer.name {
            Some(name) => named(group, name),
            None => self.tensors.in_order() || classes.contains(&group.class().0),
        };
        let Some(at) = self.free.iter().position(wanted) else {
            let asked = layer.name.as_deref().or(classes.first().copied()).unwrap_or_default();
            let left: Vec<&str> = self.free.iter().take(6).map(|group| group.own.as_str()).collect();
            let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            let message = format!("no tensors for the outline's layer {asked}: of the file's layers are left: {left}");
            return Err(Error::Tensor { message });
        };
        let group = self.free.remove(at);
        let shown = group.author.unwrap_or(group.own);
        self.last = Some(shown.clone());
        Ok(Place { title: format!("layer {shown}"), group: group.path })
    }

    /// Refuses a file that has more than the outline.
    fn end(self) -> Result<()> {
        let Some(group) = self.free.first() else { return Ok(()) };
        let (layer, tensor) = (&group.own, group.tensors.first().map_or("", String::as_str));
        let message = format!("the outline has no layer for {layer} of the file (tensor {tensor})");
        Err(Error::Tensor { message })
    }
}
