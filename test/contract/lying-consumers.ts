/** One wrong source for each case of members of KIP-848: right in all but what that case is of. */
import { lying } from './lying.ts'
import { asMember } from './lying-members.ts'
import { type OpenMember, openMember } from './static-members.ts'

/** By name of the case; each is made anew for a run of the suite. */
export const lyingConsumers: Readonly<Record<string, () => OpenMember>> = {
  'what is given up is nobody else’s until its reader is done, the rest is read': () =>
    asMember(({ options }) =>
      lying(openMember(options), {
        reader: (reader) => ({
          onRevoked: async (sources) => {
            reader.onRevoked(sources).catch(() => {})
          },
        }),
      }),
    ),

  'a static member that starts again takes its place, and nothing moves': () =>
    asMember(({ options, name, life }) => {
      const isBack = name === 'two' && life > 1
      return openMember(isBack ? { ...options, instanceId: undefined } : options)
    }),

  'a second process of one name is told that it is held, and has it when it is free': () =>
    asMember(({ options }) =>
      lying(openMember(options), {
        reader: (reader) => ({
          onTrouble: (fault) => {
            if (fault?.code !== 'KAFKA_INSTANCE_HELD') reader.onTrouble(fault)
          },
        }),
      }),
    ),
}
