# The image needs no shell and no package manager: one static binary, the zone
# database inside it, certificates, and a user without rights.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/muster . && \
    mkdir -p /out/root/data /out/root/etc/ssl/certs /out/root/config && \
    cp /etc/ssl/certs/ca-certificates.crt /out/root/etc/ssl/certs/ && \
    mv /out/muster /out/root/muster && \
    printf 'muster:x:10001:10001::/data:/muster\n' > /out/root/etc/passwd && \
    chown -R 10001:10001 /out/root/data

FROM scratch
COPY --from=build /out/root/ /
USER 10001:10001
WORKDIR /
VOLUME /data
EXPOSE 8080
ENV MUSTER_URL=http://127.0.0.1:8080
HEALTHCHECK --interval=15s --timeout=4s --start-period=10s CMD ["/muster", "healthcheck"]
ENTRYPOINT ["/muster"]
CMD ["run", "--config", "/config", "--data", "/data/muster.db", "--listen", "0.0.0.0:8080"]
