#!/bin/sh
# Compiles the addon's C++ (all but addon.cc and arguments.cc) with the address and undefined-behaviour sanitizers and runs
# sanitize/main.cc over it. Exits non-zero when a check fails, a sanitizer reports, or memory leaks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
native="$here/../../native"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -g -O1 -pthread -fno-omit-frame-pointer \
  -fsanitize=address,undefined -fno-sanitize-recover=all \
  "$native/socket_reader.cc" "$native/half_close_watch.cc" "$native/fd_table.cc" "$native/sock_diag.cc" \
  "$native/socket_abort.cc" "$native/file_stat.cc" "$native/loaded_copies.cc" "$native/watch_registry.cc" \
  "$native/cookie_set.cc" "$native/kernel_check.cc" "$native/write_now.cc" \
  "$here"/sanitize/*.cc -o "$out/sanitize"

ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 "$out/sanitize"
