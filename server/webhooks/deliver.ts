import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { dueEndpoints } from '../events/claim-deliveries.ts'
import { codeOf, type Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants } from '../platform/database/transaction.ts'
import { trustedCertificates } from '../platform/network/trusted-certificates.ts'
import { type Attempted, concludeAttempts, isDelivered } from './conclude-attempts.ts'
import { type LinkOf, type Prepared, prepareDeliveries } from './prepare-deliveries.ts'
import { pauseAfter } from './retry-schedule.ts'
import { send } from './send.ts'
import { longestAnswer, type WebhookSettings } from './settings.ts'

/** So often a worker looks for deliveries that are due, in milliseconds. */
const interval = 1000
/** Deliveries to one endpoint at a time. */
const mostAtOnce = 10
/** Endpoints that one process delivers to at a time. */
const mostEndpointsAtOnce = 500
/** So long a claim lasts, in milliseconds: longer than an attempt takes, with what is written afterwards. */
const claimLasts = 3 * longestAnswer

type EndpointId = { tenant_id: string; endpoint_id: string }

/** What this process knows of an endpoint that failed: how often in a row, and until when it gets nothing. */
type Trouble = { failures: number; until: number }

/** How long an attempt may take, for tests; and how long it lasts until a worker looks again. */
type Timing = { answer?: number; interval?: number }

export type Deliverer = {
  /** Takes no new deliveries, breaks off those under way, gives them back, and resolves. */
  stop(): Promise<void>
}

/**
 * Sends deliveries until stopped. An attempt holds no connection to the database. Endpoints do not wait for each other: each
 * has a few deliveries at a time, and one at a time, with pauses, as long as it fails. A delivery may arrive twice and in any
 * order: it is sent again where a process died before it wrote that it had been sent.
 */
export function deliverEvents(
  database: Database,
  settings: WebhookSettings,
  log: Logger,
  options: Timing & { linkOf?: LinkOf } = {},
): Deliverer {
  const stopping = new AbortController()
  const { signal } = stopping
  const busy = new Map<string, Promise<void>>()
  const troubles = new Map<string, Trouble>()
  const timeout = options.answer ?? longestAnswer
  let ca: Promise<string[] | undefined> | undefined

  const startDue = async () => {
    ca ??= trustedCertificates(settings.webhookCa)
    const trusted = await ca
    const due = await outsideTenants<EndpointId>(database, dueEndpoints, [new Date()], 'due_endpoints')
    for (const endpoint of due) {
      const { endpoint_id: id } = endpoint
      if (signal.aborted || busy.size >= mostEndpointsAtOnce) return
      if (busy.has(id) || (troubles.get(id)?.until ?? 0) > Date.now()) continue
      const working = workOff(endpoint, trusted)
        .catch((error: unknown) => {
          if (signal.aborted) return
          troubles.set(id, troubled(troubles.get(id), new Date()))
          log.error({ code: codeOf(error) }, 'deliveries of a webhook endpoint failed; they are tried again')
        })
        .finally(() => busy.delete(id))
      busy.set(id, working)
    }
  }

  /** Delivers to one endpoint until nothing is due, or an attempt failed. */
  const workOff = async ({ tenant_id: tenant, endpoint_id: id }: EndpointId, trusted: string[] | undefined) => {
    for (;;) {
      const trouble = troubles.get(id)
      const most = trouble === undefined ? mostAtOnce : 1
      const now = new Date()
      const claim = { most, now, until: new Date(now.getTime() + claimLasts) }
      const prepared = await inTenant(database, tenant, (tx) => prepareDeliveries(tx, id, claim, options.linkOf), {
        flushedLater: true,
      })
      if (prepared.length === 0) return
      const outcomes = await Promise.all(
        prepared.map((one) => attempt(one, { settings, ca: trusted, signal, timeout })),
      )
      await concludeAttempts(database, { tenant, endpoint: id }, outcomes)
      const isAlive = outcomes.some(({ outcome }) => isDelivered(outcome))
      if (isAlive) troubles.delete(id)
      else troubles.set(id, troubled(trouble, new Date(), outcomes))
      if (signal.aborted || !isAlive || prepared.length < most) return
    }
  }

  const run = async () => {
    while (!signal.aborted) {
      try {
        await startDue()
      } catch (error) {
        // The file may be corrected while the process runs.
        ca = undefined
        log.error({ code: codeOf(error) }, 'deliveries that are due could not be looked for')
      }
      await pause(options.interval ?? interval, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
      await Promise.allSettled(busy.values())
    },
  }
}

async function attempt(prepared: Prepared, options: Parameters<typeof send>[2]): Promise<Attempted> {
  const at = new Date()
  let outcome: Attempted['outcome']
  try {
    outcome = await send(prepared.url, prepared, options)
  } catch (error) {
    if (!options.signal.aborted) throw error
  }
  return { prepared, outcome, at, milliseconds: Date.now() - at.getTime() }
}

/** The pause after another failure; a receiver that asks for a longer one gets it, up to five minutes. */
function troubled(before: Trouble | undefined, now: Date, attempts: readonly Attempted[] = []): Trouble {
  const failures = (before?.failures ?? 0) + 1
  const asked = attempts.flatMap(({ outcome }) =>
    outcome !== undefined && 'status' in outcome && outcome.retryAfter !== undefined
      ? [outcome.retryAfter.getTime() - now.getTime()]
      : [],
  )
  return { failures, until: now.getTime() + Math.max(pauseAfter(failures), Math.min(Math.max(0, ...asked), 300_000)) }
}
