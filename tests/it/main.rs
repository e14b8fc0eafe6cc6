//! Whole-stack tests, as sentences about what people see.

mod conversation;
