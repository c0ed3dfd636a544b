#!/bin/sh
# Runs a job once an hour (or day) of a stream is complete: for cron, DolphinScheduler, anything that starts programs.
#
#   wait-and-run.sh STREAM PARTITION COMMAND [ARGUMENT ...]
#
#   5 * * * *  CONFIG=/etc/lakeward.yaml wait-and-run.sh app_events "$(date -u -d '1 hour ago' +\%Y-\%m-\%dT\%H)" ./load.sh
#
# The job finds the files of the partition, one a line, in the file that LAKEWARD_FILES names, and the manifest in the one
# that LAKEWARD_MANIFEST names. Exit code: that of the job; 75 when the partition was not announced in time (try again).
#
#   CONFIG    the configuration; lakeward.yaml
#   TIMEOUT   how long to wait; 2h
#   LAKEWARD  the program; lakeward
set -eu
[ $# -ge 3 ] || { echo "usage: $0 STREAM PARTITION COMMAND [ARGUMENT ...]" >&2; exit 2; }
stream=$1 partition=$2
shift 2
lakeward=${LAKEWARD:-lakeward} config=${CONFIG:-lakeward.yaml}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
code=0
$lakeward ready wait "$stream" "$partition" --timeout "${TIMEOUT:-2h}" -c "$config" --json >"$work/manifest.json" || code=$?
case $code in
  0) ;;
  1 | 3)
    $lakeward why "$stream" "$partition" -c "$config" >&2 || true
    exit 75
    ;;
  *) exit "$code" ;;
esac
$lakeward files "$stream" "$partition" -c "$config" >"$work/files"
LAKEWARD_MANIFEST=$work/manifest.json LAKEWARD_FILES=$work/files "$@"
