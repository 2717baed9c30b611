#!/bin/bash
# Installs what some tests look through, where it is missing: iproute2 (ss, ip), iptables, util-linux (unshare), curl, Chromium,
# valgrind, clang with libFuzzer, and the programs of Prometheus and Alertmanager. Nothing here is needed to build or to use the
# library; a test without its tool is skipped and says so. So this never fails, but it does not keep quiet either.
set -u

declare -A package_of=([ss]=iproute2 [ip]=iproute2 [iptables]=iptables [unshare]=util-linux [curl]=curl [chromium]=chromium
  [valgrind]=valgrind [clang++-14]="clang-14 libclang-rt-14-dev"
  [prometheus]=prometheus [promtool]=prometheus [prometheus-alertmanager]=prometheus-alertmanager)
tools=(ss ip iptables unshare curl chromium valgrind clang++-14 prometheus promtool prometheus-alertmanager)

# iptables lives in sbin, which is not on everyone's PATH.
PATH="$PATH:/usr/sbin:/sbin"

fuzz=$(dirname "${BASH_SOURCE[0]}")/../test/kernel/fuzz.sh

is_here() {
  case $1 in
    clang++-14) bash "$fuzz" --tools ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_tools() {
  local tool
  for tool in "${tools[@]}"; do
    is_here "$tool" || echo "$tool"
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

all_here() {
  echo "test tools: ${tools[*]} are here"
  exit 0
}

# Of these packages only the programs are wanted: installed whole they would start servers and bring a web site.
install_monitoring() {
  local tool folder
  for tool in prometheus promtool prometheus-alertmanager; do
    command -v "$tool" >/dev/null && continue
    folder=$(mktemp -d) || return
    (cd "$folder" && apt-get download -q "${package_of[$tool]}" && dpkg-deb -x ./*.deb .) </dev/null &&
      install -m 755 "$folder/usr/bin/$tool" "/usr/local/bin/$tool"
    # Alertmanager does not start without its default template.
    if [ -d "$folder/usr/share/prometheus/alertmanager" ]; then
      install -D -m 644 -t /usr/share/prometheus/alertmanager "$folder"/usr/share/prometheus/alertmanager/*.tmpl
    fi
    rm -rf "$folder"
  done
}

missing=$(missing_tools)
[ -n "$missing" ] || all_here
command -v apt-get >/dev/null || give_up "There is no apt-get on this machine."
[ "$(id -u)" = 0 ] || give_up "Only root can install packages, and this is uid $(id -u)."

export DEBIAN_FRONTEND=noninteractive
install_missing() {
  local wanted
  wanted=$(packages $(missing_tools | grep -v -e '^prom'))
  if [ -n "$wanted" ]; then
    echo "test tools: installing" $wanted
    apt-get install -y -q --no-install-recommends $wanted </dev/null
  fi
  install_monitoring
  [ -z "$(missing_tools)" ]
}

# A new machine has no package lists yet, or old ones.
install_missing || { apt-get update -q </dev/null && install_missing; }

[ -z "$(missing_tools)" ] || give_up "apt-get could not install everything."
all_here
