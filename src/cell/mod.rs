//! The cells, one small file each: gates, update, options.

pub mod lstm;
