#!/bin/sh
# Runs `bairro ARGUMENTS` every BAIRRO_REPEAT_SECONDS, the first time once the file BAIRRO_WAIT_FOR exists.
# A run that fails says why and is tried again sooner.
set -eu
running=
trap '[ -z "$running" ] || kill -TERM "$running" 2>/dev/null; exit 143' TERM
trap '[ -z "$running" ] || kill -TERM "$running" 2>/dev/null; exit 130' INT
while :; do
  bairro-entrypoint "$@" &
  running=$!
  if wait "$running"; then pause=${BAIRRO_REPEAT_SECONDS:-3600}; else pause=60; fi
  sleep "$pause" &
  running=$!
  wait "$running"
done
