#!/bin/sh
# Becomes `bairro ARGUMENTS` once the file BAIRRO_WAIT_FOR (if set) exists.
# It waits instead of failing, because a container that restarts loses the network that others share with it.
set -eu
trap 'exit 143' TERM
trap 'exit 130' INT
if [ -n "${BAIRRO_WAIT_FOR:-}" ] && [ ! -e "$BAIRRO_WAIT_FOR" ]; then
  echo "waiting for $BAIRRO_WAIT_FOR: put your settings there, or start the demo profile, which writes them"
  until [ -e "$BAIRRO_WAIT_FOR" ]; do
    sleep 1 &
    wait $!
  done
fi
trap - TERM INT
exec bairro "$@"
