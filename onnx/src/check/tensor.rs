//! A constant of a file: its data must be what its type and sizes say.

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};

use crate::array::product;
use crate::error::{Error, Result};
use crate::port::type_name;

/// Checks the tensor that is called `name` in messages.
pub(super) fn check(tensor: &mut TensorProto, name: &str) -> Result<()> {
    let fail = |message: String| Err(Error::tensor(name, message));
    if tensor.data_location == Some(DataLocation::External as i32) || !tensor.external_data.is_empty() {
        return fail("its data is in another file; only self-contained files are read".to_owned());
    }
    if tensor.segment.is_some() {
        return fail("data in segments is not supported".to_owned());
    }
    let Some((kind, size)) = DataType::try_from(tensor.data_type).ok().and_then(|kind| Some((kind, size(kind)?)))
    else {
        return fail(format!("elements of type {} are not supported", type_name(tensor.data_type)));
    };
    let sizes: Option<Vec<usize>> = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let values = sizes.filter(|sizes| sizes.len() <= 16).and_then(|sizes| product(&sizes));
    let Some((values, bytes)) = values.and_then(|values| Some((values, values.checked_mul(size)?))) else {
        return fail(format!("no array has the sizes {:?}", tensor.dims));
    };
    if !tensor.raw_data.is_empty() {
        let found = tensor.raw_data.len();
        if found != bytes || typed(tensor).iter().any(|count| *count > 0) {
            return fail(format!(
                "sizes {:?} of {} take {bytes} bytes, found {found}",
                tensor.dims,
                kind.as_str_name()
            ));
        }
        return Ok(());
    }
    let place = place(kind);
    for (at, found) in typed(tensor).into_iter().enumerate() {
        let expected = if at == place { values } else { 0 };
        if found != expected {
            let name = PLACES.get(at).copied().unwrap_or_default();
            return fail(format!("sizes {:?}: expected {expected} values in {name}, found {found}", tensor.dims));
        }
    }
    unsigned_as_bytes(tensor, kind);
    Ok(())
}

const PLACES: [&str; 6] = ["float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data"];

/// How many values are in each place.
fn typed(tensor: &TensorProto) -> [usize; 6] {
    [
        tensor.float_data.len(),
        tensor.int32_data.len(),
        tensor.int64_data.len(),
        tensor.double_data.len(),
        tensor.uint64_data.len(),
        tensor.string_data.len(),
    ]
}

/// Where values of that type are, where they are not bytes.
fn place(kind: DataType) -> usize {
    match kind {
        DataType::Float => 0,
        DataType::Int64 => 2,
        DataType::Double => 3,
        DataType::Uint32 | DataType::Uint64 => 4,
        _ => 1,
    }
}

/// Bytes of an element, where the type is supported.
fn size(kind: DataType) -> Option<usize> {
    match kind {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => Some(1),
        DataType::Float16 | DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Float | DataType::Int32 | DataType::Uint32 => Some(4),
        DataType::Double | DataType::Int64 | DataType::Uint64 => Some(8),
        _ => None,
    }
}

/// The engine looks for unsigned values where the signed ones are.
fn unsigned_as_bytes(tensor: &mut TensorProto, kind: DataType) {
    let values = std::mem::take(&mut tensor.uint64_data);
    match kind {
        DataType::Uint64 => tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DataType::Uint32 => tensor.raw_data = values.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect(),
        _ => {}
    }
}
