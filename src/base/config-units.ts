/** The kinds of values that several rooms' configurations share. */
import { present } from './assert.ts'
import { configValue, type ReadValue, type ValueForm } from './config-value.ts'
import { parseSecretReference, type SecretReference } from './secret.ts'
import type { DurationMs } from './time.ts'
import {
  formatDuration,
  formatPercent,
  formatSize,
  parseDuration,
  parsePercent,
  parseSize,
} from './units.ts'

/** Lowest and highest accepted value, both inclusive, as they are written. */
export interface Bounds {
  readonly min: string
  readonly max: string
}

const bareNumber = /^-?\d+(\.\d+)?$/

/** True when somebody forgot the unit. */
const isBareNumber = (given: unknown): boolean =>
  typeof given === 'number' || (typeof given === 'string' && bareNumber.test(given))

/** A span of time with its unit, within bounds. */
export function duration(bounds: Bounds) {
  return configValue<DurationMs>({
    accepted: `500ms, 60s, 5m, 2h, 7d (${bounds.min} to ${bounds.max})`,
    jsonSchema: { type: 'string', pattern: '^\\d+(ms|s|m|h|d)$' },
    read: (given) => readQuantity(given, bounds, { what: 'a duration', parse: parseDuration }),
    print: formatDuration,
  })
}

/** A size in bytes with its unit, within bounds. */
export function size(bounds: Bounds) {
  return configValue<number>({
    accepted: `64KiB, 256MiB, 1GiB (${bounds.min} to ${bounds.max})`,
    jsonSchema: { type: 'string', pattern: '^\\d+(B|KiB|MiB|GiB)$' },
    read: (given) => readQuantity(given, bounds, { what: 'a size', parse: parseSize }),
    print: formatSize,
  })
}

/** A share as a percentage, within bounds. */
export function share(bounds: Bounds) {
  return configValue<number>({
    accepted: `1%, 0.5% (${bounds.min} to ${bounds.max})`,
    jsonSchema: { type: 'string', pattern: '^\\d+(\\.\\d+)?%$' },
    read: (given) => readQuantity(given, bounds, { what: 'a share', parse: parsePercent }),
    print: formatPercent,
  })
}

/** A whole number that counts nothing with a unit. @param bounds both inclusive. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }) {
  return configValue<number>({
    accepted: `${min} to ${max}`,
    jsonSchema: { type: 'integer', minimum: min, maximum: max },
    read: (given) => {
      if (typeof given !== 'number' || !Number.isInteger(given)) {
        return { kind: 'refused', because: 'is not a whole number' }
      }
      if (given < min) return { kind: 'refused', because: `is less than ${min}` }
      if (given > max) return { kind: 'refused', because: `is more than ${max}` }
      return { kind: 'value', value: given }
    },
    print: (value) => value,
  })
}

/** Yes or no. */
export function truth() {
  return configValue<boolean>({
    accepted: 'true, false',
    jsonSchema: { type: 'boolean' },
    read: (given) =>
      typeof given === 'boolean'
        ? { kind: 'value', value: given }
        : { kind: 'refused', because: 'is neither true nor false' },
    print: (value) => value,
  })
}

interface Quantity<Out> {
  readonly what: string
  readonly parse: (text: string) => Out | undefined
}

function readQuantity<Out extends number>(
  given: unknown,
  bounds: Bounds,
  quantity: Quantity<Out>,
): ReadValue<Out> {
  if (isBareNumber(given)) return { kind: 'refused', because: 'has no unit' }
  const value = typeof given === 'string' ? quantity.parse(given) : undefined
  if (value === undefined) return { kind: 'refused', because: `is not ${quantity.what}` }
  const min = present(quantity.parse(bounds.min), 'a lower bound is written with its unit')
  const max = present(quantity.parse(bounds.max), 'an upper bound is written with its unit')
  if (value < min) return { kind: 'refused', because: `is less than ${bounds.min}` }
  if (value > max) return { kind: 'refused', because: `is more than ${bounds.max}` }
  return { kind: 'value', value }
}

/** How a text value must look. */
export interface TextForm {
  /** What may be written, in words or by example. */
  readonly accepted: string
  /** The whole text must match. */
  readonly shape: RegExp
}

/** Text of a given shape. */
export function text(form: TextForm) {
  return configValue<string>(textForm(form))
}

/** The form of `text`, for values that refuse more than a shape says. */
export function textForm({ accepted, shape }: TextForm): ValueForm<string> {
  return {
    accepted,
    jsonSchema: { type: 'string', pattern: shape.source },
    read: (given) => {
      if (typeof given !== 'string') return { kind: 'refused', because: 'is not text' }
      if (given === '') return { kind: 'refused', because: 'is empty' }
      if (!shape.test(given)) return { kind: 'refused', because: 'has another form' }
      return { kind: 'value', value: given }
    },
    print: (value) => value,
  }
}

/** The form of `text`, of values that `URL` must take: one with port 99999 it would throw. */
export function addressForm(
  form: TextForm,
  toUrl: (value: string) => string = same,
): ValueForm<string> {
  const plain = textForm(form)
  const read = (given: unknown): ReturnType<ValueForm<string>['read']> => {
    const found = plain.read(given)
    if (found.kind !== 'value' || URL.canParse(toUrl(found.value))) return found
    return { kind: 'refused', because: 'has a host or a port that is none' }
  }
  return { ...plain, read }
}

const same = (value: string): string => value

/** The name of one Kafka topic. */
export const topicForm = textForm({
  accepted: 'the name of a topic: letters, digits, ".", "_" and "-"',
  shape: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
})

const portMax = 65_535

/** A host and a port: "127.0.0.1:9092", "[::1]:8700". */
/** Of Kerberos. */
export const principal = () =>
  text({ accepted: 'a principal: etl/host@EXAMPLE.COM', shape: /^[^\s@]+(@[^\s@]+)?$/ })

export function address(accepted: string) {
  const form = textForm({ accepted, shape: /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/ })
  return configValue<string>({
    ...form,
    read: (given) => {
      const read = form.read(given)
      if (read.kind !== 'value' || portOf(read.value) <= portMax) return read
      return { kind: 'refused', because: `has a port above ${portMax}` }
    },
  })
}

const portOf = (hostAndPort: string): number =>
  Number(hostAndPort.slice(hostAndPort.lastIndexOf(':') + 1))

/** A secret by reference. What was given is never repeated: it may be the secret itself. */
export function secret() {
  return configValue<SecretReference>({
    accepted: 'env:NAME, file:path',
    jsonSchema: { type: 'string', pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$' },
    hidden: true,
    read: (given) => {
      const value = typeof given === 'string' ? parseSecretReference(given) : undefined
      if (value !== undefined) return { kind: 'value', value }
      return { kind: 'refused', because: 'is not a reference, and secrets are not written here' }
    },
    print: (reference) => reference,
  })
}
