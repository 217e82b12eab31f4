//! Outlines, which are texts that a person writes.

use gatewise::load::outline::Outline;

/// Reads a text; an outline has a layer between every two commas.
pub fn outline(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(outline) = text.parse::<Outline>() {
        assert_eq!(outline.layers.len(), 1 + text.matches(',').count(), "layers");
    }
}
