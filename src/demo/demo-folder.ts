/**
 * What a demo leaves behind and finds again: `lakeward.yaml`, `shop.proto`, the broker's records,
 * the lake, and `ledger.json` beside it.
 */
import { fileURLToPath } from 'node:url'
import type { LocalLake } from '../adapters/local/local-lake.ts'
import { present } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import type { ConfigFiles } from '../ports/config-files.ts'
import type { LedgerCell } from './ledger.ts'

export interface DemoLedger {
  /** Written when the generator ended in order: until then counts may be missing. */
  readonly closed: boolean
  /** Event time up to which events were produced. */
  readonly reachedMs: UnixMs
  readonly cells: readonly LedgerCell[]
}

const ledgerName = 'ledger.json'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** @param folder a lake of its own over the demo's folder: durable writes. */
export async function readLedger(folder: LocalLake): Promise<DemoLedger | undefined> {
  const bytes = await folder.read(ledgerName)
  if (bytes === undefined) return undefined
  const { closed, reachedMs, cells } = JSON.parse(new TextDecoder().decode(bytes)) as DemoLedger
  return { closed, reachedMs: unixMs(reachedMs), cells }
}

/** @returns absolute path of the ledger. */
export async function writeLedger(folder: LocalLake, ledger: DemoLedger): Promise<string> {
  await folder.put(ledgerName, encode(`${JSON.stringify(ledger, undefined, 1)}\n`))
  return `${folder.folder}/${ledgerName}`
}

export const writeText = async (folder: LocalLake, name: string, text: string): Promise<void> => {
  await folder.put(name, encode(text))
}

/** The text of a file in `proto/` of the package. */
export async function readProto(files: ConfigFiles, name: string): Promise<string> {
  const path = fileURLToPath(new URL(`../../proto/${name}`, import.meta.url))
  return present(await files.readText(path), `proto/${name} is in the package`)
}
