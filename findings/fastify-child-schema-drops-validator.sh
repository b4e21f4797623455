#!/usr/bin/env bash
# Fastify 5.12.8: a plugin that calls addSchema loses the validator compiler that was set on the server around it.
#
# Expected: setValidatorCompiler on the server holds in every plugin below it, as hooks and decorators do.
# Seen: it holds in a plugin without schemas of its own. In a plugin that adds one, Fastify builds its usual compiler,
# which removes members that the schema does not have instead of refusing them.
#
# Who is hurt: a server that refuses unknown members accepts and ignores them, once a plugin adds a shared schema.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund fastify@5.12.8 ajv@8.17.1
cat >try.mjs <<'JS'
import Ajv from 'ajv'
import fastify from 'fastify'

const ajv = new Ajv()
const server = fastify()
server.setValidatorCompiler(({ schema }) => ajv.compile(schema))
const body = { type: 'object', additionalProperties: false, properties: { name: { type: 'string' } } }
const route = { method: 'POST', schema: { body }, handler: async (request) => request.body }
server.register(async (plugin) => plugin.route({ ...route, url: '/plain' }))
server.register(async (plugin) => {
  plugin.addSchema({ $id: 'Shared', type: 'object' })
  plugin.route({ ...route, url: '/shared' })
})
for (const url of ['/plain', '/shared']) {
  const { statusCode } = await server.inject({ method: 'POST', url, payload: { name: 'a', unknown: 1 } })
  console.log(url, statusCode)
}
JS
seen=$(node try.mjs)
expected='/plain 400
/shared 200'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
