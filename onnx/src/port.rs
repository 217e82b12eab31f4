//! What a graph takes and gives: names, element types, shapes.

use std::fmt;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{ValueInfoProto, type_proto};

use crate::array::Element;
use crate::error::{Error, Result};

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The file's name for it.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// The sizes of its axes; of an output only as far as the file says.
    pub shape: Vec<Dimension>,
}

/// The size of an axis, as far as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// That size.
    Known(usize),
    /// Any size, the same wherever the name stands; an expression such as `2*T` only names a size.
    Named(String),
    /// Any size.
    Unknown,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dimension::Known(size) => write!(f, "{size}"),
            Dimension::Named(name) => f.write_str(name),
            Dimension::Unknown => f.write_str("?"),
        }
    }
}

impl fmt::Display for Port {
    /// As `x: float32 [B, T, 7]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(Dimension::to_string).collect();
        write!(f, "{}: {} [{}]", self.name, self.element, shape.join(", "))
    }
}

/// The largest size of an axis, and of a product of them: far above any array, far below an overflow of sizes in bytes.
const LARGEST: usize = 1 << 40;

/// What the file says of an input; its rank must be known.
pub(crate) fn input(info: &ValueInfoProto) -> Result<Port> {
    let fail = |message: &str| Err(Error::input(&info.name, message));
    let Some(tensor) = tensor(info) else { return fail("only tensors are supported, the file has no tensor type") };
    let Some(shape) = &tensor.shape else { return fail("the file does not say how many axes it has") };
    let Some(element) = element(tensor.elem_type) else {
        return fail(&format!("elements of type {} are not supported", type_name(tensor.elem_type)));
    };
    let shape: Vec<Dimension> = shape.dim.iter().map(|dim| dimension(dim.value.as_ref())).collect();
    let known = shape.iter().filter_map(|dimension| match dimension {
        Dimension::Known(size) => Some(*size),
        _ => None,
    });
    let product = known.filter(|size| *size > 0).try_fold(1usize, |product, size| product.checked_mul(size));
    if shape.len() > 16 || product.is_none_or(|product| product > LARGEST) {
        return fail("it is larger than any array: more than 16 axes, or 2^40 values");
    }
    Ok(Port { name: info.name.clone(), element, shape })
}

/// What the file says of an output; `found` is what the engine found out.
pub(crate) fn output(info: &ValueInfoProto, found: Element, rank: usize) -> Port {
    let shape = tensor(info).and_then(|tensor| tensor.shape.as_ref()).filter(|shape| shape.dim.len() == rank);
    let shape = match shape {
        Some(shape) => shape.dim.iter().map(|dim| dimension(dim.value.as_ref())).collect(),
        None => vec![Dimension::Unknown; rank],
    };
    Port { name: info.name.clone(), element: found, shape }
}

fn tensor(info: &ValueInfoProto) -> Option<&type_proto::Tensor> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    Some(tensor)
}

fn dimension(value: Option<&Value>) -> Dimension {
    match value {
        Some(Value::DimValue(size)) => usize::try_from(*size).map_or(Dimension::Unknown, Dimension::Known),
        Some(Value::DimParam(name)) if !name.is_empty() && name != "?" => Dimension::Named(name.clone()),
        _ => Dimension::Unknown,
    }
}

/// The element type of ONNX's number for it, where it is one of ours.
pub(crate) fn element(number: i32) -> Option<Element> {
    Some(match DataType::try_from(number).ok()? {
        DataType::Float => Element::F32,
        DataType::Double => Element::F64,
        DataType::Int8 => Element::I8,
        DataType::Int16 => Element::I16,
        DataType::Int32 => Element::I32,
        DataType::Int64 => Element::I64,
        DataType::Uint8 => Element::U8,
        DataType::Uint16 => Element::U16,
        DataType::Uint32 => Element::U32,
        DataType::Uint64 => Element::U64,
        DataType::Bool => Element::Bool,
        _ => return None,
    })
}

/// ONNX's name of an element type.
pub(crate) fn type_name(number: i32) -> String {
    DataType::try_from(number).map_or_else(|_| format!("number {number}"), |kind| kind.as_str_name().to_owned())
}
