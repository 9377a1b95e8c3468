#!/bin/bash
# Makes the database at the first start, then runs the server as the user mysql.
set -euo pipefail

DATA=/var/lib/mysql
SOCKET=/run/mysqld/mysqld.sock

secret() { # NAME: the value of MARIADB_NAME or MYSQL_NAME, or of the file that one with _FILE names
    local name value file
    for name in "MARIADB_$1" "MYSQL_$1"; do
        file="${name}_FILE"
        value=${!name:-}
        if [ -n "${!file:-}" ]; then value=$(cat "${!file}"); fi
        if [ -n "$value" ]; then printf '%s' "$value"; return; fi
    done
}

quoted() { # a string for SQL
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

make_database() {
    local root user password database
    root=$(secret ROOT_PASSWORD) user=$(secret USER) password=$(secret PASSWORD) database=$(secret DATABASE)
    if [ -z "$root" ] && [ -z "$(secret ALLOW_EMPTY_ROOT_PASSWORD)" ]; then
        cat >&2 <<TEXT
Error: Database is uninitialized and password option is not specified.
       Give one with -e MARIADB_ROOT_PASSWORD=..., for example:
       docker run -d --name db -e MARIADB_ROOT_PASSWORD=secret -v data:/var/lib/mysql mariadb
TEXT
        exit 1
    fi
    mariadb-install-db --user=mysql --datadir="$DATA" --skip-test-db --auth-root-authentication-method=normal >/dev/null
    mariadbd --user=mysql --datadir="$DATA" --skip-networking --socket="$SOCKET" &
    local server=$!
    for _ in $(seq 60); do mariadb-admin --socket="$SOCKET" ping >/dev/null 2>&1 && break; sleep 1; done
    {
        if [ -n "$database" ]; then printf 'CREATE DATABASE IF NOT EXISTS `%s`;\n' "${database//\`/\`\`}"; fi
        if [ -n "$user" ] && [ -n "$password" ]; then
            printf 'CREATE USER %s@%s IDENTIFIED BY %s;\n' "$(quoted "$user")" "'%'" "$(quoted "$password")"
            if [ -n "$database" ]; then
                printf 'GRANT ALL ON `%s`.* TO %s@%s;\n' "${database//\`/\`\`}" "$(quoted "$user")" "'%'"
            fi
        fi
        printf 'CREATE USER root@%s IDENTIFIED BY %s;\n' "'%'" "$(quoted "$root")"
        printf 'GRANT ALL ON *.* TO root@%s WITH GRANT OPTION;\n' "'%'"
    } | mariadb --socket="$SOCKET"
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
        *.sh) bash "$file" ;;
        *.sql) mariadb --socket="$SOCKET" $database < "$file" ;;
        *.sql.gz) gunzip -c "$file" | mariadb --socket="$SOCKET" $database ;;
        esac
    done
    printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$(quoted "$root")" | mariadb --socket="$SOCKET"
    kill "$server"
    wait "$server"
}

if [ "${1:0:1}" = - ]; then set -- mariadbd "$@"; fi
if [ "$1" != mariadbd ]; then exec "$@"; fi
mkdir -p /run/mysqld
chown mysql:mysql "$DATA" /run/mysqld
if [ ! -d "$DATA/mysql" ]; then make_database; fi
exec "$@" --user=mysql
