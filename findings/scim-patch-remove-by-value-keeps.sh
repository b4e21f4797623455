#!/usr/bin/env bash
# scim-patch 0.8.3: a remove that names group members by their id alone leaves members that are stored with more.
#
# Expected: {"op": "remove", "path": "members", "value": [{"value": "ID"}]}, which identity providers send to take a
# person out of a group, removes the member with that id.
# Seen: a stored member is removed only if it equals the given one in every sub-attribute. One that is stored with its
# "display" or "$ref" stays, and no error is raised.
#
# Who is hurt: a person who left a group in the directory keeps what the group gives access to.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund scim-patch@0.8.3
cat >try.mjs <<'JS'
import { scimPatch } from 'scim-patch'
const remove = (members) => {
  const group = { schemas: [], displayName: 'Nurses', members }
  const { members: left } = scimPatch(group, [{ op: 'remove', path: 'members', value: [{ value: '1' }] }])
  console.log(JSON.stringify(left))
}
remove([{ value: '1' }, { value: '2' }])
remove([{ value: '1', display: 'Ann' }, { value: '2' }])
JS
seen=$(node try.mjs)
expected='[{"value":"2"}]
[{"value":"1","display":"Ann"},{"value":"2"}]'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
