# Runs containerd in a build container for as long as it takes to import the images of
# an archive (standard input).
set -eu
containerd >/tmp/containerd.log 2>&1 &
pid=$!
for i in $(seq 100); do
  ctr version >/dev/null 2>&1 && break
  sleep 0.1
done
ctr --namespace=k8s.io images import --label=io.cri-containerd.pinned=pinned --all-platforms --no-unpack --digests - >/dev/null || {
  tail -n 3 /tmp/containerd.log >&2
  exit 1
}
kill "$pid"
wait "$pid" || true
rm /tmp/containerd.log
