import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

// Draws docs/purge.svg from a real run: loads the demo into a database of its own, previews and purges the first person
// that the demo proposes, verifies the certificate, and draws what these commands printed. Long tables are cut at "…".

const root = fileURLToPath(new URL('..', import.meta.url))
const lethe = path.join(root, 'bin', 'lethe.mjs')
const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-draw-'))
// As root the embedded server runs as another user, who must be able to enter.
await chmod(folder, 0o711)
try {
  const { try: steps } = JSON.parse(run('demo', '--load-only', '--json'))
  const proposed: string[] = steps.flatMap(({ commands }: { commands: string[] }) => commands)
  const email = /preview --email (\S+)/.exec(proposed.join('\n'))?.[1]
  if (email === undefined) throw new Error('the demo proposes no preview')
  const preview = run('preview', '--email', email)
  const purge = run('purge', '--email', email, '--yes')
  const certificate = path.join(folder, 'certificate.json')
  await writeFile(certificate, run('certificate', 'show'))
  const verified = run('certificate', 'verify', certificate)
  const drawing = draw([
    { command: `lethe preview --email ${email}`, lines: beginning(preview, 24) },
    { command: `lethe purge --email ${email}`, lines: beginning(purge, 5) },
    {
      command: 'lethe certificate verify certificate.json',
      lines: [/^The signatures are valid/, /^rows left/, /^searched at/, /^findings/, /^Erased; /].map((wanted) =>
        lineOf(verified, wanted),
      ),
    },
  ])
  await writeFile(path.join(root, 'docs', 'purge.svg'), drawing)
} finally {
  await rm(folder, { recursive: true, force: true })
}

function run(...args: string[]): string {
  const given = Object.entries(process.env).filter(([name]) => !/^(DATABASE_|LETHE_)/.test(name))
  const env = { ...Object.fromEntries(given), LETHE_DATA: path.join(folder, 'data') }
  const { status, stdout, stderr } = spawnSync(process.execPath, [lethe, ...args], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`lethe ${args.join(' ')} exited ${status}: ${stderr}`)
  return stdout
}

function linesOf(text: string): string[] {
  return text.trimEnd().split('\n')
}

/** Throws where the line is not there, so that a changed text cannot leave the drawing unseen. */
function lineOf(text: string, wanted: RegExp): string {
  const line = linesOf(text).find((one) => wanted.test(one))
  if (line === undefined) throw new Error(`no line of what was printed is like ${wanted}`)
  return line
}

function beginning(text: string, most: number): string[] {
  // A terminal of this width would break longer lines.
  const lines = linesOf(text).map((line) => (line.length > 92 ? `${line.slice(0, 91)}…` : line))
  return lines.length > most ? [...lines.slice(0, most), '…'] : lines
}

function draw(parts: { command: string; lines: string[] }[]): string {
  const lines = parts.flatMap(({ command, lines }) => [`$ ${command}`, ...lines])
  const [width, height] = [760, lines.length * 20 + 44]
  const texts = lines.map((line, index) => {
    const color = line.startsWith('$ ') ? ' fill="#7fd1ae"' : ''
    return `<text x="22" y="${48 + index * 20}"${color} style="white-space:pre">${escaped(line)}</text>\n`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Terminal: a preview of a purge with the person and the counts per table, the purge itself, and its certificate verified offline">
<!-- Made by "npm run draw" from a real run. -->
<rect width="${width}" height="${height}" rx="10" fill="#14181f"/>
<circle cx="22" cy="18" r="6" fill="#5b6472"/><circle cx="42" cy="18" r="6" fill="#5b6472"/><circle cx="62" cy="18" r="6" fill="#5b6472"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#d7dce4" xml:space="preserve">
${texts.filter((_, index) => lines[index] !== '').join('')}</g></svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
