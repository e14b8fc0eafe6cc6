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

# Measure: webhooks, latency, a backlog, finding work, reading lists, memory (docs/PERFORMANCE.md)
bench *args:
    cargo build --release -p twinwire-cli -p twinwire-bench
    target/release/twinwire-bench {{args}}

# Renew the data against which queries are checked
queries:
    scripts/prepare-queries

# Fuzz one target for so many seconds (docs/FUZZING.md): just fuzz front_message 600
fuzz target seconds="180":
    mkdir -p fuzz/corpus/{{target}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}} -- -max_total_time={{seconds}} -max_len=8192 -timeout=10
