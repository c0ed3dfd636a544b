import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { LocalConfigFiles } from '../../../../src/adapters/local/config-files.ts'
import { manifestEncoder } from '../../../../src/codec/protobuf/manifest-message.ts'
import { readManifestSchema } from '../../../../src/daemon/start.ts'
import { sampleManifest } from '../../../support/log-samples.ts'

test('a gap that was skipped is told in numbers, and absent where there is none', async () => {
  const encode = manifestEncoder(await readManifestSchema(new LocalConfigFiles()))
  const root = await protobuf.load('proto/ready_manifest.proto')
  const type = root.lookupType('lakeward.v1.ReadyManifest')
  const told = (manifest: Parameters<typeof encode>[0]) =>
    type.toObject(type.decode(encode(manifest)), { longs: String })['skipped']
  const manifest = { ...sampleManifest(13), logEntry: 7 }
  expect(told(manifest)).toBeUndefined()
  const skipped = {
    first: '1026-01-03T07:00:00.000Z',
    next: '2026-11-20T13:00:00.000Z',
    partitions: 8_773_782,
    emptyRunMax: 744,
  }
  expect(told({ ...manifest, skipped })).toEqual({
    firstMs: String(Date.parse(skipped.first)),
    nextMs: String(Date.parse(skipped.next)),
    partitions: '8773782',
    emptyRunMax: '744',
  })
})
