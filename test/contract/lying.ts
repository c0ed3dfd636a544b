/** Sources that are right in all but what a lie answers for them. */
import type { Source, SourceReader } from '../../src/ports/source.ts'

/** Calls that are answered otherwise than by the source; `reader` is what it is opened with. */
interface Lie extends Partial<Source> {
  readonly reader?: (reader: SourceReader) => Partial<SourceReader>
}

/** Whatever `lies` has not, `truth` answers itself. */
const over = <T extends object>(truth: T, lies: object): T =>
  new Proxy(truth, {
    get: (target, key) => {
      const from = Object.hasOwn(lies, key) ? lies : target
      const found: unknown = Reflect.get(from, key, from)
      return typeof found === 'function' ? found.bind(from) : found
    },
  })

export const lying = (source: Source, { reader: wrong, ...lies }: Lie): Source =>
  over(source, {
    ...lies,
    ...(wrong && { open: (reader: SourceReader) => source.open(over(reader, wrong(reader))) }),
  })
