//! Keras files: what Keras itself computed from them, what is refused, and files that are broken or hostile.

mod common;
#[path = "keras/draft.rs"]
mod draft;
#[path = "keras/golden.rs"]
mod golden;
#[path = "keras/hostile.rs"]
mod hostile;
#[path = "keras/outlines.rs"]
mod outlines;
#[path = "keras/refusals.rs"]
mod refusals;
#[path = "keras/shapes.rs"]
mod shapes;
