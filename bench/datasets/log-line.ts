/** A service's log lines: nearly all text, a tenth of the messages not in ASCII. */
import protobuf from 'protobufjs'
import { Chance } from '../../src/demo/chance.ts'
import type { Dataset } from './dataset.ts'

const protoText = `syntax = "proto3";

package bench;

message LogLine {
  int64 logged_at_ms = 1;
  string host = 2;
  string service = 3;
  string level = 4;
  string logger = 5;
  string message = 6;
  string trace_id = 7;
  string path = 8;
  string user_agent = 9;
  optional string stack_trace = 10;
  map<string, string> labels = 11;
  int32 status = 12;
}
`

const firstLineMs = Date.UTC(2026, 10, 20, 10)

const plainTexts = [
  (id: string, ms: number) => `request ${id} finished in ${ms} ms`,
  (id: string, ms: number) => `cache miss for key user:${id}:cart, loaded in ${ms} ms`,
  (id: string, ms: number) => `retrying connection ${ms} to upstream payments-${id.slice(0, 2)}`,
  (id: string, ms: number) => `published event ${id} to topic orders partition ${ms % 24}`,
  (id: string) => `token of session ${id} is about to expire, refreshing it in the background`,
] as const
const otherTexts = [
  (id: string, ms: number) =>
    `Bestellung ${id} für Käufer geprüft, Lieferung in ${ms} Stunden möglich`,
  (id: string, ms: number) => `ユーザー${id}の注文を処理しました（${ms}ミリ秒）`,
  (id: string, ms: number) => `заказ ${id} обработан за ${ms} мс`,
  (id: string, ms: number) => `paiement refusé à l’étape ${ms} : carte expirée 💳 ${id}`,
] as const

const levels = ['INFO', 'INFO', 'INFO', 'DEBUG', 'DEBUG', 'WARN', 'ERROR'] as const
const labelKeys = ['region', 'zone', 'pod', 'version', 'tenant', 'feature'] as const
const statuses = [200, 200, 200, 201, 204, 302, 400, 404, 500, 503] as const

const stackOf = (chance: Chance): string =>
  Array.from(
    { length: chance.integer(8, 30) },
    () =>
      `    at com.shop.module${chance.integer(0, 40)}.Handler.run(Handler.java:${chance.integer(1, 900)})`,
  ).join('\n')

export const logLine: Dataset = {
  name: 'log-line',
  protoText,
  message: 'bench.LogLine',
  cardinalities:
    'message nearly unique of 9 shapes, a tenth with text that is not ASCII; trace_id unique; ' +
    'host 200; service 40; level 4; logger 300; path 4,000 skewed; user_agent 1,500 skewed; ' +
    'stack_trace in 1 %; labels 0-4 of 6 keys with 50 values; status 8',
  pyarrowBar: 0.9,
  rows: 300_000,
  events(seed) {
    const chance = new Chance(seed)
    const type = protobuf.parse(protoText, { keepCase: true }).root.lookupType('bench.LogLine')
    const many = (count: number, make: (index: number) => string): readonly string[] =>
      Array.from({ length: count }, (_, index) => make(index))
    const hosts = many(
      200,
      () => `ip-10-${chance.integer(0, 256)}-${chance.integer(0, 256)}.internal`,
    )
    const services = many(40, (index) => `service-${chance.hex(3)}-${index}`)
    const loggers = many(300, (index) => `com.shop.module${index % 40}.${chance.hex(6)}`)
    const paths = many(4_000, (index) => `/api/v2/items/${index}/reviews/${chance.hex(4)}`)
    const agents = many(1_500, (index) => {
      const build = `${chance.integer(80, 131)}.0.${chance.integer(1_000, 9_000)}.${index}`
      return `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${build} Safari/537.36`
    })
    const skewed = (of: readonly string[]): string | undefined =>
      of[Math.floor(chance.fraction() * chance.fraction() * of.length)]
    let atMs = firstLineMs
    return () => {
      atMs += chance.integer(0, 3)
      const text = chance.pick(chance.happens(0.1) ? otherTexts : plainTexts)
      const labels = Array.from({ length: chance.integer(0, 5) }, () => [
        chance.pick(labelKeys),
        `v${chance.integer(0, 50)}`,
      ])
      const line = {
        logged_at_ms: atMs,
        host: chance.pick(hosts),
        service: chance.pick(services),
        level: chance.pick(levels),
        logger: chance.pick(loggers),
        message: text(chance.hex(8), chance.integer(0, 5_000)),
        trace_id: chance.hex(32),
        path: skewed(paths),
        user_agent: skewed(agents),
        labels: Object.fromEntries(labels),
        status: chance.pick(statuses),
        ...(chance.happens(0.01) ? { stack_trace: stackOf(chance) } : {}),
      }
      return type.encode(line).finish()
    }
  },
}
