/** "s3://bucket/prefix" taken apart. */

export interface S3Place {
  readonly bucket: string
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
}

const shape = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^\0?#]*))?$/

/** @returns undefined for anything else. No part of the prefix is empty, "." or "..". */
export function parseS3Url(url: string): S3Place | undefined {
  const [, bucket, path = ''] = shape.exec(url) ?? []
  if (bucket === undefined) return undefined
  const prefix = path.replace(/\/$/, '')
  const parts = prefix === '' ? [] : prefix.split('/')
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  return isPlain ? { bucket, prefix } : undefined
}
