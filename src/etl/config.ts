import { z } from 'zod'
import { duration, size, text, textForm } from '../base/config-units.ts'
import { configValue, listOf, notBuilt, notSupported, section } from '../base/config-value.ts'

/** One step of a stream's ETL, in the order it is configured. */
export type EtlStep =
  /** Keeps the events for which `where` is true; the others are counted under `reason`. */
  | { readonly kind: 'filter'; readonly where: string; readonly reason: string }
  /** User code: one row in, zero or more rows out. `file` is a path beside the configuration. */
  | { readonly kind: 'module'; readonly file: string }

/** Reason under which events are counted that a module made no row of. */
const reasonOfEmptyModule = 'etl-empty'

const reasonForm = textForm({
  accepted: 'a short name such as no-country',
  shape: /^[a-z0-9][a-z0-9_-]{0,63}$/,
})

const reason = configValue<string>({
  ...reasonForm,
  read: (given) =>
    given === reasonOfEmptyModule
      ? { kind: 'refused', because: 'is the reason of modules that return nothing' }
      : reasonForm.read(given),
})

const stepSection = section({
  filter: section({
    where: text({ accepted: "an expression such as country <> ''", shape: /\S/ }).describe(
      'Events for which this is not true are filtered.',
    ),
    reason: reason.describe('Name under which filtered events are counted.'),
  })
    .optional()
    .describe('Keeps events by an expression over few fields.'),
  module: text({
    accepted: 'path of a .ts, .js or .mjs file',
    shape: /^[^\0]+\.(ts|js|mjs)$/,
  })
    .optional()
    .describe('User code, `map(row, context)`: one row in, zero or more rows out.'),
  mask: notBuilt('Masks fields.'),
  derive: notBuilt('Adds fields made from others.'),
  select: notBuilt('Keeps only some fields.'),
  rename: notBuilt('Renames fields.'),
  cast: notBuilt('Changes types of fields.'),
  hash: notBuilt('Replaces fields by their hash.'),
  route: notBuilt('Sends rows to other streams.'),
  sql: notBuilt('A query over the batch.'),
})

const etlStep = z.codec(
  stepSection.check((context) => {
    if (Object.keys(context.value).length === 1) return
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'not exactly one kind of step; accepted: filter, module',
    })
  }),
  z.custom<EtlStep>(),
  {
    decode: (step): EtlStep => {
      if (step.filter !== undefined) return { kind: 'filter', ...step.filter }
      return { kind: 'module', file: step.module ?? '' }
    },
    encode: (step): z.output<typeof stepSection> =>
      step.kind === 'filter'
        ? { filter: { where: step.where, reason: step.reason } }
        : { module: step.file },
  },
)

/**
 * The key `etl` of a stream.
 *
 * Filters look at wire bytes before any module gets a row, so steps behind a module are not built.
 */
export const etlConfig = listOf(etlStep).check((context) => {
  const moduleAt = context.value.findIndex(({ kind }) => kind === 'module')
  if (moduleAt === -1) return
  for (const [behind, { kind }] of context.value.slice(moduleAt + 1).entries()) {
    context.issues.push({
      code: 'custom',
      input: kind,
      path: [moduleAt + 1 + behind, kind],
      message: `${notSupported}: a step behind a module; accepted: one module, as the last step`,
    })
  }
})

/** The key `limits` of a stream. */
export const limitsConfig = section({
  etlTime: duration({ min: '10ms', max: '5m' })
    .prefault('2s')
    .describe('Longest time a module may take over one event; longer is a dead letter.'),
  memory: size({ min: '16MiB', max: '8GiB' })
    .prefault('64MiB')
    .describe('Largest heap of the thread that runs the module.'),
  buffers: size({ min: '16MiB', max: '1024GiB' })
    .optional()
    .describe(
      'Rows and files of this stream held in memory; its topics pause above it. Without it: half ' +
        'of what memory.buffers leaves for rows (workers.md), and all of that where every other ' +
        'stream shares a topic with this one.',
    ),
  errorRate: notBuilt('Share of failing events that opens the circuit.'),
})
