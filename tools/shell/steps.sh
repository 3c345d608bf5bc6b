# shellcheck shell=bash
# Sourced by tools/quickstart, tools/check and .ci/run: named steps with their time, and a sane
# environment. Usage: step "title" command [argument…]; at the end steps_summary. A failing step
# ends the script with its status.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
exec </dev/null  # Nothing here asks questions; a tool that would gets an end of file at once.

step_lines=()
ctest_lines=()

# The time of a number of seconds as m:ss.
step_time() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

step() {
  local title=$1 begin=$SECONDS status=0
  shift
  printf '\n==> %s\n' "$title"
  "$@" || status=$?
  step_lines+=("$(printf '%7s  %s%s' "$(step_time $((SECONDS - begin)))" "$title" \
    "$([ "$status" -eq 0 ] || echo "  FAILED (exit $status)")")")
  if [ "$status" -ne 0 ]; then
    printf '\n%s: "%s" failed; the command was: %s\n' "$0" "$title" "$*" >&2
    steps_summary >&2
    exit "$status"
  fi
}

steps_summary() {
  printf '\nTime per step of %s (m:ss)\n' "$0"
  printf '%s\n' "${step_lines[@]}"
  printf '%7s  in all\n' "$(step_time "$SECONDS")"
  [ "${#ctest_lines[@]}" -eq 0 ] || printf '%s\n' "" "${ctest_lines[@]}"
}

# Jobs for a build: one per processor, as far as 1.5 GiB of free memory each allow.
build_jobs() {
  local processors free_kib
  processors=$(nproc)
  free_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  local by_memory=$((free_kib / 1572864))
  local jobs=$((processors < by_memory ? processors : by_memory))
  echo $((jobs > 0 ? jobs : 1))
}

# build PRESET [target…]: everything, or only the targets.
build() {
  local preset=$1
  shift
  cmake --build --preset "$preset" --parallel "$(build_jobs)" ${1:+--target "$@"}
}

# run_ctest PRESET [ctest option…]: remembers ctest's closing lines for the summary.
run_ctest() {
  local preset=$1 log status=0
  shift
  log=build/$preset/ctest.log
  ctest --preset "$preset" --parallel "$(nproc)" "$@" 2>&1 | tee "$log" || status=$?
  mapfile -t -O "${#ctest_lines[@]}" ctest_lines < <(
    echo "ctest $preset:"
    sed -n '/tests passed/p; /^Total Test time/p; /tests FAILED/,$p' "$log" | awk '!seen[$0]++')
  return "$status"
}
