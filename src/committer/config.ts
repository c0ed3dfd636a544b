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
