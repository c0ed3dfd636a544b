/**
 * The state of one transactional id, as the coordinator's journal keeps it.
 *
 *     empty → ongoing → prepare-commit → complete
 *                     → prepare-abort  → complete
 *
 * Invariant: once a `prepare` state is in the journal the outcome is decided; whoever finds it
 * writes the missing markers and completes it.
 */
import { z } from 'zod'

export const transactionShape = z.strictObject({
  /** A 64-bit number as text. */
  producerId: z.string(),
  producerEpoch: z.int(),
  timeoutMs: z.int(),
  status: z.enum(['empty', 'ongoing', 'prepare-commit', 'prepare-abort', 'committed', 'aborted']),
  partitions: z.array(z.strictObject({ topic: z.string(), partition: z.int() })).readonly(),
  groupIds: z.array(z.string()).readonly(),
  /** Offsets that become the groups' when the transaction commits. */
  offsets: z
    .array(
      z.strictObject({
        groupId: z.string(),
        topic: z.string(),
        partition: z.int(),
        nextOffset: z.string(),
        leaderEpoch: z.int(),
        metadata: z.string().nullable(),
      }),
    )
    .readonly(),
})

export type Transaction = z.infer<typeof transactionShape>

export const isDecided = (transaction: Transaction): boolean =>
  transaction.status === 'prepare-commit' || transaction.status === 'prepare-abort'
