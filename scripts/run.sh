#!/bin/bash
# Builds mbsopt if need be, installing what that takes on Debian, and runs it with the arguments.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# shellcheck disable=SC2034
failure_status=5 # as mbsopt's own for a failure of the system
ensure_packages run
build "$root/build-run" --buildtype=release -Dtests=false || fail "mbsopt could not be built"
exec "$root/build-run/src/cli/mbsopt" "$@"
