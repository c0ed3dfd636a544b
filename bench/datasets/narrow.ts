/** A sensor's reading: six scalars, 40 bytes. */
import protobuf from 'protobufjs'
import { Chance } from '../../src/demo/chance.ts'
import type { Dataset } from './dataset.ts'

const protoText = `syntax = "proto3";

package bench;

message Reading {
  string device_id = 1;
  int64 read_at_ms = 2;
  int32 sensor = 3;
  double celsius = 4;
  bool is_calibrated = 5;
  uint32 sequence = 6;
}
`
const deviceCount = 5_000
const firstReadingMs = Date.UTC(2026, 10, 20, 10)

export const narrow: Dataset = {
  name: 'narrow',
  protoText,
  message: 'bench.Reading',
  cardinalities:
    'device_id 5,000; read_at_ms rising; sensor 32; celsius 12,000; is_calibrated 95 %; ' +
    'sequence counts up per device',
  pyarrowBar: 0.9,
  rows: 1_000_000,
  events(seed) {
    const chance = new Chance(seed)
    const type = protobuf.parse(protoText, { keepCase: true }).root.lookupType('bench.Reading')
    const devices = Array.from({ length: deviceCount }, () => `dev-${chance.hex(10)}`)
    const sequences = new Uint32Array(deviceCount)
    let atMs = firstReadingMs
    return () => {
      const device = chance.integer(0, deviceCount)
      atMs += chance.integer(0, 4)
      const reading = {
        device_id: devices[device],
        read_at_ms: atMs,
        sensor: chance.integer(0, 32),
        celsius: chance.integer(-3_000, 9_000) / 100,
        is_calibrated: chance.happens(0.95),
        sequence: (sequences[device] ?? 0) + 1,
      }
      sequences[device] = reading.sequence
      return type.encode(reading).finish()
    }
  },
}
