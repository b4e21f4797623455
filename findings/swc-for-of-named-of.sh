#!/usr/bin/env bash
# @swc/core 1.16.22: as TypeScript, the parser refuses a loop whose variable is named `of`.
#
# Expected: `of` is no reserved word, so `for (const of of list)` is valid in every version of ECMAScript since 2015. V8,
# acorn and TypeScript read it.
# Seen: swc reads it as JavaScript. As TypeScript it says "Variable declaration list cannot be empty".
#
# Who is hurt: a tool that reads a project through swc, such as dependency-cruiser, ends at a file that runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @swc/core@1.16.22 acorn@8.19.0
cat >try.mjs <<'JS'
import swc from '@swc/core'
import { parse } from 'acorn'

const text = 'for (const of of [1, 2]) console.log(of)'
new Function(text)()
console.log('acorn:', parse(text, { ecmaVersion: 2015 }).body[0].type)
for (const syntax of ['ecmascript', 'typescript']) {
  try {
    swc.parseSync(text, { syntax })
    console.log(`swc, ${syntax}: read`)
  } catch (error) {
    console.log(`swc, ${syntax}: ${/Variable declaration list cannot be empty/.exec(String(error))?.[0] ?? error}`)
  }
}
JS
seen=$(node try.mjs)
expected='1
2
acorn: ForOfStatement
swc, ecmascript: read
swc, typescript: Variable declaration list cannot be empty'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
