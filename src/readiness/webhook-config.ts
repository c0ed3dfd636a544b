import { z } from 'zod'
import { secret, textForm } from '../base/config-units.ts'
import { configValue, section } from '../base/config-value.ts'
import { parseSecretReference, type SecretReference } from '../base/secret.ts'
import { tlsSection } from '../base/tls-config.ts'

/** An address that announcements are posted to. */
export interface WebhookTarget {
  readonly kind: 'webhook'
  readonly url: string
  readonly secret: SecretReference
  /** By name: the value, or a reference to one. */
  readonly headers: Readonly<Record<string, string>>
  /** "http://proxy:3128"; or as the environment says. */
  readonly proxy?: string | undefined
  readonly tls?: z.output<typeof webhookTls> | undefined
}

/** The word for a proxy as the variables of the environment say. */
export const proxyOfEnvironment = 'environment'

const urlForm = textForm({
  accepted: 'an http:// or https:// URL without user and password',
  shape: /^https?:\/\/[^\s]+$/,
})

const webhookUrl = configValue<string>({
  ...urlForm,
  hidden: true,
  read: (given) => {
    const read = urlForm.read(given)
    if (read.kind !== 'value') return read
    const url = URL.parse(read.value)
    if (url === null) return { kind: 'refused', because: 'is not a URL' }
    if (url.username !== '' || url.password !== '') {
      return { kind: 'refused', because: 'carries a user or password' }
    }
    return read
  },
})

const headersMax = 32

/** What stands in a request already, or says how it is sent. */
const ownHeaders = new RegExp(
  `^(${[
    'content-.*|proxy-.*|lakeward-.*|idempotency-key|user-agent|host|expect',
    'connection|keep-alive|te|trailer|transfer-encoding|upgrade',
  ].join('|')})$`,
  'i',
)
/** Whose values are secrets. */
const secretHeaders =
  /(^|[-_])(authorization|auth|cookie|token|secret|password|api-?key|key)([-_]|$)/i

/** What a header may hold: one line of ASCII that can be seen. */
export const headerValueShape = /^[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?$/

const headerName = configValue<string>(
  textForm({
    accepted: 'the name of a header that we do not set ourselves',
    shape: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/,
  }),
)

const headerValue = configValue<string>({
  accepted: 'text of one line, env:NAME, file:path',
  jsonSchema: { type: 'string', minLength: 1 },
  hidden: true,
  read: (given) => {
    if (typeof given !== 'string') return { kind: 'refused', because: 'is not text' }
    const isReference = parseSecretReference(given) !== undefined
    if (!isReference && /^(env|file):/.test(given)) {
      return { kind: 'refused', because: 'is not a reference' }
    }
    if (isReference || headerValueShape.test(given)) return { kind: 'value', value: given }
    return { kind: 'refused', because: 'is not one line of printable ASCII' }
  },
  print: (value) => value,
})

const webhookHeaders = z.record(headerName, headerValue).check((context) => {
  const names = Object.keys(context.value)
  const problem = (name: string, message: string): void => {
    context.issues.push({ code: 'custom', input: context.value, message, path: [name] })
  }
  if (names.length > headersMax) {
    const message = `${names.length} headers; accepted: at most ${headersMax}`
    context.issues.push({ code: 'custom', input: context.value, message })
  }
  for (const [index, name] of names.entries()) {
    const isTwice = names.slice(0, index).some((at) => at.toLowerCase() === name.toLowerCase())
    if (isTwice) problem(name, 'is there twice; accepted: each name once, in any case')
    if (ownHeaders.test(name)) problem(name, 'is set by us; accepted: other names')
    const isPlain = parseSecretReference(context.value[name] ?? '') === undefined
    if (secretHeaders.test(name) && isPlain) {
      problem(name, 'is a secret, which is not written here; accepted: env:NAME, file:path')
    }
  }
})

const proxyForm = textForm({
  accepted: 'http://host:port, or environment',
  shape: /^(http:\/\/[^\s/?#@]+:\d{1,5}|environment)$/,
})

const webhookProxy = configValue<string>({
  ...proxyForm,
  read: (given) => {
    const read = proxyForm.read(given)
    if (read.kind !== 'value' || read.value === proxyOfEnvironment) return read
    return URL.canParse(read.value) ? read : { kind: 'refused', because: 'is not a URL' }
  },
})

const webhookTls = tlsSection('the receiver asks')

/** The section `webhook` of a target. */
export const webhookSection = section({
  url: webhookUrl.describe('Where each announcement is posted.'),
  secret: secret().describe('Key of the signature (HMAC-SHA256) that each request carries.'),
  headers: webhookHeaders
    .prefault({})
    .describe('Headers that each request carries besides; secrets by reference.'),
  proxy: webhookProxy
    .optional()
    .describe(
      'An HTTP proxy on the way there; HTTPS by CONNECT. environment: as HTTP_PROXY, HTTPS_PROXY ' +
        'and NO_PROXY say.',
    ),
  tls: webhookTls.optional().describe('Certificates, of an https:// URL alone.'),
}).check((context) => {
  const { url, tls } = context.value
  if (tls === undefined || url.startsWith('https:')) return
  const message = 'given with a URL of http://; accepted: with https:// alone'
  context.issues.push({ code: 'custom', input: context.value, message, path: ['tls'] })
})

export const webhookTarget = (read: z.output<typeof webhookSection>): WebhookTarget => ({
  kind: 'webhook',
  ...read,
})
