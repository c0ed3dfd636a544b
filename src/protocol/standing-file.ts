import type { PublishOutcome } from '../ports/lake.ts'

/**
 * What publishing came to, by what stands at the file's path.
 *
 * @param sizeBytes what the log says that the file has.
 * @param otherwise where nothing stands.
 */
export function judgeStanding(
  standing: { readonly sizeBytes: number } | undefined,
  sizeBytes: number,
  otherwise: PublishOutcome,
): PublishOutcome {
  if (standing === undefined) return otherwise
  if (standing.sizeBytes === sizeBytes) return { kind: 'already-published' }
  return { kind: 'mismatch', foundBytes: standing.sizeBytes }
}
