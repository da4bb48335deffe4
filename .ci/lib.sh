# Shared by .ci/run and the scripts beside it: steps with their time, tools that may be missing, processes that must not outlive us.
# Sourced, not run; expects `set -euo pipefail`.

export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" CARGO_INCREMENTAL=0 DEBIAN_FRONTEND=noninteractive
target="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TARGET_DIR="$target"

scratch="$(mktemp -d "${TMPDIR:-/tmp}/ringway-ci.XXXXXX")"
started=()
report=()

# Ends what was started by `background`, youngest first, and removes the scratch directory.
clean_up() {
    local i pid
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        pid="${started[i]}"
        kill "$pid" 2>/dev/null || true
    done
    for pid in ${started[@]+"${started[@]}"}; do
        timeout 10 tail --pid="$pid" -f /dev/null 2>/dev/null || kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# background LOG COMMAND…: starts it; its process id is in $last.
background() {
    local log="$1"
    shift
    "$@" >"$log" 2>&1 </dev/null &
    last=$!
    started+=("$last")
}

# step NAME COMMAND…: runs it, prints what it took; a failure ends the run. Where words were given to the run, only steps that hold one of them.
step() {
    local name="$1" from=$SECONDS status=0
    shift
    is_wanted "$name" || return 0
    printf '\n== %s\n' "$name"
    # A function run under `||` would lose its own `set -e`: so a subshell, its status taken afterwards.
    set +e
    (
        set -euo pipefail
        trap - EXIT
        "$@"
    ) </dev/null
    status=$?
    set -e
    report+=("$(printf '%5d s  %s' $((SECONDS - from)) "$name")")
    if ((status != 0)); then
        printf '\n== FAILED: %s (exit %d after %d s)\n' "$name" "$status" $((SECONDS - from))
        exit "$status"
    fi
}

# is_wanted NAME: whether the words given to the run name this step; without words all steps are wanted.
is_wanted() {
    local word
    ((${#wanted[@]} == 0)) && return 0
    for word in "${wanted[@]}"; do
        [[ "$1" == *"$word"* ]] && return 0
    done
    return 1
}

# skip NAME REASON: says so, here and in the summary.
skip() {
    is_wanted "$1" || return 0
    printf '\n== %s: skipped: %s\n' "$1" "$2"
    report+=("  skipped  $1: $2")
}

# have TOOL [PACKAGE]: whether the tool is there, after trying to install the Debian package that brings it.
have() {
    command -v "$1" >/dev/null && return 0
    add "${2:-$1}"
    command -v "$1" >/dev/null
}

# have_module MODULE PACKAGE: whether python3 has the module, after trying to install the Debian package that brings it.
have_module() {
    python3 -c "import $1" 2>/dev/null && return 0
    add "$2"
    python3 -c "import $1" 2>/dev/null
}

# add PACKAGE: tries to install a Debian package.
add() {
    local package="$1" run=()
    command -v apt-get >/dev/null || return 0
    if [[ "$(id -u)" != 0 ]]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 0
        run=(sudo -n)
    fi
    if [[ -z "${apt_updated:-}" ]]; then
        apt_updated=1
        timeout 180 ${run[@]+"${run[@]}"} apt-get update -qq </dev/null >/dev/null 2>&1 || true
    fi
    echo "installing $package"
    timeout 600 ${run[@]+"${run[@]}"} apt-get install -y -qq --no-install-recommends "$package" </dev/null >"$scratch/apt.log" 2>&1 ||
        tail -n 3 "$scratch/apt.log"
}

# summary: what ran and how long it took.
summary() {
    printf '\n== all green in %d s\n' "$SECONDS"
    printf '%s\n' ${report[@]+"${report[@]}"}
}
