# An image of one static program: docker build -t pycaudit .
#
#   docker run --rm --network none -v "$PWD:/work:ro" pycaudit scan .
#   docker run --rm --network none -v "$PWD:/work:ro" pycaudit scan . --html - > report.html
FROM rust:1.95-alpine AS build
WORKDIR /source
COPY . .
RUN cargo install --locked --path . --root /built

FROM scratch
COPY --from=build /built/bin/pycaudit /pycaudit
# It needs no rights but those to read.
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/pycaudit"]
