//! Files that are cut, damaged or lie: an error or a result, never a panic.

use gatewise::Error;
use gatewise::load::Cell;
use gatewise::load::safetensors::SafetensorsFile;

use crate::Draft;

#[test]
fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
    let bytes = Draft::lstm("").bytes();
    for length in 0..bytes.len() {
        let file = SafetensorsFile::from_bytes(bytes[..length].to_vec());
        assert!(matches!(file, Err(Error::Format { .. })), "cut to {length} of {} bytes", bytes.len());
    }
}

#[test]
fn a_file_with_any_header_byte_changed_is_read_or_refused_and_never_a_panic() {
    let bytes = Draft::lstm("").bytes();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in 0..header {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            if let Ok(file) = SafetensorsFile::from_bytes(broken) {
                let _ = file.tensors();
                let _ = file.layer(None, 4);
                let _ = file.layer(Some("rnn"), 3);
                let _ = file.model(None, Cell::Lstm).map(|builder| builder.build());
            }
        }
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let with_header = |header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 64]);
        bytes
    };
    let huge = "18446744073709551615";
    for header in [
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[4,4],"data_offsets":[0,9999]}}"#.to_owned(),
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[4,4],"data_offsets":[64,0]}}"#.to_owned(),
        format!(r#"{{"weight_ih_l0":{{"dtype":"F32","shape":[{huge},{huge}],"data_offsets":[0,64]}}}}"#),
        r#"{"weight_ih_l0":{"dtype":"F99","shape":[16],"data_offsets":[0,64]}}"#.to_owned(),
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[-4],"data_offsets":[0,64]}}"#.to_owned(),
        "[".repeat(100_000),
        "{\"a\":".repeat(10_000),
    ] {
        let file = SafetensorsFile::from_bytes(with_header(&header));
        assert!(matches!(file, Err(Error::Format { .. })), "{}", &header[..header.len().min(80)]);
    }
    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend(b"{}");
    assert!(matches!(SafetensorsFile::from_bytes(endless), Err(Error::Format { .. })));
}
