# The suite for a cloud that is there already, real or a mock: `docker build -t wlif .`,
# or `make image`, which compiles on this machine and needs no registry.
# The embedded cluster is not in it, which needs root and a Go toolchain.
ARG PROGRAMS=build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build && mkdir -p /out/reports /out/tmp && cp bin/wlif bin/suites.test bin/ginkgo bin/readsecret /out/ && chmod 1777 /out/tmp

FROM ${PROGRAMS} AS programs

FROM scratch
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /out/tmp /tmp
COPY --from=programs /out/wlif /out/suites.test /out/ginkgo /out/readsecret /wlif/
COPY --from=programs --chown=65532:65532 /out/reports /reports
USER 65532:65532
WORKDIR /reports
ENV HOME=/tmp WLIF_OUT=/reports
ENTRYPOINT ["/wlif/wlif"]
CMD ["--help"]
