#!/bin/sh
# The demo's provider: prepares the world in FOLDER, then serves its agents: bairro-provider FOLDER
# It shares the collector's network. Where that container is restarted the network leaves (no eth0 any more) and
# this one must join the new one: it ends, and Docker's restart policy starts it again.
set -eu
folder=$1
agents=
trap '[ -z "$agents" ] || kill -TERM "$agents" 2>/dev/null; exit 143' TERM
trap '[ -z "$agents" ] || kill -TERM "$agents" 2>/dev/null; exit 130' INT

bairro demo-prepare --folder "$folder" &
agents=$!
wait "$agents"
bairro demo-agents "$folder" &
agents=$!
while kill -0 "$agents" 2>/dev/null; do
  if [ ! -e /sys/class/net/eth0 ]; then
    echo "the collector's network has gone; starting again in the new one"
    kill -TERM "$agents"
    wait "$agents" || true
    exit 1
  fi
  sleep 2 &
  wait $!
done
wait "$agents"
