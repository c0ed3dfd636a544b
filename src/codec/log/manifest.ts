/** The manifest file of an announcement, read back: what `encodeManifest` writes. */
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import { type ParseOutcome, parseJson, parseShape } from './json.ts'
import { manifestShape } from './shapes.ts'

/** @param bytes from anywhere: whoever can write the lake can write there. */
export function parseManifest(bytes: Uint8Array): ParseOutcome<ReadyManifest> {
  const json = parseJson(bytes)
  return json.kind === 'refused' ? json : parseShape(manifestShape, json.value)
}
