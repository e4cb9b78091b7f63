#!/bin/sh
# Run once by PostgreSQL's image, as superuser, when the database cluster is made.
set -eu
# The owner's role owns the tables and runs migrations; the application's role owns nothing.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
  --set owner_password="$(cat /run/secrets/postgres_owner_password)" \
  --set app_password="$(cat /run/secrets/postgres_app_password)" <<'SQL'
CREATE ROLE copbridge_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE copbridge_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
CREATE DATABASE copbridge OWNER copbridge_owner;
REVOKE ALL ON DATABASE copbridge FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE copbridge TO copbridge_app;
SQL
