import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import {
  cachedName,
  differencesOf,
  differenceText,
  readLock,
  tableOf,
} from '../../../system/services/artifact-lock.ts'
import { cacheFolder } from '../../../system/services/cache-folder.ts'
import { serviceNamed, serviceNames } from '../../../system/services/catalogue.ts'
import { fetchArtifacts, lockNameOf } from '../../../system/services/fetch-artifacts.ts'
import { parseCoordinate, projectText } from '../../../system/services/maven-project.ts'
import type { NpmArtifacts } from '../../../system/services/npm-package.ts'

const one = { sizeBytes: 1, sha256: 'aa' }
const other = { sizeBytes: 1, sha256: 'bb' }

test('a coordinate is taken apart', () => {
  expect(parseCoordinate('org.apache.kafka:kafka_2.13:4.3.1')).toEqual({
    group: 'org.apache.kafka',
    artifact: 'kafka_2.13',
    version: '4.3.1',
  })
})

test.each(['a:b', 'a:b:1:2', 'a::1', 'a:b:[1,2)', 'a:b:LATEST', 'a:b:1-SNAPSHOT', 'a:b:${x}'])(
  'the coordinate %s is refused: tomorrow it might be another file',
  (text) => {
    expect(() => parseCoordinate(text)).toThrow(`"${text}"`)
  },
)

test('a project depends on its roots, without what it leaves out', () => {
  const roots = [{ coordinate: 'g:a:1' }, { coordinate: 'g:b:2', without: ['x:y'] }]
  const text = projectText('some', { kind: 'maven', roots })
  expect(text.match(/<dependency>/g)?.length).toBe(2)
  expect(text).toContain('<artifactId>a</artifactId>\n      <version>1</version>')
  expect(text).toContain('<exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion>')
})

test('a folder that equals its lock has no difference', () => {
  expect(differencesOf({ a: one, b: other }, { b: other, a: one })).toEqual([])
})

test('every kind of difference to the lock is found, and told with both values', () => {
  const locked = { a: one, b: one, d: one }
  const found = { a: one, b: other, c: one }
  const differences = differencesOf(locked, found)
  expect(differences.map(differenceText)).toEqual([
    '"b" has 1 bytes bb, the lock has 1 bytes aa',
    '"c" is not in the lock',
    '"d" is missing',
  ])
  const longer = { a: { ...one, sizeBytes: 2 } }
  expect(differencesOf({ a: one }, longer).map(({ kind }) => kind)).toEqual(['changed'])
})

test('another version or checksum is cached under another name, another order is not', () => {
  const name = cachedName('kafka', { version: '1', files: { a: one, b: other } })
  expect(name).toMatch(/^kafka-1-[0-9a-f]{12}$/)
  expect(cachedName('kafka', { version: '1', files: { b: other, a: one } })).toBe(name)
  expect(cachedName('kafka', { version: '2', files: { a: one, b: other } })).not.toBe(name)
  expect(cachedName('kafka', { version: '1', files: { a: one, b: one } })).not.toBe(name)
})

test('a table tells size and SHA-256 of each file', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, 'x.jar'), 'jar')
  const sha256 = createHash('sha256').update('jar').digest('hex')
  expect(tableOf(folder.path)).toEqual({ 'x.jar': { sizeBytes: 3, sha256 } })
})

test('the cache is where LAKEWARD_SERVICES says, else in the user’s cache folder', () => {
  expect(cacheFolder({ LAKEWARD_SERVICES: '/cache/of/all' }, '/home/a')).toBe('/cache/of/all')
  expect(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, '/home/a')).toBe('/xdg/lakeward/services')
  expect(cacheFolder({ XDG_CACHE_HOME: 'xdg' }, '/home/a')).toBe('/home/a/.cache/lakeward/services')
  expect(cacheFolder({}, '/home/a')).toBe('/home/a/.cache/lakeward/services')
  expect(() => cacheFolder({ LAKEWARD_SERVICES: 'here' }, '/home/a')).toThrow('given "here"')
})

test('each service has a lock of its version, with its own jar or module in it', () => {
  expect(serviceNames).toEqual([
    'hdfs',
    'hdfs-ha',
    'hdfs-httpfs',
    'hdfs-three',
    'hdfs-tls',
    'kafka-3',
    'kafka-3-three',
    'kafka-4',
    'kafka-4-three',
    's3',
    's3-minio',
    'hive',
    'hive-3',
    'hive-kerberos',
    'kerberos',
    'spark',
  ])
  for (const name of serviceNames) {
    const kind = serviceNamed(name)
    const { version, artifacts } = kind
    const lock = readLock(lockNameOf(kind))
    expect(lock.version).toBe(version)
    if (artifacts.kind === 'go') {
      expect(lock.moduleSum).toMatch(/^h1:[A-Za-z0-9+/]{43}=$/)
      expect(artifacts.moduleVersion).toBe(`v${version}`)
      continue
    }
    if (artifacts.kind === 'npm') {
      expect(lock.moduleSum).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
      expect(artifacts.packageVersion).toBe(version)
      continue
    }
    for (const { coordinate } of artifacts.roots) {
      const root = parseCoordinate(coordinate)
      expect(Object.keys(lock.files)).toContain(`${root.artifact}-${root.version}.jar`)
    }
    const sums = Object.values(lock.files).map(({ sha256 }) => sha256)
    expect(sums.filter((sum) => !/^[0-9a-f]{64}$/.test(sum))).toEqual([])
  }
})

test('a service that does not exist is refused with the list of those that do', () => {
  expect(() => serviceNamed('kafka')).toThrow(
    `there is no service "kafka"; accepted: ${serviceNames.join(', ')}`,
  )
})

test('what a run that died was filling is removed, what a living one fills is not', async () => {
  await using folder = await temporaryFolder()
  const gone = spawnSync(process.execPath, ['-e', '']).pid
  const left = join(folder.path, `kafka-4.partial-${gone}`)
  const filling = join(folder.path, `kafka-4.partial-${process.ppid}`)
  for (const path of [left, filling]) mkdirSync(path)
  vi.stubEnv('PATH', '/nowhere')
  await expect(fetchArtifacts(serviceNamed('kafka-4'), folder.path, () => {})).rejects.toThrow()
  vi.unstubAllEnvs()
  expect(existsSync(left)).toBe(false)
  expect(existsSync(filling)).toBe(true)
})

test('a cached folder that was changed is refused and removed', async () => {
  await using folder = await temporaryFolder()
  const kind = serviceNamed('kafka-4')
  const cached = join(folder.path, cachedName(kind.name, readLock(kind.name)))
  mkdirSync(cached)
  writeFileSync(join(cached, 'kafka-clients-4.3.1.jar'), 'something else')
  const fetched = fetchArtifacts(kind, folder.path, () => {})
  await expect(fetched).rejects.toThrow('what was fetched is not what the lock names')
  expect(existsSync(cached)).toBe(false)
})

test('a built program that was changed is refused and removed', async () => {
  await using folder = await temporaryFolder()
  const kind = serviceNamed('s3')
  const cached = join(folder.path, cachedName(kind.name, readLock(kind.name)))
  mkdirSync(cached)
  writeFileSync(join(cached, 'versitygw'), 'as built')
  writeFileSync(join(cached, 'built.json'), JSON.stringify(tableOf(cached)))
  expect(await fetchArtifacts(kind, folder.path, () => {})).toBe(cached)
  writeFileSync(join(cached, 'versitygw'), 'changed!')
  const fetched = fetchArtifacts(kind, folder.path, () => {})
  await expect(fetched).rejects.toThrow(/"versitygw" has 8 bytes .* the lock has 8 bytes/)
  expect(existsSync(cached)).toBe(false)
})

test('a package with another checksum than the lock names is not kept', async () => {
  await using folder = await temporaryFolder()
  const packages = { 'node_modules/kerberos': { integrity: 'sha512-other' } }
  const script = `#!/bin/sh\necho '${JSON.stringify({ packages })}' > package-lock.json\n`
  writeFileSync(join(folder.path, 'npm'), script, { mode: 0o755 })
  vi.stubEnv('PATH', `${folder.path}:${process.env['PATH'] ?? ''}`)
  const kind = { ...serviceNamed('kerberos'), artifacts: kerberosPackage({}) }
  const cache = join(folder.path, 'cache')
  await expect(fetchArtifacts(kind, cache, () => {})).rejects.toThrow(
    'kerberos: the package of npm has the checksum sha512-other, the lock has sha512-Q8yU',
  )
  vi.unstubAllEnvs()
  expect(readdirSync(cache)).toEqual([])
})

test('what the machine lacks for a package is told with where Debian has it', async () => {
  await using folder = await temporaryFolder()
  const needs = { '/nowhere/krb5kdc': 'krb5-kdc', '/nowhere/kdb5_util': 'krb5-kdc' }
  const kind = { ...serviceNamed('kerberos'), artifacts: kerberosPackage(needs) }
  await expect(fetchArtifacts(kind, folder.path, () => {})).rejects.toThrow(
    'kerberos: /nowhere/krb5kdc, /nowhere/kdb5_util missing; on Debian: apt-get install krb5-kdc',
  )
})

const kerberosPackage = (needs: NpmArtifacts['needs']): NpmArtifacts => ({
  kind: 'npm',
  name: 'kerberos',
  packageVersion: '7.0.0',
  needs,
})

test('a module with another checksum than the lock names is not built', async () => {
  await using folder = await temporaryFolder()
  const answer = JSON.stringify({ Dir: folder.path, Sum: 'h1:other' })
  writeFileSync(join(folder.path, 'go'), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 })
  vi.stubEnv('PATH', `${folder.path}:${process.env['PATH'] ?? ''}`)
  const cache = join(folder.path, 'cache')
  await expect(fetchArtifacts(serviceNamed('s3'), cache, () => {})).rejects.toThrow(
    'github.com/versity/versitygw has the checksum h1:other, the lock has h1:au+w',
  )
  vi.unstubAllEnvs()
  expect(existsSync(join(cache, cachedName('s3', readLock('s3'))))).toBe(false)
})
