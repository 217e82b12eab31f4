//! The JSON of RTNeural, GuitarML and Neural Amp Modeler.

use crate::network::exercise;

/// Reads a text of whichever of the formats.
pub fn json(bytes: &[u8]) {
    if let Ok(blueprint) = gatewise::load::json::from_bytes(bytes) {
        exercise(&blueprint);
    }
}
