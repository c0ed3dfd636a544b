// User code of the stream page_views: one row in, zero or more rows out. Names are those of the
// message; 64-bit integers are bigint.

interface PageView {
  readonly user_id: string
  readonly url: string
  readonly referrer: string
  readonly load_ms: number
}

/** Takes the query out of addresses, and keeps no view that never finished. */
export function map(row: PageView): PageView | undefined {
  if (row.load_ms < 0) return undefined
  return { ...row, url: withoutQuery(row.url), referrer: withoutQuery(row.referrer) }
}

function withoutQuery(address: string): string {
  return address.split('?', 1)[0] ?? ''
}
