/** What one case of the benchmark reads: our datasets, made once, or files that somebody names. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../src/base/fault.ts'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import { planTable } from '../../src/kernel/table-plan.ts'
import type { Dataset } from '../datasets/dataset.ts'
import { BrokenFraming, delimited, eventPlaces } from '../datasets/delimited.ts'
import { Misused } from '../measure/outcome.ts'
import { readSchemaSource } from './schema-sources.ts'

/** Files of a case, checked, with its bar. */
export interface CaseInput {
  readonly name: string
  readonly proto: string
  readonly message: string
  readonly data: string
  readonly events: number
  readonly bytes: number
  /** How often one file takes all the events: few of them would measure footers. */
  readonly repeats: number
  readonly columns: number
  readonly cardinalities: string
  readonly pyarrowBar: number
}

export interface NamedFiles {
  readonly proto: string
  readonly message: string
  readonly data: string
}

const seed = 20_261_121
const dataFolder = join(import.meta.dirname, '..', 'data', 'decode-parquet')
const pyarrowBarElsewhere = 0.9
const quickShare = 5
const flushBytes = 1 << 20
const fileBytesMin = 1 << 20

/** @throws {Misused} a file is missing or is not what it is said to be, in words for people. */
export function namedInput({ proto, message, data }: NamedFiles): CaseInput {
  for (const [flag, path] of Object.entries({ proto, data })) {
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      throw new Misused(`--${flag}: there is no file "${path}"`)
    }
  }
  const name = message.split('.').at(-1) ?? message
  const cardinalities = `as they are in "${data}"`
  const pyarrowBar = pyarrowBarElsewhere
  return checkedInput({ name, proto, message, data, cardinalities, pyarrowBar })
}

type UncheckedInput = Omit<CaseInput, 'events' | 'bytes' | 'repeats' | 'columns'>

function checkedInput(unchecked: UncheckedInput): CaseInput {
  const { proto, message, data } = unchecked
  try {
    const { sources, file } = readSchemaSource(proto)
    const schema = parseMessageSchema(sources, file, message)
    const plan = planTable(schema, { identity: [], names: 'as-declared' })
    const bytes = readFileSync(data)
    const events = eventPlaces(bytes).length / 2
    if (events === 0) throw new BrokenFraming('there is no event in it')
    const repeats = Math.ceil(fileBytesMin / bytes.length)
    return { ...unchecked, events, repeats, bytes: bytes.length, columns: plan.leaves.length }
  } catch (error) {
    if (error instanceof Fault) {
      throw new Misused(`--proto, --message: ${error.message}\n${error.hint}`, { cause: error })
    }
    if (!(error instanceof BrokenFraming)) throw error
    const wanted = 'events are expected one after the other, each behind its length as a varint'
    throw new Misused(`--data "${data}": ${error.message}; ${wanted}`, { cause: error })
  }
}

/** @param isQuick a fifth of the events. */
export function datasetInput(dataset: Dataset, isQuick: boolean): CaseInput {
  const rows = isQuick ? dataset.rows / quickShare : dataset.rows
  const { name, protoText, message, pyarrowBar } = dataset
  const cardinalities = `seed ${seed}; ${dataset.cardinalities}`
  const folder = join(dataFolder, `${name}-${seed}-${rows}`)
  const proto = join(folder, 'schema.proto')
  const data = join(folder, 'events.bin')
  // A schema that changed makes other events.
  const isMade = existsSync(data) && readFileSync(proto, 'utf8') === protoText
  if (!isMade) {
    console.log(`making ${rows} events of ${name}, once …`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(proto, protoText)
    writeEvents(`${data}.part`, dataset, rows)
    renameSync(`${data}.part`, data)
  }
  return checkedInput({ name, proto, message, data, cardinalities, pyarrowBar })
}

function writeEvents(path: string, dataset: Dataset, rows: number): void {
  const next = dataset.events(seed)
  const file = openSync(path, 'w')
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const flush = (): void => {
    writeSync(file, Buffer.concat(waiting))
    waiting = []
    waitingBytes = 0
  }
  for (let row = 0; row < rows; row++) {
    const event = delimited(next())
    waiting.push(event)
    waitingBytes += event.length
    if (waitingBytes > flushBytes) flush()
  }
  flush()
  closeSync(file)
}

export function inputText({ name, events, bytes, repeats, columns }: CaseInput): string {
  const times = repeats === 1 ? '' : `, ${repeats} times in each file`
  return `${name}: ${events} events${times}, ${(bytes / 1e6).toFixed(1)} MB, ${columns} leaf columns`
}
