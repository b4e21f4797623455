#!/usr/bin/env bash
# @fastify/swagger 9.9.3: empty brackets in an address become a parameter of the OpenAPI document.
#
# Expected: the route /Users/IncludeDeleted(), which Fastify answers at exactly that address, is documented there. OData
# writes calls of functions without parameters so.
# Seen: the document has /Users/IncludeDeleted{regexp1}, with a required path parameter that the server does not know.
#
# Who is hurt: a client that is generated from the document asks for addresses that do not exist.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund fastify@5.12.8 @fastify/swagger@9.9.3
cat >try.mjs <<'JS'
import swagger from '@fastify/swagger'
import fastify from 'fastify'

const server = fastify()
await server.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Example', version: '1' } } })
server.get('/Users/IncludeDeleted()', async () => 'here')
await server.ready()
console.log((await server.inject('/Users/IncludeDeleted()')).statusCode)
for (const [address, { get }] of Object.entries(server.swagger().paths)) {
  console.log(address, JSON.stringify(get.parameters))
}
JS
seen=$(node try.mjs)
expected='200
/Users/IncludeDeleted{regexp1} [{"schema":{"type":"string"},"in":"path","name":"regexp1","required":true}]'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
