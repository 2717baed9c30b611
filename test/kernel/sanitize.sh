#!/bin/sh
# Compiles the addon's plain C++ (all that does not use Node-API) and runs sanitize/main.cc over it. Exits non-zero when a check fails,
# the tool reports something, or memory leaks.
#
#   bash test/kernel/sanitize.sh             with the address and undefined-behaviour sanitizers
#   bash test/kernel/sanitize.sh thread      with the thread sanitizer: the watches and the registry, from several threads at once
#   bash test/kernel/sanitize.sh valgrind    under valgrind's memcheck
#
# Inside Node: sanitize-node.mjs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
native="$here/../../native"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

compile() {
  "${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -g -O1 -pthread -fno-omit-frame-pointer "$@" \
    "$native"/linux/*.cc "$native/cookie_set.cc" "$native/watch_registry.cc" \
    "$here"/sanitize/*.cc -o "$out/sanitize"
}

case ${1:-address} in
  address)
    compile -fsanitize=address,undefined -fno-sanitize-recover=all
    ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 "$out/sanitize"
    ;;
  thread)
    compile -fsanitize=thread
    # The thread sanitizer of GCC 12 knows 28 bits of address randomisation at most; kernels of today have 32.
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 setarch -R "$out/sanitize"
    ;;
  valgrind)
    if ! command -v valgrind >/dev/null; then
      echo "NOT TESTED HERE: the C++ under valgrind: it is not installed (scripts/install-test-tools.sh)"
      exit 0
    fi
    compile
    valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite,indirect,possible \
      --track-fds=yes --fair-sched=yes "$out/sanitize"
    ;;
  *)
    echo "sanitize.sh: there is no $1; there are address, thread and valgrind" >&2
    exit 2
    ;;
esac
