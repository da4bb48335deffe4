#!/usr/bin/env bash
# Writes src/generated.rs from ringway.fbs.
#
#   schema/regenerate.sh           build flatc if need be (cmake, C++; some minutes the first time), then write
#   schema/regenerate.sh --check   write nothing; 0: in step, 1: drifted, 3: no flatc of the right version at hand
#
# FLATC names a flatc to use instead. Its version must be the one of the `flatbuffers` crate in Cargo.lock.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n '/^name = "flatbuffers"$/{n;s/^version = "\(.*\)"$/\1/p}' "$here/../Cargo.lock")

fits() { [ -n "$1" ] && [ -x "$1" ] && [ "$("$1" --version)" = "flatc version $version" ]; }

flatc=${FLATC:-$(command -v flatc || true)}
if ! fits "$flatc"; then
    built=${CARGO_TARGET_DIR:-$here/flatc/target}/debug/ringway-flatc
    if [ "${1:-}" != --check ]; then
        cargo build --quiet --manifest-path "$here/flatc/Cargo.toml"
    fi
    flatc=$([ -x "$built" ] && "$built" || true)
fi
if ! fits "$flatc"; then
    echo "regenerate: no flatc $version at hand; set FLATC or run schema/regenerate.sh once" >&2
    exit 3
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$flatc" --rust -o "$work" "$here/ringway.fbs"
{
    echo "// sha256 of ringway.fbs: $(sha256sum < "$here/ringway.fbs" | cut -d' ' -f1)"
    cat "$work/ringway_generated.rs"
} > "$work/generated.rs"

if [ "${1:-}" = --check ]; then
    if ! diff -q "$work/generated.rs" "$here/src/generated.rs" > /dev/null; then
        echo "regenerate: schema/src/generated.rs is not what ringway.fbs gives; run schema/regenerate.sh" >&2
        exit 1
    fi
    echo "regenerate: in step with ringway.fbs"
else
    cp "$work/generated.rs" "$here/src/generated.rs"
fi
