/** Targets of each kind with their other ends, which take, refuse or hang as they are told. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { errorCode } from '../../src/adapters/embedded/error-code.ts'
import { WebhookNotifier } from '../../src/adapters/http/webhook.ts'
import { AnnouncementProducer, jsonForm } from '../../src/adapters/kafka/announcement-producer.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { CommandHook } from '../../src/adapters/process/command-hook.ts'
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import type { CatalogPartition } from '../../src/ports/catalog.ts'
import { CatalogTarget } from '../../src/readiness/catalog-target.ts'
import { SuccessFile } from '../../src/readiness/success-file.ts'
import { SimLake } from '../sim/lake.ts'
import { SimCatalog } from '../support/catalog-sim.ts'
import { KafkaWorld } from '../support/kafka-world.ts'
import { SourceRun, until } from '../support/source-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { Behaviour, NotifierWorld, Received } from './notifier.ts'

const hangMs = 60_000
const clock = new SystemClock()

const receivedOf = (text: string): Received => {
  const manifest = JSON.parse(text) as ReadyManifest
  return { id: manifest.id, manifest }
}

export async function webhookWorld(): Promise<NotifierWorld> {
  let behaviour: Behaviour = 'well'
  const received: Received[] = []
  const take = (body: string, response: ServerResponse): void => {
    if (behaviour === 'hangs') return
    if (behaviour === 'well') received.push(receivedOf(body))
    response.writeHead(behaviour === 'well' ? 204 : 503).end()
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => {
      body += part.toString()
    })
    request.on('end', () => take(body, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const notifier = new WebhookNotifier({ target: 'webhook:it', url, secret: 'hush', clock })
  return {
    notifier,
    received: async () => received,
    behave: (as) => {
      behaviour = as
    },
    close: async () => {
      await notifier.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const topic = 'lake.ready'

export async function kafkaWorld(transactional: boolean): Promise<NotifierWorld> {
  const world = await KafkaWorld.open()
  const { broker } = world
  broker.createTopic(topic, 1)
  const runs = new SourceRun()
  const notifier = new AnnouncementProducer({
    target: `kafka:${topic}`,
    topic,
    brokers: [`127.0.0.1:${broker.port}`],
    clientId: 'test',
    form: jsonForm,
    transactional,
    clock,
  })
  const received = async (countMin: number): Promise<readonly Received[]> => {
    const reader = await runs.read(broker.port, [topic])
    await until(`${countMin} announcements`, () => reader.count >= countMin)
    return reader.of(`${topic}/0`).map(receivedOf)
  }
  return {
    notifier,
    received,
    behave: (as) => {
      broker.faults.clear()
      if (as === 'hangs') broker.faults.delay('produce', hangMs)
      if (as === 'refuses') broker.faults.fail('produce', errorCode.messageTooLarge, 100)
    },
    close: async () => {
      await notifier.close()
      await runs.close()
      await world.close()
    },
  }
}

export async function successFileWorld(): Promise<NotifierWorld> {
  let behaviour: Behaviour = 'well'
  const lake = new SimLake({
    refusal: (operation) =>
      behaviour === 'refuses' && operation === 'put'
        ? { code: 'LAKE_UNAVAILABLE', reason: 'told to' }
        : undefined,
    before: async (operation) => {
      // A lake is not left in the midst of a call: longer than its caller waits is long.
      if (behaviour !== 'hangs' || operation !== 'put') return
      await new Promise((resolve) => setTimeout(resolve, 200))
    },
  })
  const texts = () => [...lake.store.values()].map(({ body }) => new TextDecoder().decode(body))
  return {
    notifier: new SuccessFile('success-file', lake),
    received: async () => texts().map(receivedOf),
    behave: (as) => {
      behaviour = as
    },
    close: async () => {},
  }
}

class HangingCatalog extends SimCatalog {
  behaviour: Behaviour = 'well'

  override async register(
    table: string,
    partitions: readonly CatalogPartition[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.behaviour === 'hangs') await aborted(signal)
    const isGivenUp = signal?.aborted === true
    if (this.behaviour === 'well' && !isGivenUp) return super.register(table, partitions)
    const facts = { catalog: 'sim', call: 'register', reason: this.behaviour }
    throw new Fault('CATALOG_UNAVAILABLE', facts)
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted !== false) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

export async function catalogWorld(): Promise<NotifierWorld> {
  const catalog = new HangingCatalog()
  const lake = new SimLake({})
  const names = ['app_events', ...Array.from({ length: 6 }, (_, at) => `stream_${at}`)]
  const tables = names.map((name) => {
    return [name, { table: `ods_${name}`, columns: [], partitionColumns: ['dt', 'hour'] }] as const
  })
  const notifier = new CatalogTarget({
    target: 'hive:ods',
    catalog,
    lake,
    pipeline: 'growth',
    root: 'hdfs://main/lake',
    tables: new Map(tables),
    register: 'ready',
  })
  const idOf = ({ announced }: CatalogPartition): string =>
    `growth/${announced?.manifest.replace(/^.*\/ready\//, '').replace(/\.json$/, '')}`
  return {
    notifier,
    received: async () =>
      [...catalog.partitions.values()].map((shown) => ({ id: idOf(shown), manifest: undefined })),
    behave: (as) => {
      catalog.behaviour = as
    },
    close: async () => {},
  }
}

const script = `
case "$(cat behaviour)" in
  hangs) sleep 1000 ;;
  refuses) exit 3 ;;
  *) cat > "in.$$" && cat "in.$$" >> received ;;
esac`

export async function commandWorld(): Promise<NotifierWorld> {
  const folder = await temporaryFolder()
  const behave = (as: Behaviour): void => writeFileSync(join(folder.path, 'behaviour'), as)
  behave('well')
  writeFileSync(join(folder.path, 'received'), '')
  const notifier = new CommandHook({
    target: 'command:it',
    argv: ['/bin/sh', '-c', script],
    folder: folder.path,
    environment: [],
    timeoutMs: durationMs(hangMs),
    atOnceMax: 8,
    clock,
  })
  return {
    notifier,
    behave,
    received: async () =>
      readFileSync(join(folder.path, 'received'), 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map(receivedOf),
    close: async () => {
      await notifier.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
