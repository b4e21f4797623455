#!/usr/bin/env bash
# typebox 1.4.3: Value.Convert reads the names of an object's properties as regular expressions.
#
# Expected: a property is converted by the schema that has exactly its name.
# Seen: "$top" is never converted, because "$" ends a pattern. "axb" is converted by the schema of "a.b", although
# it is another property, which the schema does not know. Value.Check and Value.Clean compare names as they are.
#
# Who is hurt: a server that converts a query's texts by such a schema refuses every OData option ("$top=5" stays a
# text, and a text is no integer). Reading the options as texts, and the numbers afterwards, avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund typebox@1.4.3
cat >try.mjs <<'JS'
import Type from 'typebox'
import Value from 'typebox/value'

const query = Type.Object({ $top: Type.Integer(), top: Type.Integer() })
console.log(JSON.stringify(Value.Convert(query, { $top: '5', top: '5' })))
const dotted = Type.Object({ 'a.b': Type.Integer() })
console.log(JSON.stringify(Value.Convert(dotted, { 'a.b': '5', axb: '7' })))
console.log(JSON.stringify(Value.Clean(Type.Object({ 'a.b': Type.Integer() }, { additionalProperties: false }), { 'a.b': 5, axb: 7 })))
JS
seen=$(node try.mjs)
expected='{"$top":"5","top":5}
{"a.b":5,"axb":7}
{"a.b":5}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
