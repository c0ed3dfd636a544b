/** One order in, one row per line out; orders of the test country are let go. */
import type { EtlMap } from '../../src/etl/api.ts' // 'lakeward/etl' where lakeward is installed

interface Order {
  readonly id: string
  readonly country: string
  readonly cents: bigint
  readonly lines: readonly string[]
}

export const map: EtlMap<Order> = (order) => {
  if (order.country === 'XX') return null
  if (order.cents < 0n) throw new RangeError(`order ${order.id} costs ${order.cents} cents`)
  return order.lines.map((line) => ({ ...order, lines: [line] }))
}
