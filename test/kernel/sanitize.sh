#!/bin/sh
# Compiles the addon's plain C++ (all that does not use Node-API) with the address and undefined-behaviour sanitizers and runs
# sanitize/main.cc over it. Exits non-zero when a check fails, a sanitizer reports, or memory leaks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
native="$here/../../native"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -g -O1 -pthread -fno-omit-frame-pointer \
  -fsanitize=address,undefined -fno-sanitize-recover=all \
  "$native"/linux/*.cc "$native/cookie_set.cc" "$native/watch_registry.cc" \
  "$here"/sanitize/*.cc -o "$out/sanitize"

ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 "$out/sanitize"
