/** "hdfs://nn1:9870,nn2:9870/warehouse" taken apart. */

export interface HdfsPlace {
  /** "host:port" where each answers HTTP, in the order given; at least one. */
  readonly namenodes: readonly string[]
  /** With a slash before each part: "/warehouse"; empty for the root. */
  readonly folder: string
}

const shape = /^hdfs:\/\/([^/]+)(\/[^\0?#]*)?$/
const namenodeShape = /^([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/
const portMax = 65_535

/** @returns undefined for anything else. No part of the folder is "", "." or "..", or has ":". */
export function parseHdfsUrl(url: string): HdfsPlace | undefined {
  const [, list, path = ''] = shape.exec(url) ?? []
  if (list === undefined) return undefined
  const namenodes = list.split(',')
  const named = namenodes.every((namenode) => {
    const port = Number(namenodeShape.exec(namenode)?.[2])
    return port > 0 && port <= portMax
  })
  const folder = path.replace(/\/$/, '')
  const parts = folder === '' ? [] : folder.slice(1).split('/')
  const isPlain = parts.every((part) => !['', '.', '..'].includes(part) && !part.includes(':'))
  if (!named || !isPlain || new Set(namenodes).size < namenodes.length) return undefined
  return { namenodes, folder }
}
