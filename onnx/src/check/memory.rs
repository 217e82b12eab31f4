//! How much memory a file takes once it is decoded, found out before it is.
//!
//! A message of two bytes becomes a structure of hundreds: a file of a few megabytes could fill a machine.

use std::mem::size_of;

use tract_onnx::pb;

use crate::error::{Error, Result};

/// Bytes that structures may take, beside [`FACTOR`] times the file.
const BASE: usize = 32 << 20;
const FACTOR: usize = 8;

/// The messages of ONNX that hold others.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Info,
    Type,
    TensorType,
    Shape,
    Function,
    Training,
    Annotation,
    /// Holds none.
    Plain,
}

/// The message in that field and the bytes it takes, where it is one.
fn child(kind: Kind, field: u64) -> Option<(Kind, usize)> {
    let (kind, size) = match (kind, field) {
        (Kind::Model, 7) | (Kind::Attribute, 6 | 11) | (Kind::Training, 1 | 2) => {
            (Kind::Graph, size_of::<pb::GraphProto>())
        }
        (Kind::Model, 8) | (Kind::Function, 9) => (Kind::Plain, size_of::<pb::OperatorSetIdProto>()),
        (Kind::Model, 14) | (Kind::Tensor, 13) | (Kind::Training, 3 | 4) | (Kind::Annotation, 2) => {
            (Kind::Plain, size_of::<pb::StringStringEntryProto>())
        }
        (Kind::Model, 20) => (Kind::Training, size_of::<pb::TrainingInfoProto>()),
        (Kind::Model, 25) => (Kind::Function, size_of::<pb::FunctionProto>()),
        (Kind::Graph, 1) | (Kind::Function, 7) => (Kind::Node, size_of::<pb::NodeProto>()),
        (Kind::Graph, 5) | (Kind::Attribute, 5 | 10) | (Kind::Sparse, 1 | 2) => {
            (Kind::Tensor, size_of::<pb::TensorProto>())
        }
        (Kind::Graph, 15) | (Kind::Attribute, 22 | 23) => (Kind::Sparse, size_of::<pb::SparseTensorProto>()),
        (Kind::Graph, 11..=13) => (Kind::Info, size_of::<pb::ValueInfoProto>()),
        (Kind::Graph, 14) => (Kind::Annotation, size_of::<pb::TensorAnnotation>()),
        (Kind::Node, 5) => (Kind::Attribute, size_of::<pb::AttributeProto>()),
        (Kind::Attribute, 15) | (Kind::Info, 2) => (Kind::Type, size_of::<pb::TypeProto>()),
        (Kind::Type, 1) => (Kind::TensorType, size_of::<pb::type_proto::Tensor>()),
        (Kind::TensorType, 2) => (Kind::Shape, size_of::<pb::TensorShapeProto>()),
        (Kind::Shape, 1) => (Kind::Plain, size_of::<pb::tensor_shape_proto::Dimension>()),
        _ => return None,
    };
    Some((kind, size))
}

/// Refuses a file that is no protobuf message, or whose structures would take far more memory than it has bytes.
pub(crate) fn memory(bytes: &[u8]) -> Result<()> {
    let limit = bytes.len().saturating_mul(FACTOR).saturating_add(BASE);
    let mut open = vec![(Kind::Model, Reader { bytes })];
    let mut all = 0usize;
    while let Some((kind, mut reader)) = open.pop() {
        while !reader.bytes.is_empty() {
            let Some((field, content)) = reader.field() else {
                return Err(Error::Format { reason: "it is no protobuf message, or ends too early".to_owned() });
            };
            let Some(content) = content else { continue };
            let size = match child(kind, field) {
                Some((kind, size)) => {
                    open.push((kind, Reader { bytes: content }));
                    size
                }
                None => size_of::<String>(),
            };
            all = all.saturating_add(size);
            if all > limit || open.len() > limit / 64 {
                let reason = format!("its {} bytes would take more than {limit} when decoded", bytes.len());
                return Err(Error::Format { reason });
            }
        }
    }
    Ok(())
}

/// Protobuf's wire format.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next field: its number, and its content where it has a length.
    fn field(&mut self) -> Option<(u64, Option<&'a [u8]>)> {
        let key = self.varint()?;
        let content = match key & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => self.take(8).map(|_| None)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Some(self.take(length)?)
            }
            5 => self.take(4).map(|_| None)?,
            // Groups, which ONNX does not have.
            _ => return None,
        };
        Some((key >> 3, content))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}
