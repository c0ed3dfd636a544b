import { Fault } from '../base/fault.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import { checkFilter } from './filter-condition.ts'
import { type Evaluate, evaluatorOf, truth } from './filter-evaluate.ts'
import { parseFilter } from './filter-syntax.ts'
import { FilterError } from './filter-tokens.ts'
import { WireScan } from './wire-scan.ts'

export type FilterVerdict = 'pass' | 'reject' | 'malformed'

/** A filter compiled for one message type. Evaluates wire bytes; makes no object. */
export class WireFilter {
  readonly #scan: WireScan
  readonly #evaluate: Evaluate

  constructor(scan: WireScan, evaluate: Evaluate) {
    this.#scan = scan
    this.#evaluate = evaluate
  }

  /**
   * Judges the message in `[start, end)` of `u8`.
   * @returns `pass` where the expression is true, `reject` where it is false or unknown.
   */
  matches(u8: Uint8Array, start: number, end: number): FilterVerdict {
    const slots = this.#scan.scan(u8, start, end)
    if (slots === undefined) return 'malformed'
    return this.#evaluate(slots) === truth.true ? 'pass' : 'reject'
  }
}

/**
 * Compiles the expression of a `filter` step.
 *
 * @param message type of the stream's events.
 * @param stream  name for the fault.
 * @throws {Fault} ETL_EXPRESSION_REFUSED, with the column where the expression is wrong.
 * @see docs/etl.md for the language.
 */
export function compileFilter(
  expression: string,
  message: MessageSchema,
  stream: string,
): WireFilter {
  try {
    const scan = new WireScan(message)
    const condition = checkFilter(parseFilter(expression), message, (path) => scan.slotOf(path))
    return new WireFilter(scan, evaluatorOf(condition))
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const position = error.position + 1
    const facts = { stream, expression, position, reason: error.message }
    throw new Fault('ETL_EXPRESSION_REFUSED', facts, { cause: error })
  }
}
