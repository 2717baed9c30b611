#!/bin/sh
# A PostgreSQL of its own on 127.0.0.1:5432, which trusts everybody and forgets all. It does not run as root.
set -e
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
as=
if [ "$(id -u)" = 0 ]; then
  chown postgres "$data"
  as='runuser -u postgres --'
fi
cd "$data"
$as initdb -D "$data/db" -A trust -U postgres --no-sync >/dev/null
$as postgres -D "$data/db" -k "$data" -h 127.0.0.1 -c fsync=off -c ssl=off >/dev/null 2>&1
