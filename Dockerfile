# An image of the program and the C library, without a shell: docker build -t pycaudit .
#
#   docker run --rm --network none -v "$PWD:/work:ro" pycaudit scan .
#   docker run --rm --network none -v "$PWD:/work:ro" pycaudit scan . --html - > report.html
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo install --locked --path . --root /built

# Not a static program of musl: with its allocator a scan takes three times as long.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /built/bin/pycaudit /usr/local/bin/pycaudit
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/pycaudit"]
