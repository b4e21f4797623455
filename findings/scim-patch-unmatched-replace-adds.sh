#!/usr/bin/env bash
# scim-patch 0.8.3: a replace that matches nothing adds a value, and names of attributes are compared by case.
#
# Expected: names of attributes ignore case (RFC 7643, section 2.1), and a replace whose filter matches no value fails
# with noTarget (RFC 7644, section 3.5.2.3).
# Seen: "UserName" becomes a second attribute beside "userName", which keeps its old value. A replace of
# emails[Type eq "WORK"].value matches nothing, and adds an address of the made-up form {"Type": "WORK", …}.
#
# Who is hurt: an identity provider that writes names in its own case renames a person, gets a success, and the old
# name stays.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund scim-patch@0.8.3
cat >try.mjs <<'JS'
import { scimPatch } from 'scim-patch'
const user = () => ({ schemas: [], userName: 'ann', emails: [{ type: 'work', value: 'ann@example.org' }] })
const patch = (...operations) => {
  const { schemas, ...rest } = scimPatch(user(), operations)
  console.log(JSON.stringify(rest))
}
patch({ op: 'replace', path: 'UserName', value: 'beth' })
patch({ op: 'replace', path: 'emails[Type eq "WORK"].value', value: 'beth@example.org' })
patch({ op: 'replace', path: 'emails[type eq "home"].value', value: 'beth@example.org' })
JS
seen=$(node try.mjs)
expected='{"userName":"ann","emails":[{"type":"work","value":"ann@example.org"}],"UserName":"beth"}
{"userName":"ann","emails":[{"type":"work","value":"ann@example.org"},{"Type":"WORK","value":"beth@example.org"}]}
{"userName":"ann","emails":[{"type":"work","value":"ann@example.org"},{"type":"home","value":"beth@example.org"}]}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behavior has changed. It was:"; echo "$expected"; exit 1; }
echo "As described."
