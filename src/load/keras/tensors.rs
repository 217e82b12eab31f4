//! Where the tensors of a layer are: by number in the files of Keras 3, by name in the older ones.

use super::archive::Archive;
use super::no_keras;
use super::settings::Layer;
use crate::error::{Error, Result};
use crate::load::hdf5::{Hdf5File, Stored};

/// The names of a recurrent cell's tensors, in Keras' order.
pub(super) const CELL: [&str; 3] = ["kernel", "recurrent_kernel", "bias"];
/// The names of a dense layer's tensors.
pub(super) const DENSE: [&str; 2] = ["kernel", "bias"];
/// The name of an embedding's tensor.
pub(super) const TABLE: [&str; 1] = ["embeddings"];

/// The tensors of a file.
pub(super) struct Tensors<'a> {
    file: &'a Hdf5File,
    style: Style,
}

/// How a file names its tensors.
#[derive(Clone, Copy)]
enum Style {
    /// `layers/lstm_1/cell/vars/0`, behind this root.
    Numbered(&'static str),
    /// `model_weights/<layer>/<names in an attribute>`, behind this root.
    Named(&'static str),
}

/// A part of a layer that has tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The layer itself.
    Own,
    /// The cell of a recurrent layer.
    Cell,
    /// The forward cell of a bidirectional layer.
    Forward,
    /// Its backward cell.
    Backward,
    /// The layer inside a `TimeDistributed`.
    Inner,
}

/// A layer's place in a file.
#[derive(Clone)]
pub(super) struct Place {
    /// The group that holds it.
    pub group: String,
    /// What errors call it.
    pub title: String,
}

impl Part {
    fn path(self) -> &'static str {
        match self {
            Part::Own => "vars",
            Part::Cell => "cell/vars",
            Part::Forward => "forward_layer/cell/vars",
            Part::Backward => "backward_layer/cell/vars",
            Part::Inner => "layer/vars",
        }
    }
}

impl<'a> Tensors<'a> {
    /// Looks which way the file names its tensors.
    pub fn of(archive: &'a Archive) -> Result<Self> {
        let file = &archive.weights;
        let style = if file.has_group("model_weights") {
            Style::Named("model_weights")
        } else if file.has_group("layers") {
            Style::Numbered("layers")
        } else if file.has_group("_layer_checkpoint_dependencies") {
            // Keras 2.12.
            Style::Numbered("_layer_checkpoint_dependencies")
        } else if !archive.is_zip() && file.texts("", "layer_names")?.is_some() {
            Style::Named("")
        } else {
            return Err(no_keras("no weights: expected a group layers or model_weights, or an attribute layer_names"));
        };
        Ok(Tensors { file, style })
    }

    /// Where the layer of a configuration has its tensors.
    pub fn place(&self, layer: &Layer<'_>) -> Place {
        let group = match self.style {
            Style::Numbered(root) => joined(root, &layer.group),
            Style::Named(root) => joined(root, layer.name),
        };
        Place { group, title: layer.title() }
    }

    /// The groups of layers that have tensors, in the file's order where it has one.
    pub fn groups(&self) -> Result<Vec<String>> {
        match self.style {
            Style::Numbered(root) => Ok(self.file.groups(root)?.iter().map(|name| joined(root, name)).collect()),
            Style::Named(root) => {
                let names = self.file.texts(root, "layer_names")?.unwrap_or_default();
                let mut groups: Vec<String> = names.iter().map(|name| joined(root, name)).collect();
                groups.retain(|group| {
                    self.file.texts(group, "weight_names").is_ok_and(|names| names.is_some_and(|n| !n.is_empty()))
                });
                Ok(groups)
            }
        }
    }

    /// Whether the file gives its layers' order, instead of numbers for each class.
    pub fn in_order(&self) -> bool {
        matches!(self.style, Style::Named(_))
    }

    /// What the author called the layer in this group, where the file says so.
    pub fn author_name(&self, group: &str) -> Option<String> {
        let names = self.file.texts(&joined(group, "vars"), "name").ok()??;
        names.into_iter().next()
    }

    /// The tensors of a group that belong to a layer, without what only training needs.
    pub fn all_of(&self, group: &str) -> Result<Vec<String>> {
        let mut names = self.file.all_datasets(group)?;
        names.retain(|name| !name.contains("seed_generator"));
        Ok(names)
    }

    /// The tensors of a layer's part, with the `roles` that they must have; the last one may be missing if it is a bias.
    pub fn open(&self, place: &Place, part: Part, roles: &[&str]) -> Result<Vec<Stored<'a>>> {
        let names = match self.style {
            Style::Numbered(_) => self.numbered(place, part)?,
            Style::Named(_) => self.named(place, part, roles)?,
        };
        let fewer = usize::from(roles.last() == Some(&"bias"));
        if names.len() > roles.len() || names.len() + fewer < roles.len() {
            let message =
                format!("{} has {} tensors, expected {}: {}", place.title, names.len(), roles.len(), roles.join(", "));
            return Err(Error::Tensor { message });
        }
        names.iter().map(|name| self.file.tensor(name)).collect()
    }

    fn numbered(&self, place: &Place, part: Part) -> Result<Vec<String>> {
        let path = joined(&place.group, part.path());
        let count = match self.file.datasets(&path) {
            Ok(names) => names.len(),
            Err(error) => {
                let message = format!("{} has no tensors: expected them in {path} ({error})", place.title);
                return Err(Error::Tensor { message });
            }
        };
        Ok((0..count.min(GIVEN_UP)).map(|number| format!("{path}/{number}")).collect())
    }

    fn named(&self, place: &Place, part: Part, roles: &[&str]) -> Result<Vec<String>> {
        let names = self.file.texts(&place.group, "weight_names");
        let Ok(Some(mut names)) = names else {
            let message = format!("{} has no tensors: expected their names in group {}", place.title, place.group);
            return Err(Error::Tensor { message });
        };
        // Forward before backward, as many of each.
        if part == Part::Forward {
            names.truncate(names.len() / 2);
        } else if part == Part::Backward {
            names = names.split_off(names.len() / 2);
        }
        for (name, role) in names.iter().zip(roles) {
            // Keras 2 ends the names with `:0`.
            let own = name.rsplit('/').next().unwrap_or_default();
            if own.strip_suffix(":0").unwrap_or(own) != *role {
                let message = format!("{} has tensor {name}, expected its {role} there", place.title);
                return Err(Error::Tensor { message });
            }
        }
        Ok(names.iter().map(|name| joined(&place.group, name)).collect())
    }
}

/// More tensors than any layer has; they are only counted.
const GIVEN_UP: usize = 100;

fn joined(root: &str, name: &str) -> String {
    match root {
        "" => name.to_owned(),
        _ => format!("{root}/{name}"),
    }
}
