//! Files that are broken or hostile.
