//! As much of protobuf as an ONNX file with one operator needs: its weights, by name.

use std::collections::HashMap;

/// Reads the initialisers of an ONNX model, all of them f32.
pub fn initializers(model: &[u8]) -> HashMap<String, Vec<f64>> {
    // The numbers are those of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.name and .raw_data.
    let mut tensors = HashMap::new();
    for graph in bytes_of(model, 7) {
        for tensor in bytes_of(graph, 5) {
            let [name] = bytes_of(tensor, 8)[..] else { panic!("a tensor has one name") };
            let name = String::from_utf8(name.to_vec()).expect("a name in UTF-8");
            let [data] = bytes_of(tensor, 9)[..] else { panic!("{name}: no raw data") };
            let values = data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")));
            tensors.insert(name, values.map(f64::from).collect());
        }
    }
    tensors
}

fn bytes_of(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => varint(&mut message) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let bytes = take(&mut message, length);
        if key >> 3 == wanted {
            found.push(bytes);
        }
    }
    found
}

/// Seven bits a byte, the lowest first; the eighth says whether more follow.
fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)[0];
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return number;
        }
    }
    panic!("a number of more than 64 bits");
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}
