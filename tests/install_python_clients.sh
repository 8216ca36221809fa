#!/bin/sh
# Supabase's client for Python, today's and a year-old one, each in a folder of its own: they ask for other versions of
# packages than Floorcast does. Fetched once; after that neither pip nor the network is asked. Where they cannot be
# fetched this says, loudly, what will not be tested.
set -eu

cd "$(dirname "$0")/py"
python="${PYTHON:-../../.venv/bin/python}"

for name in today old; do
    stamp=site/$name/.floorcast
    state=$(cksum <"$name.txt"; "$python" --version)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then continue; fi
    echo "set-up: installing the Python client ($name) with pip, once" >&2
    rm -rf "site/$name"
    if "$python" -m pip install --quiet --disable-pip-version-check --target "site/$name" -r "$name.txt" >&2; then
        echo "$state" >"$stamp"
        continue
    fi
    cat >&2 <<'TEXT'
################################################################################
# pip could not fetch the Python client: tests with it will be SKIPPED.        #
# Give this machine a package index and run this again.                        #
################################################################################
TEXT
done
