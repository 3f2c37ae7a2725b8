#!/usr/bin/env bash
# Runs the tests of the cluster driver in a virtual environment of their own: run.sh PYCAUDIT [FOLDER]. Needs Python 3.10 to 3.13.
set -euo pipefail
pycaudit=$(realpath "$1")
cluster=$(cd "$(dirname "$0")/.." && pwd)
folder=${2:-$(mktemp -d)}
if [ ! -x "$folder/bin/pycaudit-ray" ]; then
  "${PYTHON:-python3}" -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$cluster" fsspec
fi
cd "$cluster"
PYCAUDIT=$pycaudit RAY_USAGE_STATS_ENABLED=0 "$folder/bin/python" -W ignore -m unittest discover -s tests -t .
