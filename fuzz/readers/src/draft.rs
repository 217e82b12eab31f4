//! A safetensors file from a header that need not be exact: changed bytes of a real one hardly ever leave its lengths right.

use serde_json::{Map, Value, json};

/// Bytes of values that are made up at most.
const VALUES: usize = 1 << 20;

/// The file whose header is the JSON object at the begin of `bytes`, and whose values are the bytes behind it, again and again.
///
/// Tensors without `data_offsets` get them, one behind the other, and an object in `__metadata__` becomes its text.
pub fn file(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut texts = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let Some(Ok(Value::Object(mut header))) = texts.next() else { return None };
    let rest = bytes.get(texts.byte_offset()..)?;
    let rest = if rest.is_empty() { &[0][..] } else { rest };
    metadata_as_texts(&mut header);
    let length = place(&mut header)?;
    let header = serde_json::to_vec(&header).ok()?;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(rest.iter().cycle().take(length));
    Some(file)
}

fn metadata_as_texts(header: &mut Map<String, Value>) {
    let Some(Value::Object(texts)) = header.get_mut("__metadata__") else { return };
    for value in texts.values_mut().filter(|value| value.is_object()) {
        *value = Value::String(value.to_string());
    }
}

/// Gives every tensor its place; returns where the last one ends.
fn place(header: &mut Map<String, Value>) -> Option<usize> {
    let (mut next, mut end) = (0usize, 0usize);
    for (_, tensor) in header.iter_mut().filter(|(name, _)| *name != "__metadata__") {
        let Value::Object(tensor) = tensor else { continue };
        if !tensor.contains_key("data_offsets") {
            let size = bytes_of(tensor)?;
            tensor.insert("data_offsets".to_owned(), json!([next, next.checked_add(size)?]));
        }
        let offsets = tensor.get("data_offsets").and_then(Value::as_array);
        next = offsets.and_then(|offsets| offsets.last()?.as_u64()?.try_into().ok()).unwrap_or(next);
        end = end.max(next);
    }
    (end <= VALUES).then_some(end)
}

fn bytes_of(tensor: &Map<String, Value>) -> Option<usize> {
    let width: usize = match tensor.get("dtype").and_then(Value::as_str) {
        Some("F64" | "I64" | "U64") => 8,
        Some("F16" | "BF16" | "I16" | "U16") => 2,
        Some("BOOL" | "I8" | "U8") => 1,
        _ => 4,
    };
    let shape = tensor.get("shape").and_then(Value::as_array)?;
    let mut sizes = shape.iter().map(|size| usize::try_from(size.as_u64()?).ok());
    sizes.try_fold(width, |product, size| product.checked_mul(size?))
}
