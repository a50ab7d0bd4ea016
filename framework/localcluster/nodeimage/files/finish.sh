#!/bin/sh
# Finishes a node's root file system ($1) as kind's own Dockerfile does
# (images/base/Dockerfile of the kind module): services, the container runtime's base
# specification and settings. $2 is the image of every pod's first container.
set -eu
cd "$1"

rm -f usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service \
  usr/lib/systemd/system/multi-user.target.wants/* etc/systemd/system/*.wants/* \
  usr/lib/systemd/system/local-fs.target.wants/* usr/lib/systemd/system/sockets.target.wants/*udev* \
  usr/lib/systemd/system/sockets.target.wants/*initctl* usr/lib/systemd/system/basic.target.wants/*
echo 'ReadKMsg=no' >>etc/systemd/journald.conf
[ -e usr/sbin/init ] || ln -s /usr/lib/systemd/systemd usr/sbin/init
chroot . systemctl enable kubelet.service containerd.service undo-mount-hacks.service
chroot . systemctl mask systemd-binfmt.service

mkdir -p etc/kubernetes/manifests opt/cni
mv usr/lib/cni opt/cni/bin
chroot . ctr oci spec |
  chroot . jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' >etc/containerd/cri-base.json
sed -i -e "s|sandbox_image = .*|sandbox_image = \"$2\"|" etc/containerd/config.toml
: >etc/machine-id
