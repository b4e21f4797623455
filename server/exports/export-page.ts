import type { ExportIndex } from './export-index.ts'

const kinds = {
  about: 'About the person',
  written: 'Written by the person',
  on_record: 'On record',
}

/** The index of an export for people: one plain page of HTML that needs nothing else. */
export function exportPage(index: ExportIndex): string {
  const held = index.tables.filter(({ rows }) => rows > 0)
  const empty = index.tables.filter(({ rows }) => rows === 0)
  const { parts, mentions, files } = index
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Everything that is held about a person</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: left; font-weight: bold }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #767676 }
td.number, th.number { text-align: right }
dd, li { overflow-wrap: anywhere }
a { color: #0645ad }
@media (max-width: 40rem) {
thead { display: none }
table, caption, tbody, tr, td { display: block; overflow-wrap: anywhere }
td, td.number { border: 0; padding: 0; text-align: left }
td::before { content: attr(data-head) ": " }
tr { border-bottom: 1px solid #767676; padding: .3rem 0 }
}
</style>
</head>
<body>
<main>
<h1>Everything that is held about a person</h1>
<dl>
<dt>Person (internal id)</dt><dd>${escapeHtml(index.person)}</dd>
<dt>Tenant</dt><dd>${escapeHtml(index.tenant)}</dd>
<dt>Made at</dt><dd><time datetime="${escapeHtml(index.created_at)}">${escapeHtml(index.created_at)}</time></dd>
<dt>Version of the data map</dt><dd>${escapeHtml(index.data_map)}</dd>
</dl>
<p>Each table is there twice: as JSON for programs and as CSV for spreadsheets. In CSV, a cell that a spreadsheet would run
as a formula has an apostrophe in front. Programs read <a href="index.json">index.json</a>.</p>
<h2>Data</h2>
${table(
  'Rows that are held',
  ['What it is', 'Table', 'Rows', 'Files'],
  held.map(({ table: name, holds, kind, rows, values, json, csv }) => [
    `${kinds[kind]}. ${escapeHtml(holds)}${values === null ? '' : openedOf(values)}`,
    escapeHtml(name),
    String(rows),
    `${link(json, `${name} as JSON`)} ${link(csv, `${name} as CSV`)}`,
  ]),
)}
<h2>Parts in what belongs to others</h2>
<p>Here the person did something to rows that belong to something or somebody else. Only the table, the row's key and the
person's part are exported.</p>
${table(
  'Parts',
  ['What it is', 'Table', 'Part', 'Rows'],
  parts.counts.map(({ table: name, holds, role, rows }) => [
    escapeHtml(holds),
    escapeHtml(name),
    escapeHtml(role),
    String(rows),
  ]),
)}
${parts.file === null ? '' : `<p>${link(parts.file, 'All parts as JSON')} ${link(csvOf(parts.file), 'All parts as CSV')}</p>`}
<h2>Mentions</h2>
<p>An identifier of the person stands in ${mentions.rows} values of rows that belong to others. Only the places are exported.
${mentions.shared_identifiers} identifiers belong to somebody else too and were not looked for; ${mentions.short_identifiers}
cannot be told apart from ordinary text.</p>
${mentions.file === null ? '' : `<p>${link(mentions.file, 'All mentions as JSON')} ${link(csvOf(mentions.file), 'All mentions as CSV')}</p>`}
<h2>Files</h2>
${table(
  'Content that the person handed in, by the id of the file; names and kinds stand in the data',
  ['Table', 'Bytes', 'File'],
  files.map(({ table: name, file, bytes }) => [escapeHtml(name), String(bytes), link(file, file)]),
)}
<h2>Looked at, and nothing found</h2>
<ul>
${empty.map(({ table: name, holds }) => `<li>${escapeHtml(name)}: ${escapeHtml(holds)}</li>`).join('\n')}
</ul>
</main>
</body>
</html>
`
}

function openedOf({ opened, unreadable }: { opened: number; unreadable: number }): string {
  const altered = unreadable === 0 ? '' : `; in ${unreadable} they were altered and cannot be opened`
  return ` In ${opened} of the rows values about the person were opened and stand there${altered}.`
}

function table(caption: string, heads: string[], rows: string[][]): string {
  if (rows.length === 0) return '<p>None.</p>'
  const isNumber = (place: number) => heads[place] === 'Rows' || heads[place] === 'Bytes'
  const number = (place: number) => (isNumber(place) ? ' class="number"' : '')
  // Roles, because a table that is laid out as blocks is none for some screen readers.
  const head = (text: string, place: number) => `<th scope="col"${number(place)}>${text}</th>`
  const cell = (text: string, place: number) =>
    `<td role="cell" data-head="${escapeHtml(heads[place] ?? '')}"${number(place)}>${text}</td>`
  return `<table role="table">
<caption>${caption}</caption>
<thead><tr>${heads.map(head).join('')}</tr></thead>
<tbody role="rowgroup">
${rows.map((row) => `<tr role="row">${row.map(cell).join('')}</tr>`).join('\n')}
</tbody>
</table>`
}

/** The same as a spreadsheet. */
function csvOf(json: string): string {
  return json.replace(/\.json$/, '.csv')
}

function link(file: string | null, text: string): string {
  return file === null ? '' : `<a href="${escapeHtml(encodeURI(file))}">${escapeHtml(text)}</a>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
