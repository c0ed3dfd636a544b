import type { Lake } from '../../src/ports/lake.ts'

/** What was asked of a lake. */
export interface LakeCalls {
  /** Paths of objects that were read, whether they stood or not. */
  readonly reads: string[]
  readonly lists: string[]
}

/** A lake that remembers which objects were read and which folders listed. */
export function countingLake(lake: Lake): { readonly lake: Lake; readonly calls: LakeCalls } {
  const calls: LakeCalls = { reads: [], lists: [] }
  const counting = new Proxy(lake, {
    get(target, name: keyof Lake) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function') return method
      return (path: string, ...rest: unknown[]): unknown => {
        if (name === 'read' || name === 'readRange' || name === 'stat') calls.reads.push(path)
        if (name === 'list') calls.lists.push(path)
        return method.call(target, path, ...rest)
      }
    },
  })
  return { lake: counting, calls }
}
