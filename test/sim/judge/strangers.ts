/** Files in our tables that are another pipeline's: they stay where they are, as they are. */
import type { Judged } from './lake-oracle.ts'

export const goneStrangers = ({
  store,
  foreignBody,
}: Pick<Judged, 'store' | 'foreignBody'>): readonly string[] =>
  [...store.firstHeld].flatMap(([path, { body }]) => {
    const isForeign = Buffer.compare(body, foreignBody) === 0 && !path.startsWith('_lakeward/')
    if (!isForeign || Buffer.compare(store.get(path)?.body ?? body.subarray(1), body) === 0)
      return []
    return [`file "${path}" of another pipeline is gone`]
  })
