#!/usr/bin/env bash
# odata-query 8.1.0: of two conditions on one property in a list below `any` or `all`, only the last is sent.
#
# Expected: a list of conditions is joined by "and", as the same list is at the top of a filter.
# Seen: below `any` the list is merged into one object, so {Name: 'a'} is lost beside {Name: 'b'}. Conditions on
# different properties are both sent. Nothing warns, and the server answers more rows than were asked for.
#
# Who is hurt: a program that acts on the rows of such an answer acts on too many people.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund odata-query@8.1.0
cat >try.mjs <<'JS'
import odataQuery from 'odata-query'
const build = odataQuery.default ?? odataQuery
const twice = [{ Name: { contains: 'a' } }, { Name: { contains: 'b' } }]
console.log(build({ filter: twice }))
console.log(build({ filter: { Tags: { any: twice } } }))
console.log(build({ filter: { Tags: { all: twice } } }))
console.log(build({ filter: { Tags: { any: [{ Name: 'a' }, { Kind: 'b' }] } } }))
JS
seen=$(node try.mjs)
expected="?\$filter=contains(Name,'a') and contains(Name,'b')
?\$filter=Tags/any(tags:contains(tags/Name,'b'))
?\$filter=Tags/all(tags:contains(tags/Name,'b'))
?\$filter=Tags/any(tags:tags/Name eq 'a' and tags/Kind eq 'b')"
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
