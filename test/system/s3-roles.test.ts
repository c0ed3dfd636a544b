/**
 * Credentials that nobody wrote into the configuration: a role by web identity, as Kubernetes gives
 * it to a service account (IRSA), and a role that a profile assumes. The role service is ours; the
 * store is a real one, and takes only the keys that the service hands out. They come without a
 * session token, for which versitygw has no use: it refuses any.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { s3Credentials } from './services/s3-server.ts'

const role = 'arn:aws:iam::000000000000:role/lake'
const token = 'a-token-of-the-service-account'

/** A role service. @returns its address and what it was asked for. */
async function openRoles(secretKey: string) {
  const asked: URLSearchParams[] = []
  const server = createServer((request, answer) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(parts).toString())
      asked.push(form)
      const action = form.get('Action') ?? ''
      const expires = new Date(Date.now() + 3_600_000).toISOString()
      answer.writeHead(200, { 'content-type': 'text/xml' })
      answer.end(
        `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>` +
          `<Credentials><AccessKeyId>${s3Credentials.accessKeyId}</AccessKeyId>` +
          `<SecretAccessKey>${secretKey}</SecretAccessKey>` +
          `<Expiration>${expires}</Expiration></Credentials>` +
          `<AssumedRoleUser><Arn>${role}</Arn><AssumedRoleId>lake:x</AssumedRoleId>` +
          `</AssumedRoleUser></${action}Result></${action}Response>`,
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** What the environment may say of AWS elsewhere is not ours. */
const nothing = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('AWS_'))
    .map((name) => [name, undefined]),
)

describe.skipIf(!hasS3('s3'))('credentials of the environment', () => {
  let server: RealS3 | undefined
  beforeAll(async () => {
    server = await RealS3.start('s3')
  })
  afterAll(() => server?.close())

  /** What `check --connect` says of the lake. */
  async function lakeSeenBy(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
    if (server === undefined) throw new Error('the server was not started')
    const lake = `{ url: "s3://lakeward/roles", endpoint: "${server.endpoint}" }`
    const config = await writeNumbersConfig(folder, { brokerPort: 1, lake })
    const none = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
    const check = new LakewardProcess(['check', '-c', config, '--connect', '--json'], {
      env: { ...nothing, ...none, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    })
    await check.exited()
    const { connections } = JSON.parse(check.stdout.join('\n')) as {
      connections: { what: string; verdict: string; text: string }[]
    }
    return JSON.stringify(connections.find(({ what }) => what === 'lake'))
  }

  const webIdentity = async (folder: string, endpoint: string): Promise<NodeJS.ProcessEnv> => {
    const path = join(folder, 'token')
    await writeFile(path, token)
    const identity = { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: role }
    return { ...identity, AWS_ENDPOINT_URL_STS: endpoint, AWS_REGION: 'us-east-1' }
  }

  const profile = async (folder: string, endpoint: string): Promise<NodeJS.ProcessEnv> => {
    const path = join(folder, 'aws-config')
    const own = 'aws_access_key_id = own\naws_secret_access_key = own-secret'
    const text = `[profile base]\n${own}\n[profile lake]\nrole_arn = ${role}\nsource_profile = base\n`
    await writeFile(path, `${text}region = us-east-1\n`)
    const chosen = { AWS_CONFIG_FILE: path, AWS_PROFILE: 'lake', AWS_SDK_LOAD_CONFIG: '1' }
    return { ...chosen, AWS_ENDPOINT_URL_STS: endpoint }
  }

  test.each([
    ['web identity', webIdentity, 'AssumeRoleWithWebIdentity'],
    ['a profile that assumes it', profile, 'AssumeRole'],
  ] as const)(
    'a role by %s is asked for, and the lake is reached as it',
    async (_, way, action) => {
      await using folder = await temporaryFolder()
      const roles = await openRoles(s3Credentials.secretAccessKey)
      const seen = await lakeSeenBy(folder.path, await way(folder.path, roles.endpoint))
      expect(roles.asked.map((form) => [form.get('Action'), form.get('RoleArn')])).toContainEqual([
        action,
        role,
      ])
      if (way === webIdentity) expect(roles.asked[0]?.get('WebIdentityToken')).toBe(token)
      expect(seen).toMatch(/"verdict":"ok"/)
    },
  )

  test.each([
    ['web identity', webIdentity],
    ['a profile that assumes it', profile],
  ] as const)('keys of a role by %s that the store refuses are told', async (_, way) => {
    await using folder = await temporaryFolder()
    const roles = await openRoles('another-secret')
    const seen = await lakeSeenBy(folder.path, await way(folder.path, roles.endpoint))
    expect(roles.asked.length).toBeGreaterThan(0)
    expect(seen).toMatch(/as this user/)
  })
})
