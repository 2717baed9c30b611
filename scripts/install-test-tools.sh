#!/bin/bash
# Installs what some tests look through, where it is missing: iproute2 (ss, ip), iptables, util-linux (unshare), curl.
# Nothing here is needed to build or to use the library; a test without its tool is skipped and says so. So this never
# fails, but it does not keep quiet either.
set -u

declare -A package_of=([ss]=iproute2 [ip]=iproute2 [iptables]=iptables [unshare]=util-linux [curl]=curl)

# iptables lives in sbin, which is not on everyone's PATH.
PATH="$PATH:/usr/sbin:/sbin"

missing_tools() {
  local tool
  for tool in ss ip iptables unshare curl; do
    command -v "$tool" >/dev/null || echo "$tool"
  done
}

packages() {
  local tool
  for tool in "$@"; do echo "${package_of[$tool]}"; done | sort -u
}

give_up() {
  echo "!! TEST TOOLS MISSING: $(missing_tools | tr '\n' ' ')"
  echo "!! $1"
  echo "!! The tests that need them will be skipped. Get them with: apt-get install$(packages $(missing_tools) | sed 's/^/ /' | tr -d '\n')"
  exit 0
}

missing=$(missing_tools)
if [ -z "$missing" ]; then
  echo "test tools: ss, ip, iptables, unshare and curl are here"
  exit 0
fi

command -v apt-get >/dev/null || give_up "There is no apt-get on this machine."
[ "$(id -u)" = 0 ] || give_up "Only root can install packages, and this is uid $(id -u)."

export DEBIAN_FRONTEND=noninteractive
wanted=$(packages $missing)
echo "test tools: installing" $wanted
if ! apt-get install -y -q --no-install-recommends $wanted </dev/null; then
  # A new machine has no package lists yet.
  apt-get update -q </dev/null && apt-get install -y -q --no-install-recommends $wanted </dev/null
fi

[ -z "$(missing_tools)" ] || give_up "apt-get could not install everything."
echo "test tools: ss, ip, iptables, unshare and curl are here"
