/**
 * The head of a commit log entry as a strict shape, one for each kind.
 *
 * Each is the written form of an entry in `model/log-entry.ts`, less what its body holds: see
 * `split` and `completeEntry` in entry.ts. The three change together.
 */
import { type ZodType, z } from 'zod'
import type { ClosedLateEntry } from '../../model/close-entry.ts'
import type { LetterReplay } from '../../model/letter-replay.ts'
import type {
  Announcement,
  AppendEntry,
  ConfigEntry,
  DeliveredEntry,
  ReadyEntry,
  SourceEntry,
} from '../../model/log-entry.ts'
import { firstFormat } from '../../model/log-entry.ts'
import type { ForgetEntry, VoidEntry } from '../../model/repair-entry.ts'
import type { SwapEntry } from '../../model/swap-entry.ts'
import {
  absentAsNull,
  commitIdShape,
  countShape,
  partitionPathShape,
  partitionShape,
  placeKindShape,
  placeShape,
  rangeShape,
  sourceMoveShape,
  timeShape,
  writerIdShape,
} from './shapes.ts'

/** A body too large for the head: an object of its own. */
export interface StoredBody {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

type HeadBody = { readonly inline: unknown } | StoredBody

type HeadAnnouncement = Omit<Announcement, 'manifest'>

/** What an entry's head says; `body` is still to be read. */
export type EntryHead =
  | (Omit<AppendEntry, 'body'> & { readonly body: HeadBody })
  | (Omit<ReadyEntry, 'announcements'> & {
      readonly announcements: readonly HeadAnnouncement[]
      readonly body: HeadBody
    })
  | (DeliveredEntry & { readonly body: HeadBody })
  | (SourceEntry & { readonly body: HeadBody })
  | (Omit<ConfigEntry, 'streams'> & { readonly body: HeadBody })
  | (VoidEntry & { readonly body: HeadBody })
  | (ForgetEntry & { readonly body: HeadBody })
  | (ClosedLateEntry & { readonly body: HeadBody })
  | (Omit<SwapEntry, 'body'> & { readonly body: HeadBody })

const bodyShape: ZodType<HeadBody> = z.union([
  z.strictObject({ inline: z.looseObject({}) }),
  z.strictObject({ path: z.string(), sizeBytes: countShape, sha256: z.string() }),
])

const baseFields = {
  format: z.int().min(firstFormat),
  commitId: commitIdShape,
  writerId: writerIdShape,
  stagedAtMs: timeShape,
  publishedNext: countShape,
  published: z.array(commitIdShape),
  discarded: z.array(
    z.strictObject({
      commitId: commitIdShape,
      because: z.enum([
        'range-moved',
        'place-changed',
        'config-changed',
        'forgotten',
        'malformed',
        'void',
      ]),
    }),
  ),
  body: bodyShape,
}

const replayShape: ZodType<LetterReplay> = z.strictObject({
  why: z.string(),
  letters: z.array(
    z.strictObject({
      day: partitionPathShape,
      commitId: commitIdShape,
      stream: z.string(),
      cells: z.array(z.strictObject({ partition: partitionShape, count: countShape })),
    }),
  ),
})

const appendShape = z.strictObject({
  ...baseFields,
  kind: z.literal('append'),
  ranges: z.array(rangeShape),
  places: z.array(placeShape),
  configVersion: countShape,
  replay: replayShape.exactOptional(),
})

const announcementShape: ZodType<HeadAnnouncement> = z.strictObject({
  stream: z.string(),
  partition: partitionShape,
  version: absentAsNull(commitIdShape),
  targets: z.array(z.string()),
})

const readyShape = z.strictObject({
  ...baseFields,
  kind: z.literal('ready'),
  announcements: z.array(announcementShape),
})

const deliveredShape = z.strictObject({
  ...baseFields,
  kind: z.literal('delivered'),
  deliveries: z.array(
    z.strictObject({
      stream: z.string(),
      partitionPath: partitionPathShape,
      revision: z.int().positive(),
      target: z.string(),
      dropped: z.literal(true).exactOptional(),
    }),
  ),
})

const configShape = z.strictObject({
  ...baseFields,
  kind: z.literal('config'),
  fromVersion: countShape,
  version: countShape,
  checksum: z.string(),
})

const sourceShape = z.strictObject({
  ...baseFields,
  kind: z.literal('source'),
  action: z.enum(['accept', 'reset']),
  why: z.string(),
  moves: z.array(sourceMoveShape),
})

const voidShape = z.strictObject({
  ...baseFields,
  kind: z.literal('void'),
  entry: countShape,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  why: z.string(),
})

const forgetShape = z.strictObject({
  ...baseFields,
  kind: z.literal('forget'),
  why: z.string(),
  commits: z.array(commitIdShape),
  files: z.array(
    z.strictObject({
      stream: z.string(),
      partitionPath: partitionPathShape,
      version: commitIdShape,
      paths: z.array(z.string().min(1)),
    }),
  ),
})

const swapShape = z.strictObject({
  ...baseFields,
  kind: z.literal('swap'),
  why: z.enum(['merge', 'replace', 'undo', 'move', 'refill']),
  reason: z.string(),
  stream: z.string(),
  partition: partitionShape,
  place: placeKindShape,
  version: absentAsNull(commitIdShape),
  inputs: z.array(z.string().min(1)),
  restored: z.array(z.string().min(1)),
  location: z.string().min(1),
  lostRowCount: countShape,
})

const sha256Shape = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')

const closedLateShape = z.strictObject({
  ...baseFields,
  kind: z.literal('closed-late'),
  closings: z.array(
    z.strictObject({
      stream: z.string(),
      partition: partitionShape,
      version: commitIdShape,
      list: z.strictObject({
        path: z.string(),
        sizeBytes: countShape,
        sha256: sha256Shape,
        previous: sha256Shape,
      }),
    }),
  ),
})

export const entryHeadShape: ZodType<EntryHead> = z.discriminatedUnion('kind', [
  appendShape,
  readyShape,
  deliveredShape,
  configShape,
  sourceShape,
  voidShape,
  forgetShape,
  closedLateShape,
  swapShape,
])
