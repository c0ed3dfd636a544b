/**
 * Batches of spans as a tracing agent exports them, in the shape of OpenTelemetry's trace schema
 * (resource, scopes, spans with attributes, events, links and a status; values that hold values)
 * under names of our own.
 */
import protobuf from 'protobufjs'
import { Chance } from '../../src/demo/chance.ts'
import type { Dataset } from './dataset.ts'

const protoText = `syntax = "proto3";

package bench.trace;

message SpanBatch {
  repeated ResourceSpans resource_spans = 1;
}

message ResourceSpans {
  Resource resource = 1;
  repeated ScopeSpans scope_spans = 2;
  string schema_url = 3;
}

message Resource {
  repeated Attribute attributes = 1;
  uint32 dropped_attributes_count = 2;
}

message ScopeSpans {
  Scope scope = 1;
  repeated Span spans = 2;
  string schema_url = 3;
}

message Scope {
  string name = 1;
  string version = 2;
  repeated Attribute attributes = 3;
  uint32 dropped_attributes_count = 4;
}

message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  string trace_state = 3;
  bytes parent_span_id = 4;
  string name = 5;
  enum Kind {
    KIND_UNSPECIFIED = 0;
    KIND_INTERNAL = 1;
    KIND_SERVER = 2;
    KIND_CLIENT = 3;
    KIND_PRODUCER = 4;
    KIND_CONSUMER = 5;
  }
  Kind kind = 6;
  fixed64 start_time_unix_ns = 7;
  fixed64 end_time_unix_ns = 8;
  repeated Attribute attributes = 9;
  uint32 dropped_attributes_count = 10;
  message Event {
    fixed64 time_unix_ns = 1;
    string name = 2;
    repeated Attribute attributes = 3;
    uint32 dropped_attributes_count = 4;
  }
  repeated Event events = 11;
  uint32 dropped_events_count = 12;
  message Link {
    bytes trace_id = 1;
    bytes span_id = 2;
    string trace_state = 3;
    repeated Attribute attributes = 4;
    uint32 dropped_attributes_count = 5;
    fixed32 flags = 6;
  }
  repeated Link links = 13;
  uint32 dropped_links_count = 14;
  Status status = 15;
  fixed32 flags = 16;
}

message Status {
  string message = 2;
  enum Code {
    CODE_UNSET = 0;
    CODE_OK = 1;
    CODE_ERROR = 2;
  }
  Code code = 3;
}

message Attribute {
  string key = 1;
  Value value = 2;
}

message Value {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ValueList array_value = 5;
    AttributeList attributes_value = 6;
    bytes bytes_value = 7;
  }
}

message ValueList {
  repeated Value values = 1;
}

message AttributeList {
  repeated Attribute values = 1;
}
`

const firstSpanNs = BigInt(Date.UTC(2026, 10, 20, 10)) * 1_000_000n
const methods = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const
const statuses = [200, 200, 200, 201, 304, 404, 500] as const

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> }

const texted = (key: string, text: string): Attribute => ({ key, value: { string_value: text } })
const counted = (key: string, count: number): Attribute => ({ key, value: { int_value: count } })

class Spans {
  readonly #chance: Chance
  readonly #services: readonly string[]
  #startNs = firstSpanNs

  constructor(seed: number) {
    const chance = new Chance(seed)
    this.#chance = chance
    this.#services = Array.from({ length: 60 }, (_, index) => `service-${index}-${chance.hex(4)}`)
  }

  batch(): Record<string, unknown> {
    const chance = this.#chance
    const service = chance.pick(this.#services)
    const attributes = [
      texted('service.name', service),
      texted('host.name', `node-${chance.integer(0, 400)}`),
      texted('telemetry.sdk.language', 'go'),
      counted('process.pid', chance.integer(1, 30_000)),
    ]
    const scope = { name: `instrumentation/${chance.integer(0, 12)}`, version: '0.58.0' }
    const spans = Array.from({ length: chance.integer(5, 30) }, () => this.#span())
    const scoped = { scope, spans, schema_url: 'https://schemas.example/1.27.0' }
    return { resource_spans: [{ resource: { attributes }, scope_spans: [scoped] }] }
  }

  #span(): Record<string, unknown> {
    const chance = this.#chance
    this.#startNs += BigInt(chance.integer(1_000, 90_000))
    const lastsNs = BigInt(Math.floor(chance.fraction() * chance.fraction() * 2e9))
    const route = `/api/v1/resource${chance.integer(0, 80)}/{id}`
    const failed = chance.happens(0.03)
    const attributes = [
      texted('http.request.method', chance.pick(methods)),
      texted('http.route', route),
      counted('http.response.status_code', failed ? 500 : chance.pick(statuses)),
      texted('url.full', `https://shop.example${route.replace('{id}', chance.hex(8))}`),
      { key: 'sampled', value: { bool_value: chance.happens(0.5) } },
      { key: 'ratio', value: { double_value: chance.fraction() } },
    ].slice(0, chance.integer(3, 7))
    if (chance.happens(0.02)) attributes.push(this.#headers())
    return {
      trace_id: Buffer.from(chance.hex(32), 'hex'),
      span_id: Buffer.from(chance.hex(16), 'hex'),
      ...(chance.happens(0.8) ? { parent_span_id: Buffer.from(chance.hex(16), 'hex') } : {}),
      name: `${chance.pick(methods)} ${route}`,
      kind: chance.integer(1, 6),
      start_time_unix_ns: longOf(this.#startNs),
      end_time_unix_ns: longOf(this.#startNs + lastsNs),
      attributes,
      events: failed ? [this.#exception()] : [],
      links: chance.happens(0.02) ? [this.#link()] : [],
      status: failed ? { code: 2, message: 'internal error' } : {},
      flags: 257,
    }
  }

  #exception(): Record<string, unknown> {
    const kind = `Error${this.#chance.integer(0, 20)}`
    const attributes = [texted('exception.type', kind), texted('exception.message', 'it failed')]
    return { time_unix_ns: longOf(this.#startNs), name: 'exception', attributes }
  }

  #headers(): Attribute {
    const texts = ['gzip', 'br', 'zstd'].slice(0, this.#chance.integer(1, 4))
    const values = texts.map((text) => ({ string_value: text }))
    return { key: 'http.request.header.accept-encoding', value: { array_value: { values } } }
  }

  #link(): Record<string, unknown> {
    const chance = this.#chance
    const of = (digits: number): Buffer => Buffer.from(chance.hex(digits), 'hex')
    return { trace_id: of(32), span_id: of(16), flags: 257 }
  }
}

const longOf = (value: bigint): object => {
  return { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n), unsigned: true }
}

export const spanBatch: Dataset = {
  name: 'span-batch',
  protoText,
  message: 'bench.trace.SpanBatch',
  cardinalities:
    'an event is a batch of 5-29 spans of one of 60 services; trace_id, span_id and url.full ' +
    'unique; route 80; span name 320; 3-6 attributes of 6 keys; 2 % with a list as a value; 3 % failed with an exception; ' +
    '2 % with a link',
  pyarrowBar: 0.9,
  rows: 12_000,
  events(seed) {
    const spans = new Spans(seed)
    const type = protobuf
      .parse(protoText, { keepCase: true })
      .root.lookupType('bench.trace.SpanBatch')
    return () => type.encode(spans.batch()).finish()
  },
}
