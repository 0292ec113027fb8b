#!/bin/sh
# Temporal's databases and schema by its own tool, before the server starts. A second run changes nothing; a newer image brings the schema up to date.
set -eu
SQL_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
export SQL_PASSWORD
versioned=${SCHEMA_DIR:-/etc/temporal/schema}/postgresql/v12
tool() { temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "${DB_PORT:-5432}" -u "$POSTGRES_USER" "$@"; }
for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  tool --db "$database" create
  tool --db "$database" setup-schema -v 0.0
  tool --db "$database" update-schema -d "$versioned/${pair##*:}/versioned"
done
