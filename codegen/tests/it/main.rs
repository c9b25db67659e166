//! What the generator makes of specs, through its public door.

mod documents;
