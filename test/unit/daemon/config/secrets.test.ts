import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { revealed, Secret } from '../../../../src/base/secret.ts'
import {
  readHdfsAccess,
  readLakeCredentials,
  readSecrets,
  secretReferences,
} from '../../../../src/daemon/config/secrets.ts'
import { parseConfig } from '../../../../src/daemon/config.ts'
import { folder, MemoryConfigFiles } from '../memory-config-files.ts'

/** A configuration with a secret in each place. */
function referring(): Parameters<typeof readSecrets>[0] {
  const { config } = parseConfig({
    pipeline: 'growth',
    kafka: {
      brokers: ['a:1'],
      sasl: { mechanism: 'plain', username: 'growth', password: 'env:KAFKA_PASSWORD' },
      tls: { ca: 'file:ca.pem' },
    },
    lake: {
      url: 's3://bucket/prefix',
      credentials: { accessKey: 'env:ACCESS', secretKey: 'file:lake.key' },
    },
    ready: {
      notify: [
        { 'success-file': {} },
        { webhook: { url: 'https://host/a', secret: 'file:a.key' } },
      ],
    },
    http: { token: 'env:TOKEN' },
  })
  if (config === undefined) throw new Error('the configuration is right')
  return { ...config, folder }
}

const texts = {
  'ca.pem': '-----BEGIN CERTIFICATE-----\n',
  'a.key': 's3cret\n',
  'lake.key': 'k3y\n',
}
const environment = { KAFKA_PASSWORD: 'hunter2', TOKEN: 'token', ACCESS: 'user' }

test('every reference is listed with the path of its key', () => {
  expect(secretReferences(referring())).toEqual([
    { key: 'kafka.sasl.password', reference: 'env:KAFKA_PASSWORD' },
    { key: 'lake.credentials.accessKey', reference: 'env:ACCESS' },
    { key: 'lake.credentials.secretKey', reference: 'file:lake.key' },
    { key: 'ready.notify[1].webhook.secret', reference: 'file:a.key' },
    { key: 'http.token', reference: 'env:TOKEN' },
  ])
})

test('secrets are read from the environment and from files, without their closing line end', async () => {
  const secrets = await readSecrets(referring(), new MemoryConfigFiles(texts, environment))
  expect(secrets.kafkaPassword?.reveal()).toBe('hunter2')
  expect(secrets.httpToken?.reveal()).toBe('token')
  expect(secrets.webhooks.get('webhook:https://host/a')?.secret.reveal()).toBe('s3cret')
  expect(secrets.kafkaCertificates).toBe('-----BEGIN CERTIFICATE-----')
})

test('a token is read again each time, and our certificate with its key', async () => {
  const { config } = parseConfig({
    pipeline: 'growth',
    kafka: {
      brokers: ['a:1'],
      sasl: { mechanism: 'oauthbearer', token: 'env:KAFKA_TOKEN' },
      tls: { certificate: 'file:own.pem', key: 'file:own.key' },
    },
    lake: { url: 'file:./lake' },
  })
  if (config === undefined) throw new Error('the configuration is right')
  const variables: Record<string, string> = { KAFKA_TOKEN: 'first' }
  const files = new MemoryConfigFiles({ 'own.pem': 'CERT', 'own.key': 'KEY' }, variables)
  const secrets = await readSecrets({ ...config, folder }, files)
  expect((await secrets.kafkaToken?.())?.reveal()).toBe('first')
  variables['KAFKA_TOKEN'] = 'second'
  expect((await secrets.kafkaToken?.())?.reveal()).toBe('second')
  expect(secrets.kafkaIdentity?.certificate).toBe('CERT')
  expect(secrets.kafkaIdentity?.key.reveal()).toBe('KEY')
})

test('a lake on HDFS has its token, read again each time, and certificates', async () => {
  const onHdfs = (hdfs: object) => {
    const { config } = parseConfig({
      pipeline: 'growth',
      kafka: { brokers: ['a:1'] },
      lake: { url: 'hdfs://nn1:9871/warehouse', hdfs },
    })
    if (config === undefined) throw new Error('the configuration is right')
    return { ...config, folder }
  }
  const variables: Record<string, string> = { HDFS_TOKEN: 'first' }
  const files = new MemoryConfigFiles({ 'ca.pem': 'CERT\n' }, variables)
  const config = onHdfs({ token: 'env:HDFS_TOKEN', tls: { ca: 'file:ca.pem' } })
  expect(secretReferences(config)).toEqual([
    { key: 'lake.hdfs.token', reference: 'env:HDFS_TOKEN' },
  ])
  expect(await readLakeCredentials(config, files)).toBeUndefined()
  const access = await readHdfsAccess(config, files)
  expect(access.tls).toEqual({ ca: 'CERT' })
  const token = typeof access.token === 'function' ? access.token : undefined
  expect(await token?.()).toBe('first')
  variables['HDFS_TOKEN'] = 'second'
  expect(await token?.()).toBe('second')
  expect(await readHdfsAccess(onHdfs({ tls: {} }), files)).toMatchObject({
    token: undefined,
    tls: { ca: undefined },
  })
  expect((await readHdfsAccess(onHdfs({}), files)).tls).toBeUndefined()
  expect((await readHdfsAccess(onHdfs({ token: 'own' }), files)).token).toBe('own')
  expect(secretReferences(onHdfs({ token: 'own' }))).toEqual([])
  const missing = readHdfsAccess(onHdfs({ token: 'file:gone' }), files)
  await expect(missing).rejects.toMatchObject({
    code: 'CONFIG_SECRET_MISSING',
    facts: { key: 'lake.hdfs.token', reference: 'file:gone' },
  })
})

describe('a secret that cannot be used is refused with its key', () => {
  test.each([
    [
      'a variable that is not set',
      texts,
      { TOKEN: 'token' },
      'there is no such environment variable',
    ],
    [
      'a variable that is empty',
      texts,
      { ...environment, KAFKA_PASSWORD: '' },
      'the environment variable is empty',
    ],
  ])('%s', async (_, files, variables, reason) => {
    const read = readSecrets(referring(), new MemoryConfigFiles(files, variables))
    await expect(read).rejects.toMatchObject({
      code: 'CONFIG_SECRET_MISSING',
      message: `secret "env:KAFKA_PASSWORD" of "kafka.sasl.password" cannot be used: ${reason}`,
    })
  })

  test('a file that is not there', async () => {
    const { 'a.key': _absent, ...others } = texts
    const files = new MemoryConfigFiles(others, environment)
    await expect(readSecrets(referring(), files)).rejects.toMatchObject({
      message: expect.stringMatching(/"file:a.key" of "ready.notify\[1\].webhook.secret"/),
    })
  })
})

test('a secret shows as stars however it is printed', () => {
  const secret = new Secret('hunter2')
  const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret })]
  expect(shown.filter((text) => text.includes('hunter2'))).toEqual([])
  expect(shown.every((text) => text.includes('***'))).toBe(true)
})

test('commands that read the lake take its credentials and no other secret', async () => {
  const files = new MemoryConfigFiles({ 'lake.key': 'k3y\n' }, { ACCESS: 'user' })
  const credentials = await readLakeCredentials(referring(), files)
  expect(credentials?.accessKey.reveal()).toBe('user')
  expect(credentials?.secretKey.reveal()).toBe('k3y')
  const none = readLakeCredentials(referring(), new MemoryConfigFiles({}, { ACCESS: 'user' }))
  await expect(none).rejects.toMatchObject({ code: 'CONFIG_SECRET_MISSING' })
})

describe('a webhook', () => {
  const target = {
    url: 'https://host/a',
    secret: 'env:HOOK',
    headers: { 'X-Team': 'data', Authorization: 'env:HOOK_AUTH', 'X-Api-Key': 'file:api.key' },
    proxy: 'environment',
    tls: { ca: 'file:ca.pem', certificate: 'file:own.pem', key: 'file:own.key' },
  }
  const referringTo = (webhook: object): Parameters<typeof readSecrets>[0] => {
    const { config } = parseConfig({
      pipeline: 'growth',
      kafka: { brokers: ['a:1'] },
      lake: { url: 'file:./lake' },
      ready: { notify: [{ 'success-file': {} }, { webhook }] },
    })
    if (config === undefined) throw new Error('the configuration is right')
    return { ...config, folder }
  }
  const pems = { 'ca.pem': 'CA', 'own.pem': 'CERT', 'own.key': 'KEY', 'api.key': 'k-1' }
  const variables = { HOOK: 's3cret', HOOK_AUTH: 'Bearer t0ken' }

  test('has headers, certificates and a proxy, where they are told', async () => {
    const config = referringTo(target)
    const key = 'ready.notify[1].webhook'
    expect(secretReferences(config)).toEqual([
      { key: `${key}.secret`, reference: 'env:HOOK' },
      { key: `${key}.headers.Authorization`, reference: 'env:HOOK_AUTH' },
      { key: `${key}.headers.X-Api-Key`, reference: 'file:api.key' },
      { key: `${key}.tls.key`, reference: 'file:own.key' },
    ])
    const proxied = { ...variables, HTTPS_PROXY: 'user:p%40ss@proxy:3128' }
    const secrets = await readSecrets(config, new MemoryConfigFiles(pems, proxied))
    const access = secrets.webhooks.get('webhook:https://host/a')
    expect(access?.ca).toBe('CA')
    expect(access?.identity?.certificate).toBe('CERT')
    expect(access?.identity?.key.reveal()).toBe('KEY')
    expect(access?.proxy?.reveal()).toBe('http://user:p%40ss@proxy:3128/')
    expect([...(access?.headers ?? [])].map(([name, value]) => [name, revealed(value)])).toEqual([
      ['X-Team', 'data'],
      ['Authorization', 'Bearer t0ken'],
      ['X-Api-Key', 'k-1'],
    ])
    expect(inspect(access)).not.toMatch(/t0ken|p%40ss|k-1|s3cret/)
  })

  test('goes directly where no proxy is named, or the host is none of its own', async () => {
    const plain = referringTo({ url: 'https://host/a', secret: 'env:HOOK' })
    const proxied = { ...variables, HTTPS_PROXY: 'http://proxy:3128' }
    const without = await readSecrets(plain, new MemoryConfigFiles(pems, proxied))
    expect(without.webhooks.get('webhook:https://host/a')?.proxy).toBeUndefined()
    const config = referringTo(target)
    const excepted = { ...proxied, NO_PROXY: 'other, host' }
    const direct = await readSecrets(config, new MemoryConfigFiles(pems, excepted))
    expect(direct.webhooks.get('webhook:https://host/a')?.proxy).toBeUndefined()
    const given = referringTo({ ...target, proxy: 'http://given:1' })
    const asGiven = await readSecrets(given, new MemoryConfigFiles(pems, excepted))
    expect(asGiven.webhooks.get('webhook:https://host/a')?.proxy?.reveal()).toBe('http://given:1')
  })

  test.each([
    ['headers.Authorization', { HOOK_AUTH: 'two\nlines' }, /is not one line of printable ASCII/],
    ['headers.Authorization', { HOOK_AUTH: '' }, /the environment variable is empty/],
    ['proxy', { HTTPS_PROXY: 'socks5://proxy:1080' }, /no proxy that we can ask/],
    ['proxy', { https_proxy: 'http://proxy:3128/path' }, /no proxy that we can ask/],
  ])('of which %s cannot be used is refused at the start', async (key, more, reason) => {
    const files = new MemoryConfigFiles(pems, { ...variables, ...more })
    const refused = readSecrets(referringTo(target), files)
    await expect(refused).rejects.toMatchObject({
      code: 'CONFIG_SECRET_MISSING',
      facts: { key: `ready.notify[1].webhook.${key}`, reason: expect.stringMatching(reason) },
    })
  })
})

test('a command has its variables, text or by reference', async () => {
  const environment = { PLAIN: 'text', TOKEN: 'env:TELL_TOKEN', KEY: 'file:a.key' }
  const { config } = parseConfig({
    pipeline: 'growth',
    kafka: { brokers: ['a:1'] },
    lake: { url: 'file:./lake' },
    ready: { notify: [{ command: { name: 'tell', argv: ['/opt/tell'], environment } }] },
  })
  if (config === undefined) throw new Error('the configuration is right')
  const at = 'ready.notify[0].command.environment'
  expect(secretReferences({ ...config, folder })).toEqual([
    { key: `${at}.TOKEN`, reference: 'env:TELL_TOKEN' },
    { key: `${at}.KEY`, reference: 'file:a.key' },
  ])
  const files = new MemoryConfigFiles(texts, { TELL_TOKEN: 't0ken' })
  const { commands } = await readSecrets({ ...config, folder }, files)
  const variables = [...(commands.get('command:tell') ?? [])]
  expect(variables.map(([name, value]) => [name, revealed(value)])).toEqual([
    ['PLAIN', 'text'],
    ['TOKEN', 't0ken'],
    ['KEY', 's3cret'],
  ])
  const without = readSecrets({ ...config, folder }, new MemoryConfigFiles(texts))
  await expect(without).rejects.toMatchObject({ facts: { key: `${at}.TOKEN` } })
  const wide = new MemoryConfigFiles(texts, { TELL_TOKEN: 't\0k\0' })
  await expect(readSecrets({ ...config, folder }, wide)).rejects.toMatchObject({
    code: 'CONFIG_SECRET_MISSING',
    facts: { key: `${at}.TOKEN`, reason: expect.stringContaining('NUL') },
  })
})
