# Shortcuts; everything they run is a plain command.

default:
    @just --list

# The main job on built-in doubles
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test --workspace

# What CI checks
ci:
    .ci/run

# Renew the data against which queries are checked
queries:
    scripts/prepare-queries
