import { expect, test } from 'vitest'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import { encodeManifest, manifestPathOf } from '../../../src/protocol/readiness-manifest.ts'
import {
  at,
  dataFile,
  factsOf,
  hourOf,
  type PlantedLog,
  sourceNamed,
} from '../../support/readiness-world.ts'

const thirteen = hourOf('2026-11-20T13')
const log: PlantedLog = {
  sources: [
    {
      source: sourceNamed('events', 0),
      next: 9_007_199_254_740_993n,
      progress: {
        app_events: { watermark: at('2026-11-20T14:05:01Z'), rowsAt: at('2026-11-20T14:05:02Z') },
      },
    },
    {
      source: sourceNamed('events', 1),
      next: 7n,
      progress: {
        app_events: { watermark: at('2026-11-20T14:05:10Z'), rowsAt: at('2026-11-20T14:05:02Z') },
      },
    },
  ],
  partitions: {
    app_events: [
      {
        partition: thirteen,
        files: [
          { ...dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-2-0', 60), schemaVersion: 3 },
          { ...dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-3-0', 40), schemaVersion: 2 },
        ],
        counts: {
          read: 110,
          written: 100,
          filtered: { 'z-last': 3, 'no-country': 4 },
          late: 0,
          deadLettered: { 'decode-truncated': 3 },
          lateAppended: 0,
        },
      },
    ],
  },
}

function manifestAt(lakeUrl: string): ReadyManifest {
  const decision = decideReady(factsOf(log, at('2026-11-20T14:05:12.345Z'), { lakeUrl }))
  const manifest = decision.kind === 'announce' ? decision.announcements[0]?.manifest : undefined
  if (manifest === undefined) throw new Error('nothing was announced')
  return { ...manifest, logEntry: 4711 }
}

test('a manifest has exactly the keys of the contract, in its order', () => {
  const text = new TextDecoder().decode(encodeManifest(manifestAt('s3://bucket/lake/')))
  const folder = 'ods_app_events/dt=2026-11-20/hour=13'
  expect(text).toBe(
    `${JSON.stringify({
      lakeward: 1,
      kind: 'partition-ready',
      id: 'growth/app_events/dt=2026-11-20/hour=13/1',
      pipeline: 'growth',
      stream: 'app_events',
      table: 'ods_app_events',
      partition: { dt: '2026-11-20', hour: '13' },
      partitionPath: 'dt=2026-11-20/hour=13',
      location: `s3://bucket/lake/${folder}`,
      revision: 1,
      reason: 'complete',
      rows: 100,
      files: [
        {
          path: `${folder}/growth-aaaaaaaaaaaaaaaa-2-0.parquet`,
          bytes: 600,
          rows: 60,
          crc32c: '0a0b0c0d',
        },
        {
          path: `${folder}/growth-aaaaaaaaaaaaaaaa-3-0.parquet`,
          bytes: 400,
          rows: 40,
          crc32c: '0a0b0c0d',
        },
      ],
      added: [],
      removed: [],
      counts: {
        read: 110,
        written: 100,
        filtered: { 'no-country': 4, 'z-last': 3 },
        late: 0,
        deadLettered: { 'decode-truncated': 3 },
        lateAppended: 0,
      },
      sources: [
        {
          clusterId: 'cluster',
          topic: 'events',
          topicId: 'id-events',
          partition: 0,
          next: '9007199254740993',
          eventWatermark: '2026-11-20T14:05:01.000Z',
          evidence: 'watermark',
        },
        {
          clusterId: 'cluster',
          topic: 'events',
          topicId: 'id-events',
          partition: 1,
          next: '7',
          eventWatermark: '2026-11-20T14:05:10.000Z',
          evidence: 'watermark',
        },
      ],
      schemaVersions: [2, 3],
      eventWatermark: '2026-11-20T14:05:01.000Z',
      logEntry: 4711,
      decidedAt: '2026-11-20T14:05:12.345Z',
    })}\n`,
  )
})

test('a manifest that came back from the log with other keys first gives the same bytes', () => {
  const manifest = manifestAt('file:./lake')
  const shuffled = Object.fromEntries(
    Object.entries(manifest).reverse(),
  ) as unknown as ReadyManifest
  expect(encodeManifest(shuffled)).toEqual(encodeManifest(manifest))
})

test('a manifest lies below the pipeline, by stream, partition and revision', () => {
  expect(manifestPathOf(manifestAt('file:./lake'))).toBe(
    '_lakeward/growth/ready/app_events/dt=2026-11-20/hour=13/1.json',
  )
})
