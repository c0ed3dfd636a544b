/** One wrong source for each case of static members: right in all but what that case is of. */
import { type SourcePartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import type { MetadataAnswer, Source, SourceReader } from '../../src/ports/source.ts'
import { lying } from './lying.ts'
import { type OpenMember, openMember } from './static-members.ts'

type Options = Parameters<OpenMember>[0]

/** What the members of one group have in common while a case runs. */
class Group {
  /** How often each name was opened. */
  readonly lives = new Map<string, number>()
  readonly open = new Set<Source>()
  readonly readers = new Map<Source, SourceReader>()
  /** What members that are closed had, by topic-partition: whose it was. */
  readonly left = new Map<string, string>()
  /** Topics that there were when the last member was closed; undefined: none was. */
  topics: ReadonlySet<string> | undefined
}

interface Member {
  readonly options: Options
  readonly name: string
  /** From 1. */
  readonly life: number
  readonly group: Group
}

/** A lie of one member, told to it by its group's past. */
export const asMember = (lie: (member: Member) => Source): OpenMember => {
  const groups = new Map<string, Group>()
  return (options) => {
    const { instanceId: name = '' } = options
    const group = groups.get(options.group) ?? new Group()
    groups.set(options.group, group)
    const life = (group.lives.get(name) ?? 0) + 1
    group.lives.set(name, life)
    const source = lie({ options, name, life, group })
    group.open.add(source)
    return lying(source, {
      close: async () => {
        if (!group.open.delete(source)) return
        for (const at of source.assigned()) group.left.set(topicPartitionName(at), name)
        group.topics = topicsOf(await source.metadata())
        await source.close()
      },
    })
  }
}

const topicsOf = ({ sources }: MetadataAnswer): ReadonlySet<string> =>
  new Set(sources.map(({ topic }) => topic))

/** Tells its reader only of what `isTold`. */
const hiding =
  (isTold: (at: SourcePartition) => Promise<boolean>) =>
  (reader: SourceReader): Partial<SourceReader> => ({
    onAssigned: async (sources) => {
      const told = await Promise.all(sources.map(isTold))
      const shown = sources.filter((_, index) => told[index])
      return shown.length > 0 ? reader.onAssigned(shown) : new Map()
    },
  })

/** When `ending` ends, all others give up what they have and take it again. */
const givesAllUp = (ending: string): OpenMember =>
  asMember(({ options, name, group }) => {
    const source = openMember(options)
    return lying(source, {
      reader: (reader) => {
        group.readers.set(source, reader)
        return {}
      },
      close: async () => {
        await source.close()
        group.readers.delete(source)
        for (const [other, reader] of name === ending ? group.readers : []) {
          await reader.onRevoked(other.assigned())
          await reader.onAssigned(other.assigned())
        }
      },
    })
  })

/** By name of the case; each is made anew for a run of the suite. */
export const lyingMembers: Readonly<Record<string, () => OpenMember>> = {
  '"one" starts again within the session and nothing moves': () => givesAllUp('one'),

  '"two" starts again within the session and nothing moves': () => givesAllUp('two'),

  'partitions that come after the leader started again are dealt out': () =>
    asMember(({ options, life }) => {
      const source = openMember(options)
      if (life === 1) return source
      const before = source.metadata()
      const isOld = async ({ topic }: SourcePartition) => topicsOf(await before).has(topic)
      return lying(source, { reader: hiding(isOld) })
    }),

  'partitions that come while the leader is away are dealt out when it is back': () =>
    asMember(({ options, life, group }) => {
      const source = openMember(options)
      if (life === 1) return source
      const { topics } = group
      const before = source.metadata()
      const cameMeanwhile = async ({ topic }: SourcePartition) =>
        topicsOf(await before).has(topic) && topics?.has(topic) === false
      return lying(source, { reader: hiding(async (at) => !(await cameMeanwhile(at))) })
    }),

  'who stays away longer than the session is given up, and its share goes on': () =>
    asMember(({ options, name, group }) => {
      const isMine = async (at: SourcePartition) =>
        (group.left.get(topicPartitionName(at)) ?? name) === name
      return lying(openMember(options), { reader: hiding(isMine) })
    }),

  'a second process of one id fences the first, which says so and stays out': () =>
    asMember(({ options }) =>
      lying(openMember(options), {
        reader: (reader) => ({
          onTrouble: (fault) => {
            if (fault?.code !== 'KAFKA_INSTANCE_FENCED') reader.onTrouble(fault)
          },
        }),
      }),
    ),
}
