import { z } from 'zod'
import { duration, text, textForm, wholeNumber } from '../base/config-units.ts'
import { configValue, listOf, section } from '../base/config-value.ts'
import { parseSecretReference } from '../base/secret.ts'
import type { DurationMs } from '../base/time.ts'

/** A command that is run for each announcement. */
export interface CommandTarget {
  readonly kind: 'command'
  readonly name: string
  readonly argv: readonly string[]
  /** By name: the value, or a reference to one. */
  readonly environment: Readonly<Record<string, string>>
  readonly timeout: DurationMs
  readonly atOnce: number
}

const wordsMax = 64

const word = configValue<string>({
  accepted: 'text of at most 4096 characters',
  jsonSchema: { type: 'string' },
  read: (given) => {
    if (typeof given !== 'string') return { kind: 'refused', because: 'is not text' }
    if (given.includes('\0')) return { kind: 'refused', because: 'holds a zero character' }
    if (given.length > 4_096) return { kind: 'refused', because: 'is too long' }
    return { kind: 'value', value: given }
  },
  print: (value) => value,
})

const variableName = configValue<string>(
  textForm({
    accepted: 'the name of a variable that does not begin with LAKEWARD_',
    shape: /^(?!LAKEWARD_)[A-Za-z_][A-Za-z0-9_]{0,127}$/,
  }),
)

const variableValue = configValue<string>({
  accepted: 'text, env:NAME, file:path',
  jsonSchema: { type: 'string' },
  hidden: true,
  read: (given) => {
    if (typeof given !== 'string') return { kind: 'refused', because: 'is not text' }
    if (/^(env|file):/.test(given) && parseSecretReference(given) === undefined) {
      return { kind: 'refused', because: 'is not a reference' }
    }
    if (given.includes('\0')) return { kind: 'refused', because: 'holds a zero character' }
    return { kind: 'value', value: given }
  },
  print: (value) => value,
})

/** The section `command` of a target. */
export const commandSection = section({
  name: text({
    accepted: 'a name of a-z 0-9 . _ -, which the log keeps',
    shape: /^[a-z0-9][a-z0-9._-]{0,63}$/,
  }).describe('Names the target, whatever becomes of the command.'),
  argv: listOf(word)
    .min(1, 'an empty list; accepted: a program and its words')
    .max(wordsMax, `too many words; accepted: at most ${wordsMax}`)
    .refine(([program]) => program !== '', 'the program is empty; accepted: its path or its name')
    .describe('The program and its words. No shell reads them.'),
  environment: z
    .record(variableName, variableValue)
    .prefault({})
    .describe('Variables that it has besides PATH and ours; secrets by reference.'),
  timeout: duration({ min: '100ms', max: '10s' })
    .prefault('10s')
    .describe('How long it may run; never longer than half of ready.deliver.deadline.'),
  atOnce: wholeNumber({ min: 1, max: 8 })
    .prefault(4)
    .describe('How many of them run at a time, for as many streams.'),
})

export const commandTarget = (read: z.output<typeof commandSection>): CommandTarget => ({
  kind: 'command',
  ...read,
})
