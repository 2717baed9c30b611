#!/bin/bash
# Fuzzes what takes apart bytes that come from the kernel, and what writes addresses as text: libFuzzer with the address and
# undefined-behaviour sanitizers, from the inputs kept in fuzz/corpus.
#
#   bash test/kernel/fuzz.sh                       each target for 10 seconds
#   bash test/kernel/fuzz.sh --runs 3400000        each that many inputs
#   bash test/kernel/fuzz.sh --seconds 60 tcp_info one of them
#   bash test/kernel/fuzz.sh --keep                adds to fuzz/corpus what reaches new code, and makes it small again
#   bash test/kernel/fuzz.sh --tools               only whether there is a clang that can; exits with 1 if not
#
# Prints `TARGET: N inputs, N edges` for each, which scripts/proof/fuzz.mjs reads. Exits with 1 when an input fails; it is kept as
# fuzz/crash-TARGET-*, to be added to the corpus once it is mended.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
native="$here/../../native"
targets=() limit=(-max_total_time=10) keep=false only_tools=false

while [ $# -gt 0 ]; do
  case $1 in
    --runs) limit=("-runs=$2"); shift ;;
    --seconds) limit=("-max_total_time=$2"); shift ;;
    --keep) keep=true ;;
    --tools) only_tools=true ;;
    -*) echo "fuzz.sh: there is no $1; there are --runs N, --seconds N, --keep and --tools" >&2; exit 2 ;;
    *)
      [ -f "$here/fuzz/$1.cc" ] || { echo "fuzz.sh: there is no target $1" >&2; exit 2; }
      targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || targets=(dump_message tcp_info endpoints)

sanitizers=-fsanitize=fuzzer,address,undefined

# Debian has the runtime in a package of its own, which clang-tidy does not bring.
can_fuzz() {
  command -v "$1" >/dev/null &&
    echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }' |
    "$1" "$sanitizers" -x c++ -o /dev/null - 2>/dev/null
}

compiler=
for name in "${CLANGXX:-}" clang++-14 clang++; do
  [ -n "$name" ] && can_fuzz "$name" && compiler=$name && break
done
if [ "$only_tools" = true ]; then [ -n "$compiler" ]; exit; fi
if [ -z "$compiler" ]; then
  echo "NOT TESTED HERE: fuzzing: no clang with libFuzzer (Debian: clang-14 and libclang-rt-14-dev; scripts/install-test-tools.sh)"
  exit 0
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Sources each target needs besides its own: all of them link only against libc.
sources() {
  case $1 in
    dump_message) echo "$native/linux/dump_message.cc" "$native/linux/tcp_info.cc" ;;
    tcp_info) echo "$native/linux/tcp_info.cc" ;;
    endpoints) echo "$native/linux/endpoints.cc" "$native/linux/socket_reader.cc" "$native/linux/file_stat.cc" "$native/linux/tcp_info.cc" ;;
  esac
}

status=0
for target in "${targets[@]}"; do
  corpus="$here/fuzz/corpus/$target"
  # shellcheck disable=SC2046
  "$compiler" -std=c++17 -Wall -Wextra -Werror -g -O1 -fno-sanitize-recover=all "$sanitizers" \
    "$here/fuzz/$target.cc" $(sources "$target") -o "$out/$target"
  mkdir -p "$out/found-$target"
  # 340 bytes are a datagram of two sockets with their TCP_INFO; longer ones repeat it.
  if ! "$out/$target" "${limit[@]}" -max_len=1024 -print_final_stats=1 -artifact_prefix="$here/fuzz/crash-$target-" \
    "$out/found-$target" "$corpus" >"$out/log" 2>&1; then
    status=1
    echo "$target: FAILED"
    tail -n 40 "$out/log"
    continue
  fi
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/log")
  edges=$(grep -o 'cov: [0-9]*' "$out/log" | tail -n 1 | cut -d' ' -f2)
  echo "$target: $inputs inputs, $edges edges"
  if [ "$keep" = true ]; then
    mkdir -p "$out/small"
    "$out/$target" -merge=1 -max_len=1024 "$out/small" "$corpus" "$out/found-$target" >/dev/null 2>&1
    rm -rf "$corpus" && mv "$out/small" "$corpus"
    echo "$target: $(find "$corpus" -type f | wc -l) inputs kept, $(cat "$corpus"/* | wc -c) bytes"
  fi
done
exit $status
