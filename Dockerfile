# The service in an image that holds one static binary and nothing else: no shell, no package manager, no libraries.
#
#   docker build -t retoure .
#   docker run --rm -p 127.0.0.1:8080:8080 -e RETOURE_ALLOW_ANONYMOUS=true --read-only --cap-drop ALL retoure
#
# Beyond loopback retoure asks for a key; give one with RETOURE_API_KEYS_FILE, or say, as above, that everybody who reaches the
# port may use it.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# glibc linked in, so that the last stage can be empty. RUSTFLAGS reach build scripts too unless a target is named.
# The rest makes it small: no symbols, and nothing in place of those files of Swagger UI that no page of ours loads (2.3 MB).
ENV RUSTFLAGS="-C target-feature=+crt-static" \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    SWAGGER_UI_OVERWRITE_FOLDER=/unused \
    CARGO_TERM_COLOR=never
RUN rustc -vV | sed -n 's/^host: //p' > /target \
 && mkdir /unused && cd /unused && touch swagger-ui.js swagger-ui-es-bundle.js swagger-ui-es-bundle-core.js

# Dependencies first, with an empty crate and build script in our place: this layer is made anew only when Cargo.toml or
# Cargo.lock change. Benches and examples are not here, so their tables must not be either.
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[\(bench\|example\|test\)\]\]/,/^$/d' Cargo.toml \
 && mkdir src && echo 'fn main() {}' | tee build.rs > src/main.rs && touch src/lib.rs \
 && cargo build --release --locked --target "$(cat /target)" \
 && rm -r src build.rs target/release/build/retoure-* target/*/release/deps/*retoure* \
      target/release/.fingerprint/retoure-* target/*/release/.fingerprint/retoure-*

COPY build.rs ./
COPY catalog catalog
COPY src src
RUN cargo build --release --locked --bin retoure --target "$(cat /target)" \
 && mkdir -p /image/run/retoure /image/licenses \
 && cp target/"$(cat /target)"/release/retoure /image/
COPY LICENSE-APACHE LICENSE-MIT /image/licenses/

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="retoure" \
      org.opencontainers.image.description="Tells what a bounced e-mail means: an HTTP JSON service in one binary" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# A number, since there is no file of users; Kubernetes' runAsNonRoot asks for one too. It owns /run/retoure, so that a volume
# mounted there, for a UNIX socket shared with a mailer, belongs to it.
COPY --from=build --chown=65532:65532 /image/run/ /run/
COPY --from=build /image/licenses/ /licenses/
COPY --from=build /image/retoure /retoure
USER 65532:65532
# The service on 8080; health and metrics, for operators and without a key, on 8081.
ENV RETOURE_LISTEN=0.0.0.0:8080 \
    RETOURE_ADMIN_LISTEN=0.0.0.0:8081
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/retoure", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/retoure"]
CMD ["serve"]
