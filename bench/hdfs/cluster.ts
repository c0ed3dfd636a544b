/** What the parts of the benchmark ask of the cluster itself, past any proxy. */

/** A file as LISTSTATUS tells of it. */
export interface FileOnHdfs {
  readonly path: string
  readonly sizeBytes: number
}

interface Status {
  readonly pathSuffix: string
  readonly type: string
  readonly length: number
}

const user = 'user.name=lakeward'

export class Cluster {
  /** "127.0.0.1:24001". */
  readonly address: string

  constructor(address: string) {
    this.address = address
  }

  /** Tables' files below a folder, without those that are hidden. */
  async files(folder: string): Promise<readonly FileOnHdfs[]> {
    const answer = await fetch(this.#url(folder, 'LISTSTATUS'))
    if (answer.status === 404) return []
    if (answer.status !== 200) throw new Error(await answer.text())
    const told = (await answer.json()) as { FileStatuses: { FileStatus: Status[] } }
    const found: FileOnHdfs[] = []
    for (const { pathSuffix, type, length } of told.FileStatuses.FileStatus) {
      const path = `${folder}/${pathSuffix}`
      if (/^[._]/.test(pathSuffix)) continue
      if (type === 'DIRECTORY') found.push(...(await this.files(path)))
      else if (pathSuffix.endsWith('.parquet')) found.push({ path, sizeBytes: length })
    }
    return found
  }

  /** Everything below a folder, and it. */
  async removeFolder(folder: string): Promise<void> {
    const answer = await fetch(this.#url(folder, 'DELETE&recursive=true'), { method: 'DELETE' })
    await answer.arrayBuffer()
  }

  #url(path: string, operation: string): string {
    return `http://${this.address}/webhdfs/v1${encodeURI(path)}?op=${operation}&${user}`
  }
}
