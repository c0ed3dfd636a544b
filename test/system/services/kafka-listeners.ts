/**
 * The listeners of a Kafka node: every way that a client may be made to come in. All on loopback.
 *
 *     plain     PLAINTEXT       nothing asked; brokers talk to each other here
 *     proxied   PLAINTEXT       sends clients on to the port "proxy", where a test puts its proxy
 *     sasl      SASL_PLAINTEXT  PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
 *     brief     SASL_PLAINTEXT  the same; a login lasts four seconds
 *     tls       SSL             a client certificate may be shown
 *     mutual    SSL             a client certificate must be shown
 *     saslTls   SASL_SSL        a login over TLS
 */
import { join } from 'node:path'
import type { PrepareStep } from './service-kind.ts'

export const listenerNames = [
  'plain',
  'proxied',
  'sasl',
  'brief',
  'tls',
  'mutual',
  'saslTls',
] as const

export type ListenerName = (typeof listenerNames)[number]
export type Settings = Readonly<Record<string, string | number | boolean>>

/** Who may log in, by PLAIN and SCRAM. */
export const kafkaUser = { username: 'lake', password: 'lake-secret' } as const
/** Of the key stores; the keys are of this instance and nowhere else. */
export const storePassword = 'lakeward-tests'
const briefLoginMs = 4_000
const scrams = ['scram-sha-256', 'scram-sha-512'] as const
const securities: Readonly<Record<ListenerName, string>> = {
  plain: 'PLAINTEXT',
  proxied: 'PLAINTEXT',
  sasl: 'SASL_PLAINTEXT',
  brief: 'SASL_PLAINTEXT',
  tls: 'SSL',
  mutual: 'SSL',
  saslTls: 'SASL_SSL',
}

/** Files of the instance that clients and brokers show to each other. */
export const certificateFiles = (folder: string) =>
  ({
    ca: join(folder, 'tls-ca.pem'),
    clientCertificate: join(folder, 'tls-client.crt'),
    clientKey: join(folder, 'tls-client.key'),
    expiredCertificate: join(folder, 'tls-expired.crt'),
    expiredKey: join(folder, 'tls-expired.key'),
  }) as const

/** @param portOf where the node listens for each. */
export function listenerSettings(
  folder: string,
  portOf: (name: ListenerName | 'proxy' | 'controller') => number,
): Settings {
  const at = (name: string, port: number): string => `${name.toUpperCase()}://127.0.0.1:${port}`
  const advertised = listenerNames.map((name) =>
    at(name, portOf(name === 'proxied' ? 'proxy' : name)),
  )
  const all = [
    ...listenerNames.map((name) => at(name, portOf(name))),
    at('controller', portOf('controller')),
  ]
  const protocols = listenerNames.map((name) => `${name.toUpperCase()}:${securities[name]}`)
  return {
    listeners: all.join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': [...protocols, 'CONTROLLER:PLAINTEXT'].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    ...loginSettings(),
    ...tlsSettings(folder),
    // Who comes in plain may do everything; others what no rule forbids.
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': true,
  }
}

function loginSettings(): Settings {
  const security = 'org.apache.kafka.common.security'
  const { username, password } = kafkaUser
  const modules = {
    plain: `${security}.plain.PlainLoginModule required user_${username}="${password}"`,
    'scram-sha-256': `${security}.scram.ScramLoginModule required`,
    'scram-sha-512': `${security}.scram.ScramLoginModule required`,
    // Takes tokens that nobody signed: for tests.
    oauthbearer: `${security}.oauthbearer.OAuthBearerLoginModule required`,
  }
  const mechanisms = Object.entries(modules)
  const settings: Record<string, string | number> = {
    'sasl.enabled.mechanisms': mechanisms.map(([name]) => name.toUpperCase()).join(','),
  }
  for (const listener of ['sasl', 'brief', 'sasltls']) {
    for (const [mechanism, module] of mechanisms) {
      const prefix = `listener.name.${listener}.${mechanism}`
      settings[`${prefix}.sasl.jaas.config`] = `${module};`
      if (listener === 'brief') settings[`${prefix}.connections.max.reauth.ms`] = briefLoginMs
    }
  }
  return settings
}

const tlsSettings = (folder: string): Settings => ({
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': join(folder, 'tls-broker.p12'),
  'ssl.keystore.password': storePassword,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': certificateFiles(folder).ca,
  'listener.name.tls.ssl.client.auth': 'requested',
  'listener.name.mutual.ssl.client.auth': 'required',
})

/** Words of `StorageTool format`: SCRAM users are part of the first metadata. */
export const scramWords: readonly string[] = scrams.flatMap((mechanism) => {
  const { username, password } = kafkaUser
  return ['--add-scram', `${mechanism.toUpperCase()}=[name=${username},password=${password}]`]
})

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority of this instance, and what it signs. Needs OpenSSL 3. */
export function certificateSteps(folder: string): readonly PrepareStep[] {
  const path = (name: string): string => join(folder, `tls-${name}`)
  const files = certificateFiles(folder)
  const signed = (name: string, days: number): readonly PrepareStep[] => {
    const wish = path(`${name}.csr`)
    const made = path(`${name}.crt`)
    const asked = ['openssl', 'req', ...curve, '-subj', `/CN=${name}`, '-out', wish]
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const given = ['openssl', 'x509', '-req', '-in', wish, '-copy_extensions', 'copy']
    const signer = ['-CA', files.ca, '-CAkey', path('ca.key'), '-CAcreateserial']
    return [
      { command: [...asked, ...names, '-keyout', path(`${name}.key`)], makes: wish },
      { command: [...given, ...signer, '-days', `${days}`, '-out', made], makes: made },
    ]
  }
  const subject = ['-subj', '/CN=lakeward-tests', '-days', '3650']
  const authority = ['-keyout', path('ca.key'), '-out', files.ca]
  const own = ['-inkey', path('broker.key'), '-in', path('broker.crt'), '-certfile', files.ca]
  const store = ['-passout', `pass:${storePassword}`, '-out', path('broker.p12')]
  return [
    {
      command: ['openssl', 'req', '-x509', ...curve, ...subject, ...authority],
      makes: files.ca,
    },
    ...signed('broker', 3_650),
    ...signed('client', 3_650),
    // Its time ended yesterday.
    ...signed('expired', -1),
    {
      command: ['openssl', 'pkcs12', '-export', ...own, ...store],
      makes: path('broker.p12'),
    },
  ]
}
