#!/bin/sh
# Makes the secrets that Compose, systemd and Kubernetes read from files, each once: what is there stays. Needs a POSIX shell and /dev/urandom.
#   sh deploy/make-secrets.sh [folder]      deploy/secrets when it is left out
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
# keep NAME TEXT: written whole or not at all. Containers read it under users of their own; the folder is closed to all others of this machine.
keep() {
  if [ -s "$folder/$1" ]; then return; fi
  printf '%s' "$2" >"$folder/$1.new"
  chmod 444 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
  echo "made $folder/$1"
}
keep postgres_password "$(random)"
keep database_url "postgresql://nocturne:$(cat "$folder/postgres_password")@${POSTGRES_HOST:-postgres}:5432/nocturne"
for name in gateway_secret voyager_proxy_api_key pusher_app_secret; do keep "$name" "$(random)"; done
