import type { z } from 'zod'
import { duration } from '../base/config-units.ts'
import { section } from '../base/config-value.ts'

/** The section `commit`. */
export const commitConfig = section({
  interval: duration({ min: '100ms', max: '1h' })
    .prefault('60s')
    .describe('Time between commits. Longer: fewer and larger files, later readable.'),
})

export type CommitConfig = z.output<typeof commitConfig>

/** The section `log`. */
export const logConfig = section({
  keep: duration({ min: '1m', max: '3650d' })
    .prefault('7d')
    .describe('How long entries of the commit log stay once a checkpoint holds them.'),
})
