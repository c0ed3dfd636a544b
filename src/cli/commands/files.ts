import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AskedPartition } from '../../committer/closed-lists.ts'
import type { ResolvedConfig } from '../../daemon/config/resolved-config.ts'
import type { FoldState } from '../../model/fold-state.ts'
import { partitionName } from '../../protocol/calendar-text.ts'
import { standingParts } from '../../protocol/growth.ts'
import { type FoundAnnouncement, findAnnouncement, revisionOption } from '../announced.ts'
import {
  type CommandDefinition,
  configOption,
  exitCode,
  type Invocation,
  refusal,
  textOption,
} from '../command.ts'
import { jsonText } from '../output.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  stateAbout,
  streamArgument,
} from '../reading.ts'

const formats = ['paths', 'symlink', 'json'] as const
type Format = (typeof formats)[number]

/** `lakeward files`: exactly the files that make up a partition. */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [
    configOption,
    revisionOption,
    {
      flags: '--format <form>',
      description: `${formats.join(', ')} (a symlink manifest lists URLs)`,
      default: 'paths',
    },
  ],
  example: 'lakeward files app_events 2026-11-20T13 --format json',
  run: async (invocation) => {
    const format = formatOf(invocation)
    const reading = await openReading(invocation)
    const { config } = reading
    const stream = streamArgument(invocation, config)
    const asked = { stream: stream.name, partition: partitionArgument(invocation, stream) }
    const state = await stateAbout(reading, asked)
    const announcement = await findAnnouncement(invocation, reading, state, asked)
    const found = filesOf(announcement, state, asked)
    const files = found.files.map((file) => placed(file, config))
    const { revision, why } = found
    const partition = partitionName(asked.partition)
    const answer = { stream: stream.name, partition, state: found.state, revision, files }
    invocation.output.answer(answer, linesOf(format, files, answer))
    if (found.state === 'announced') return exitCode.done
    invocation.output.progress(why)
    return exitCode.failed
  },
}

function formatOf(invocation: Invocation): Format {
  const given = textOption(invocation, 'format')
  const format = formats.find((at) => at === given)
  if (format !== undefined) return format
  throw refusal(invocation, `--format "${given}" is none; accepted: ${formats.join(', ')}`)
}

interface LakeFile {
  /** From the lake's root. */
  readonly path: string
  readonly bytes: number
  readonly rows: number
  /** Not known of a file whose newest tail is not told as joined. */
  readonly crc32c?: string
}

interface FoundFiles {
  readonly state: 'announced' | 'open' | 'absent'
  readonly revision: number | undefined
  readonly files: readonly LakeFile[]
  /** What is to say of a partition that is not announced. */
  readonly why: string
}

/** Of an open partition the files that are published so far, as long as they are told to be. */
function filesOf(found: FoundAnnouncement, state: FoldState, asked: AskedPartition): FoundFiles {
  if (found.kind === 'announced') {
    const { revision, files } = found.manifest
    return { state: 'announced', revision, files, why: '' }
  }
  const folded = state.streams.get(asked.stream)?.partitions.get(asked.partition.path)
  if (folded === undefined || folded.place === 'announced') {
    return { state: 'absent', revision: undefined, files: [], why: found.why }
  }
  const files = standingParts(state, folded.files).map(({ path, sizeBytes, rowCount, crc32c }) => ({
    path,
    bytes: sizeBytes,
    rows: rowCount,
    ...(crc32c !== undefined && { crc32c }),
  }))
  return { state: 'open', revision: undefined, files, why: found.why }
}

type PlacedFile = LakeFile & { readonly file: string; readonly url: string }

function placed(file: LakeFile, { lakeUrl, lakeFolder }: ResolvedConfig): PlacedFile {
  if (lakeFolder === undefined) {
    const url = `${lakeUrl}/${file.path}`
    return { ...file, file: url, url }
  }
  const absolute = join(lakeFolder, file.path)
  return { ...file, file: absolute, url: pathToFileURL(absolute).href }
}

function linesOf(format: Format, files: readonly PlacedFile[], answer: object): readonly string[] {
  switch (format) {
    case 'paths':
      return files.map(({ file }) => file)
    case 'symlink':
      return files.map(({ url }) => url)
    case 'json':
      return [jsonText(answer)]
  }
}
