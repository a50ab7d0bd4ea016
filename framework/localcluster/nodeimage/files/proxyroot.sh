#!/bin/sh
# Packs into the archive $2 what the packages $3 of a node's root file system ($1) run:
# their programs and plugins, and the libraries of those.
set -eu
{
  printf '%s\n' /bin /sbin /lib /lib64 /tmp /run /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d
  # shellcheck disable=SC2086 # the names are words
  chroot "$1" dpkg-query --listfiles $3 | grep -E '^/(usr/)?(s?bin|lib(64)?|etc)/'
  # Which of iptables' programs is meant is in no package.
  (cd "$1" && ls -d usr/sbin/*tables* etc/alternatives/*tables*)
} | sed -E 's#^/##; s#^(s?bin|lib|lib64)/#usr/\1/#' | sort -u >"$2.list"
while read -r file; do
  [ -f "$1/$file" ] && [ ! -L "$1/$file" ] && echo "/$file"
done <"$2.list" | chroot "$1" xargs ldd 2>/dev/null | grep -oE '/[^ :]+\.so[^ :]*' | sort -u |
  # A library's name, and what it is a link to.
  chroot "$1" sh -c 'while read -r library; do echo "$library"; readlink -f "$library"; done' |
  sed -E 's#^/##; s#^lib(64)?/#usr/lib\1/#' >>"$2.list"
sort -u "$2.list" | tar -C "$1" --no-recursion --numeric-owner -cf "$2" -T -
rm "$2.list"
