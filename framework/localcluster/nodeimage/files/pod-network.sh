#!/bin/bash
# The pod network of one node: gives the container runtime the node's range of
# addresses, and routes the other nodes' ranges to them. All nodes are neighbours
# in one network of Docker's. NODE and POD_SUBNET come from the DaemonSet.
set -uo pipefail

config() {
  local file=/etc/cni/net.d/10-pod-network.conflist
  cat >"$file.part" <<JSON
{"cniVersion": "0.4.0", "name": "pod-network", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam-state",
    "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "$1"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  mv "$file.part" "$file"
}

# What leaves the cluster has the node's address: nobody outside knows the pods'.
masquerade=(POSTROUTING -s "$POD_SUBNET" ! -d "$POD_SUBNET" -j MASQUERADE)
iptables -w -t nat -C "${masquerade[@]}" 2>/dev/null || iptables -w -t nat -A "${masquerade[@]}"

while :; do
  kubectl get nodes --watch --output \
    'jsonpath={.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}' |
    while read -r name range address; do
      if [[ -z $range || -z $address ]]; then
        continue
      elif [[ $name == "$NODE" ]]; then
        config "$range"
      else
        ip route replace "$range" via "$address"
      fi
    done
  sleep 1
done
