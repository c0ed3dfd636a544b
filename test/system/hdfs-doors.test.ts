/** Whole daemons on HDFS by its other doors: HttpFS, HTTPS alone, and a pair of namenodes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { NumbersWorld, partitionOf } from '../support/numbers-world.ts'
import { type HdfsService, RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

interface Door {
  readonly service: HdfsService
  /** More of `lake.hdfs`. */
  readonly keys: string
  /** What happens while numbers flow. */
  readonly meanwhile?: (hdfs: RealHdfs) => Promise<void>
}

/** One of the two is active: it is the one that does not come back as a standby. */
async function failOver(hdfs: RealHdfs): Promise<void> {
  await hdfs.kill('namenode')
  await hdfs.startAgain()
  await hdfs.kill('namenode-2')
  await hdfs.startAgain()
}

const doors: readonly Door[] = [
  { service: 'hdfs-httpfs', keys: 'httpfs: true' },
  { service: 'hdfs-tls', keys: 'tls: { ca: "file:ca.pem" }' },
  { service: 'hdfs-ha', keys: 'replication: 1', meanwhile: failOver },
]

describe.each(doors)('$service', ({ service, keys, meanwhile }) => {
  describe.skipIf(!wantsHdfs(service))('as the lake of a daemon', () => {
    test('takes commits, has an hour announced, and is verified', {
      timeout: 400_000,
    }, async () => {
      const hdfs = await RealHdfs.start(service)
      onTestFinished(() => hdfs.close())
      const url = `hdfs://${hdfs.address}${hdfs.newFolder()}`
      const lake = `{ url: "${url}", hdfs: { ${keys}, blockSize: 128MiB } }`
      const world = await NumbersWorld.open({ partitionCount: 2, lake, mode: 'continue' })
      if (service === 'hdfs-tls') await writeFile(join(world.folder, 'ca.pem'), hdfs.ca)
      await world.ask('check', '--connect')
      const daemon = world.startDaemon()
      const numbers = world.produce({ stepMs: 9_000, perTick: 2 })
      await daemon.line('"event":"committed"')
      await meanwhile?.(hdfs)
      const first = partitionOf(world.startMs)
      await world.ask('ready', 'wait', 'numbers', first, '--timeout', '3m')
      await numbers.stop()
      await world.untilCommitted(numbers.count)
      expect(await daemon.stop()).toBe(0)

      const told = await world.ask('files', 'numbers', first, '--json')
      const { files } = JSON.parse(told) as { files: readonly { readonly rows: number }[] }
      expect(files).toHaveLength(1)
      expect(files[0]?.rows).toBe(400)
      const commits = daemon.stderr.filter((line) => line.includes('"event":"committed"'))
      expect(commits.length).toBeGreaterThan(2)
      await world.ask('ready', 'verify', 'numbers', first)
      await world.ask('verify', '--deep')
    })
  })
})
