# syntax=docker/dockerfile:1
# Twinwire as an image: the program and nothing else, no shell, as a user without rights. It needs DATABASE_URL: a Postgres
# of its own is for machines. docs/DEPLOY.md says how to run it.

FROM rust:1.94-bookworm AS build
WORKDIR /src
COPY . .
# What was built before is kept between builds; the program is taken out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    SQLX_OFFLINE=true cargo build --release --locked -p twinwire-cli \
    && cp target/release/twinwire /twinwire \
    && mkdir /data

# glibc, libgcc, certificates and time zones: what the program links to and reads, see docs/decisions/0017.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /twinwire /usr/local/bin/twinwire
COPY --from=build --chown=65532:65532 /data /var/lib/twinwire
ENV TWINWIRE_LISTEN=0.0.0.0:8080 \
    TWINWIRE_DATA_DIR=/var/lib/twinwire \
    TWINWIRE_LOG_FORMAT=json
USER 65532:65532
WORKDIR /var/lib/twinwire
VOLUME /var/lib/twinwire
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/twinwire", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/twinwire"]
CMD ["serve"]
