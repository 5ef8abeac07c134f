# syntax=docker/dockerfile:1.7

# The image of every service: one static binary, and the authorities that it trusts.
#
#   make image                                            builds it
#   docker build --target sbom --output bin .             only the list of what is in it, as bin/staffetta.cdx.json
#
# Each RUN is a make target, which CI runs too; .ci/compose checks that, and what else is promised here.
# Images are named by version. For a build that can be repeated to the byte, add their digests.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY . .
# What `staffetta version` tells. There is no .git here to ask.
ARG VERSION=dev
ARG COMMIT=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make build

FROM build AS inventory
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make sbom

FROM scratch AS sbom
COPY --from=inventory /src/bin/staffetta.cdx.json /

FROM scratch AS staffetta
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="Staffetta" \
      org.opencontainers.image.description="Tells other systems what changed: Kafka in, signed webhooks out" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/bin/staffetta /staffetta
# Nobody in particular, by number, so that Kubernetes can tell that it is not root. Nothing is written to the
# file system: run it read-only.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/staffetta"]
