#!/bin/bash
# Makes the database at the first start, then runs the server as the user postgres.
set -euo pipefail

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }

secret() { # NAME: its value, or the content of the file that NAME_FILE names
    local name=$1 file="$1_FILE"
    if [ -n "${!file:-}" ]; then printf -v "$name" '%s' "$(cat "${!file}")"; fi
    export "$name=${!name:-}"
}

make_database() {
    secret POSTGRES_PASSWORD
    local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} user=${POSTGRES_USER:-postgres}
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
        cat >&2 <<TEXT
Error: Database is uninitialized and superuser password is not specified.
       Give one with -e POSTGRES_PASSWORD=..., for example:
       docker run -d --name db -e POSTGRES_PASSWORD=secret -v data:/var/lib/postgresql/data postgres
TEXT
        exit 1
    fi
    local arguments=(--username="$user") password_file
    if [ -n "$POSTGRES_PASSWORD" ]; then
        password_file=$(as_postgres mktemp)
        printf '%s\n' "$POSTGRES_PASSWORD" | as_postgres tee "$password_file" > /dev/null
        arguments+=(--pwfile="$password_file")
    fi
    as_postgres initdb "${arguments[@]}" ${POSTGRES_INITDB_ARGS:-}
    rm -f "${password_file:-}"
    printf '\nhost all all all %s\n' "$method" | as_postgres tee -a "$PGDATA/pg_hba.conf" >/dev/null
    as_postgres pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    local database=${POSTGRES_DB:-$user}
    if [ "$database" != postgres ]; then
        as_postgres createdb --username="$user" --owner="$user" "$database"
    fi
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
        *.sh) bash "$file" ;;
        *.sql) as_postgres psql -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" -f "$file" ;;
        *.sql.gz) gunzip -c "$file" | as_postgres psql -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" ;;
        esac
    done
    as_postgres pg_ctl -D "$PGDATA" -m fast -w stop
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi
mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 0700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then make_database; fi
exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@" -c listen_addresses='*'
