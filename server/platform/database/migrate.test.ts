import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import net from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startedTestServer } from '../../../test/server.ts'
import { createTenant, listTenants } from '../../tenancy/tenants.ts'
import { newKey } from '../crypto/seal.ts'
import { migrate, migrationStatus } from './migrate.ts'
import { connectOwner, openDatabase, openPool } from './pool.ts'
import { requireOrdinary } from './roles.ts'

const server = startedTestServer()
const suffix = randomBytes(4).toString('hex')
const databases: string[] = []
const roles: string[] = []
let admin: pg.Client
beforeAll(async () => {
  admin = new pg.Client({ connectionString: server.ownerUrlOf('postgres') })
  await admin.connect()
})
afterAll(async () => {
  for (const name of databases) await server.dropDatabase(name)
  for (const name of roles) await admin.query(`drop role if exists ${name}`)
  await admin.end()
})

function newDatabase(purpose: string): string {
  const name = `lethe_${purpose}_${suffix}`
  databases.push(name)
  return name
}

/** A role that owns a database and may create roles, but is no superuser: what a hosted server gives its customer. */
async function newOwner(purpose: string): Promise<{ name: string; url: (database: string) => string }> {
  const name = `owner_${purpose}_${suffix}`
  await admin.query(`create role ${name} login password 'owner' createrole`)
  roles.push(name)
  return {
    name,
    url: (database) => {
      const url = new URL(server.ownerUrlOf(database))
      url.username = name
      url.password = 'owner'
      return url.href
    },
  }
}

describe('the migrations', () => {
  it('escape characters only in ways that every supported server reads alike', async () => {
    // PostgreSQL 15 reads \\v as the letter v (Lexical Structure, "String Constants with C-Style Escapes").
    const folder = new URL('../../../migrations/', import.meta.url)
    const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
    expect(files.length).toBeGreaterThan(0)
    const unknown: string[] = []
    for (const file of files) {
      const text = await readFile(new URL(file, folder), 'utf8')
      for (const [string] of text.matchAll(/\be'(?:[^'\\]|''|\\.)*'/gis)) {
        const escapes = string.match(/\\[\s\S]/g) ?? []
        if (escapes.some((written) => !/^\\[bfnrtuUx0-7\\']$/.test(written)))
          unknown.push(`${file}: ${string.slice(0, 60)}`)
      }
    }
    expect(unknown).toEqual([])
  })
})

describe('migrating', () => {
  it('applies each migration once, however many do it at a time', async () => {
    const ownerUrl = server.ownerUrlOf(newDatabase('twice'))
    await migrate({ ownerUrl })
    const client = await connectOwner(ownerUrl)
    try {
      await client.query('drop schema public cascade; drop schema graphile_worker cascade; create schema public')
      const both = await Promise.all([migrate({ ownerUrl }), migrate({ ownerUrl })])
      const status = await migrationStatus(client)
      expect(both.flatMap(({ applied }) => applied).sort()).toEqual(status.map(({ name }) => name))
      expect(status.every(({ appliedAt }) => appliedAt !== undefined)).toBe(true)
      expect((await migrate({ ownerUrl })).applied).toEqual([])
    } finally {
      await client.end()
    }
  })

  it('refuses a database of a newer version, and an applied migration with another content', async () => {
    const ownerUrl = server.ownerUrlOf(newDatabase('versions'))
    await migrate({ ownerUrl })
    const client = await connectOwner(ownerUrl)
    try {
      await client.query(`update lethe_migrations set digest = 'another' where name like '0001%'`)
      await expect(migrate({ ownerUrl })).rejects.toMatchObject({ code: 'database.changed_migration' })
      await client.query(`insert into lethe_migrations (name, digest) values ('9999_later.sql', 'x')`)
      await expect(migrate({ ownerUrl })).rejects.toMatchObject({
        code: 'database.newer_schema',
        details: { migration: '9999_later.sql' },
      })
    } finally {
      await client.end()
    }
  })

  it('needs no superuser: an owner of the database who may create roles is enough', async () => {
    const database = newDatabase('hosted')
    const owner = await newOwner('hosted')
    await admin.query(`create database ${database} owner ${owner.name}`)
    // The roles belong to the whole server; this owner did not create them, so somebody lets it grant them on.
    await admin.query(`grant lethe_app, lethe_auditor to ${owner.name} with admin option`)
    const appUrl = new URL(server.ownerUrlOf(database))
    appUrl.username = `app_hosted_${suffix}`
    appUrl.password = 'app'
    roles.unshift(appUrl.username)
    await migrate({ ownerUrl: owner.url(database), appUrl: appUrl.href })
    const app = await openDatabase({ url: appUrl.href, masterKey: newKey() })
    try {
      const tenant = await createTenant(app, { name: 'Hosted', kind: 'enterprise' })
      expect(await listTenants(app)).toMatchObject([{ id: tenant.id, name: 'Hosted' }])
    } finally {
      await app.close()
      databases.splice(databases.indexOf(database), 1)
      await server.dropDatabase(database)
    }
  })

  it.each([
    ['in LATIN1', `encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`, 'database.encoding'],
    ['in SQL_ASCII', `encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`, 'database.encoding'],
    ['of the locale C', `encoding 'UTF8' locale_provider libc lc_collate 'C' lc_ctype 'C'`, 'database.locale'],
  ])('refuses a database %s, and so does the application', async (purpose, clause, code) => {
    const database = newDatabase(purpose.replaceAll(' ', '_').toLowerCase())
    await admin.query(
      `create database ${database} ${clause} ${clause.includes('provider') ? '' : 'locale_provider libc'} template template0`,
    )
    await expect(migrate({ ownerUrl: server.ownerUrlOf(database) })).rejects.toMatchObject({
      code,
      message: expect.stringContaining('template template0'),
    })
    await expect(openPool({ url: server.ownerUrlOf(database), role: undefined })).rejects.toMatchObject({ code })
  })

  it('says which extension is missing and what a superuser must run', async () => {
    const database = newDatabase('bare')
    const owner = await newOwner('bare')
    await admin.query(`create database ${database}`)
    const target = new pg.Client({ connectionString: server.ownerUrlOf(database) })
    await target.connect()
    await target.query(`grant all on schema public to ${owner.name}; grant lethe_app, lethe_auditor to ${owner.name}`)
    try {
      await expect(migrate({ ownerUrl: owner.url(database) })).rejects.toMatchObject({
        code: 'database.extension_missing',
        message: expect.stringContaining('create extension pg_trgm'),
      })
    } finally {
      await target.query(`drop owned by ${owner.name}`)
      await target.end()
    }
  })
})

describe('the application’s login', () => {
  it('is refused where it could read past the separation of tenants', async () => {
    const login = decodeURIComponent(new URL(server.ownerUrlOf('postgres')).username)
    await expect(requireOrdinary(admin, login)).rejects.toMatchObject({
      code: 'database.privileged_login',
      message: expect.stringContaining('DATABASE_OWNER_URL'),
    })
  })
})

describe('a server', () => {
  it('that nobody answers for is named without the password', async () => {
    await expect(openPool({ url: 'postgres://lethe:secret@127.0.0.1:1/lethe' })).rejects.toMatchObject({
      code: 'database.unreachable',
      message: expect.not.stringContaining('secret'),
    })
  })

  it('that refuses the password says so', async () => {
    const url = new URL(server.appUrlOf('postgres'))
    url.password = 'not-the-password'
    // A server that trusts everybody asks for no password.
    const { rows } = await admin.query<{ trusted: boolean }>(
      `select exists (select from pg_hba_file_rules where auth_method = 'trust') as trusted`,
    )
    if (rows[0]?.trusted) url.username = `nobody_${suffix}`
    await expect(openPool({ url: url.href })).rejects.toMatchObject({ code: 'database.refused' })
  })

  it('older than 15 is refused with its version', async () => {
    // No such server can be had here, so one is played: the start of a session, and the answer to the question for the version.
    const old = net.createServer((socket) => {
      let started = false
      socket.on('data', () => {
        socket.write(started ? versionAnswer('140011', '14.11') : Buffer.concat([message('R', int32(0)), ready]))
        started = true
      })
    })
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
    const address = old.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    try {
      await expect(openPool({ url: `postgres://lethe@127.0.0.1:${port}/lethe` })).rejects.toMatchObject({
        code: 'database.too_old',
        details: { version: '14.11' },
      })
    } finally {
      old.close()
    }
  })
})

/** Messages of PostgreSQL's protocol, version 3: a type, the length with itself, the content. */
function message(type: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content])
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

const ready = message('Z', Buffer.from('I'))

function versionAnswer(number: string, version: string): Buffer {
  const field = (name: string, type: number) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), Buffer.alloc(2), int32(type), Buffer.alloc(8)])
  const value = (text: string) => Buffer.concat([int32(text.length), Buffer.from(text)])
  const two = Buffer.from([0, 2])
  return Buffer.concat([
    message('T', Buffer.concat([two, field('number', 23), field('version', 25)])),
    message('D', Buffer.concat([two, value(number), value(version)])),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ])
}
