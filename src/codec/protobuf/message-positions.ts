/**
 * Which message of a `.proto` text stands at which position, as descriptors count them: top-level
 * messages in the order of the text, and within a message those that it declares.
 *
 * Imports are not needed: they declare nothing of this file.
 */
import protobuf from 'protobufjs'
import { Fault } from '../../base/fault.ts'

interface Positioned {
  readonly fullName: string
  readonly inner: readonly Positioned[]
}

/** The messages of one text, by their positions. */
export class MessagePositions {
  readonly #messages: readonly Positioned[]

  /** @throws {Fault} SCHEMA_UNREADABLE, naming the text as `file`. */
  constructor(file: string, text: string) {
    try {
      const root = new protobuf.Root()
      const { package: packageName } = protobuf.parse(text, root, { keepCase: true })
      const space = packageName === undefined ? root : root.lookup(packageName)
      this.#messages = space instanceof protobuf.Namespace ? positionsIn(space) : []
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Fault('SCHEMA_UNREADABLE', { file, reason }, { cause: error })
    }
  }

  /**
   * The full name of the message at a path, outermost first; undefined where there is none.
   *
   * @param path empty: the first message of the file.
   */
  at(path: readonly number[]): string | undefined {
    let inner = this.#messages
    let found: Positioned | undefined
    for (const position of path.length === 0 ? [0] : path) {
      found = inner[position]
      inner = found?.inner ?? []
    }
    return found?.fullName
  }
}

const positionsIn = ({ nestedArray }: protobuf.NamespaceBase): readonly Positioned[] =>
  nestedArray.flatMap((one): readonly Positioned[] =>
    one instanceof protobuf.Type
      ? [{ fullName: one.fullName.slice(1), inner: positionsIn(one) }]
      : [],
  )
