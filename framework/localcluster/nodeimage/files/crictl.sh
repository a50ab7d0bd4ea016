#!/bin/sh
# The one thing that kind asks crictl for in a running cluster: it lists the images when
# it collects logs. The real program is not built for that.
[ "$*" = images ] || { echo "crictl: this node image has only crictl images" >&2; exit 1; }
exec ctr --namespace=k8s.io images list
