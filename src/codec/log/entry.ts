/**
 * Commit log entries ⇄ bytes.
 *
 * An entry is one JSON object, the head, which holds everything that decides. What is large (files,
 * counts, manifests, configured streams) is the body: inline in a small entry, else a zstd object
 * of its own, named in the head by path, length and checksum.
 *
 *     {"format":1,"kind":"append","commitId":"9f3a…-41","writerId":"9f3a…","stagedAtMs":1763…,
 *      "publishedNext":41,"published":[],"discarded":[],
 *      "ranges":[{"lane":"lake","source":{…},"expected":"40","first":"40","next":"90",…}],
 *      "places":[{"stream":"app_events","partition":{"path":"dt=2026-11-20/hour=13",…}}],
 *      "configVersion":1,"body":{"inline":{"files":[…],"counts":[…],…}}}
 *     …"body":{"path":"_lakeward/growth/bodies/….json.zst","sizeBytes":81234,"sha256":"…"}}
 *
 * Invariants:
 * - the same entry gives the same bytes, and no index is in them: they are put again elsewhere;
 * - what was written is read back equal, or never leaves this file (`encodeEntry` reads it);
 * - a newer format, an unknown kind and an unknown key stop the reader: skipping an entry could
 *   double or lose rows.
 *
 * Source: docs/protocol.md, "Entries".
 */
import { hash } from 'node:crypto'
import { type ZodType, z } from 'zod'
import { assert, present } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import {
  type AppendBody,
  type ConfiguredStream,
  entryFormat,
  type LogEntry,
} from '../../model/log-entry.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import type { SwapBody } from '../../model/swap-entry.ts'
import { type EntryHead, entryHeadShape, type StoredBody } from './entry-head.ts'
import { encodeJson, parseJson, parseShape } from './json.ts'
import { packed, unpacked } from './packed.ts'
import {
  configuredStreamShape,
  countCellShape,
  dataFilesShape,
  evidenceShape,
  loggedManifestShape,
  progressShape,
} from './shapes.ts'

/** A body of at most this many bytes of JSON stands in the head itself, if not told otherwise. */
const inlineBytesDefault = 65_536

/** An entry as it goes to the lake: the body, if there is one, before the head. */
export interface EncodedEntry {
  readonly head: Uint8Array
  readonly body: { readonly path: string; readonly bytes: Uint8Array } | undefined
  /** What readers make of these bytes. */
  readonly readBack: LogEntry
}

/**
 * @param bodyPathOf path of the body object with this SHA-256, should one be needed.
 * @param inlineBytesMax a longer body is an object of its own.
 * @throws {InvariantError} the entry could not be read back by those who come after.
 */
export function encodeEntry(
  entry: LogEntry,
  bodyPathOf: (sha256: string) => string,
  inlineBytesMax = inlineBytesDefault,
): EncodedEntry {
  const { fields, body } = split(entry)
  const bodyText = encodeJson(body)
  const inline = Buffer.byteLength(bodyText) <= inlineBytesMax
  const stored = inline ? undefined : storedBody(bodyText, bodyPathOf)
  const bodyOfHead = stored ? encodeJson(stored.reference) : `{"inline":${bodyText}}`
  // The body is text already: what is large is written once.
  const head = Buffer.from(`${encodeJson(fields).slice(0, -1)},"body":${bodyOfHead}}`)
  const headBack = parseEntryHead(head, 'own entry', entry.format)
  const readBack = completeEntry(headBack, stored?.bytes, 'own entry')
  assert(readBack.commitId === entry.commitId, 'an entry is read back as it was written')
  return {
    head,
    readBack,
    body: stored === undefined ? undefined : { path: stored.reference.path, bytes: stored.bytes },
  }
}

const formatShape = z.looseObject({ format: z.int() })

/**
 * @param path of the object, for the message of a fault.
 * @param newestKnown what is newer is refused.
 * @throws {Fault} `LOG_FORMAT_TOO_NEW`, `LOG_ENTRY_UNREADABLE`.
 */
export function parseEntryHead(
  bytes: Uint8Array,
  path: string,
  newestKnown: number = entryFormat,
): EntryHead {
  const json = valueOrFault(parseJson(bytes), path)
  const format = formatIn(json) ?? valueOrFault(parseShape(formatShape, json), path).format
  if (format > newestKnown) throw new Fault('LOG_FORMAT_TOO_NEW', { path, format, newestKnown })
  return valueOrFault(parseShape(entryHeadShape, json), path)
}

/** By hand, for a shape would copy the whole entry; undefined where the shape must say why. */
function formatIn(json: unknown): number | undefined {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  const format = isObject && 'format' in json ? json.format : undefined
  return typeof format === 'number' && Number.isSafeInteger(format) ? format : undefined
}

/** The object that must be read to complete an entry, or undefined when the head is whole. */
export const storedBodyOf = (head: EntryHead): StoredBody | undefined =>
  'inline' in head.body ? undefined : head.body

/**
 * Head and body to an entry.
 *
 * @param bodyBytes the object that `storedBodyOf` names; undefined when it names none.
 * @throws {Fault} `LOG_ENTRY_UNREADABLE`: the body is not the one that the head names.
 */
export function completeEntry(
  head: EntryHead,
  bodyBytes: Uint8Array | undefined,
  path: string,
): LogEntry {
  const content = 'inline' in head.body ? head.body.inline : contentOf(head.body, bodyBytes, path)
  switch (head.kind) {
    case 'append':
      return { ...head, body: bodyOf(appendBodyShape, content, path) }
    case 'swap':
      return { ...head, body: bodyOf(swapBodyShape, content, path) }
    case 'source':
    case 'void':
    case 'forget':
    case 'closed-late':
    case 'delivered': {
      bodyOf(emptyBodyShape, content, path)
      const { body: _, ...fields } = head
      return fields
    }
    case 'config': {
      const { body: _, ...fields } = head
      return { ...fields, ...bodyOf(configBodyShape, content, path) }
    }
    case 'ready': {
      const { body: _, ...fields } = head
      const { manifests } = bodyOf(readyBodyShape, content, path)
      if (manifests.length !== head.announcements.length) {
        throw unreadable(path, `body.manifests: expected ${head.announcements.length}`)
      }
      const announcements = head.announcements.map((announcement, index) => {
        const manifest = present(manifests[index], 'as many manifests as announcements')
        return { ...announcement, manifest }
      })
      return { ...fields, announcements }
    }
  }
}

const appendBodyShape: ZodType<AppendBody> = z.strictObject({
  files: dataFilesShape,
  counts: z.array(countCellShape),
  progress: z.array(progressShape),
  evidence: z.array(evidenceShape),
})
const swapBodyShape: ZodType<SwapBody> = z.strictObject({ files: dataFilesShape })
const readyBodyShape: ZodType<{ manifests: readonly Omit<ReadyManifest, 'logEntry'>[] }> =
  z.strictObject({ manifests: z.array(loggedManifestShape) })
const configBodyShape: ZodType<{ streams: readonly ConfiguredStream[] }> = z.strictObject({
  streams: z.array(configuredStreamShape),
})
const emptyBodyShape = z.strictObject({})

/** What an entry's head says, and what its body holds. */
function split(entry: LogEntry): { fields: object; body: object } {
  switch (entry.kind) {
    case 'swap':
    case 'append': {
      const { body, ...fields } = entry
      return { fields, body }
    }
    case 'source':
    case 'void':
    case 'forget':
    case 'closed-late':
    case 'delivered':
      return { fields: entry, body: {} }
    case 'config': {
      const { streams, ...fields } = entry
      return { fields, body: { streams } }
    }
    case 'ready': {
      const announcements = entry.announcements.map(({ stream, partition, version, targets }) => ({
        stream,
        partition,
        version,
        targets,
      }))
      const manifests = entry.announcements.map(({ manifest }) => manifest)
      return { fields: { ...entry, announcements }, body: { manifests } }
    }
  }
}

function storedBody(
  text: string,
  pathOf: (sha256: string) => string,
): { reference: StoredBody; bytes: Uint8Array } {
  const bytes = packed(Buffer.from(text))
  const sha256 = hash('sha256', bytes, 'hex')
  return { reference: { path: pathOf(sha256), sizeBytes: bytes.byteLength, sha256 }, bytes }
}

function contentOf(body: StoredBody, bytes: Uint8Array | undefined, path: string): unknown {
  if (bytes === undefined) throw unreadable(path, `its body "${body.path}" is missing`)
  const sha256 = hash('sha256', bytes, 'hex')
  if (bytes.byteLength !== body.sizeBytes || sha256 !== body.sha256) {
    const found = `${bytes.byteLength} bytes with sha256 ${sha256}`
    const named = `${body.sizeBytes} bytes with ${body.sha256}`
    throw unreadable(path, `its body "${body.path}" has ${found}, the head names ${named}`)
  }
  const inside = unpacked(bytes)
  return valueOrFault(inside.kind === 'refused' ? inside : parseJson(inside.bytes), path)
}

function bodyOf<T>(shape: ZodType<T>, content: unknown, path: string): T {
  const outcome = parseShape(shape, content)
  if (outcome.kind === 'refused') throw unreadable(path, `body: ${outcome.reason}`)
  return outcome.value
}

const unreadable = (path: string, reason: string): Fault =>
  new Fault('LOG_ENTRY_UNREADABLE', { path, reason })

function valueOrFault<T>(outcome: ReturnType<typeof parseShape<T>>, path: string): T {
  if (outcome.kind === 'refused') throw unreadable(path, outcome.reason)
  return outcome.value
}
