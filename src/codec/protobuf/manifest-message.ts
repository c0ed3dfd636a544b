/**
 * The manifest of an announcement as a protobuf message: proto/ready_manifest.proto.
 *
 * It says all that the JSON says. Times are milliseconds since 1970, offsets numbers, reasons and
 * evidence enums.
 */
import type { MessageSchema } from '../../model/event-schema.ts'
import type { ManifestSource, ReadyManifest } from '../../model/ready-manifest.ts'
import { ObjectEncoder } from './object-encoder.ts'

export const manifestProto = 'ready_manifest.proto'
export const manifestMessage = 'lakeward.v1.ReadyManifest'

/** @param schema of `manifestMessage`. @returns what encodes one manifest after the other. */
export function manifestEncoder(schema: MessageSchema): (manifest: ReadyManifest) => Uint8Array {
  const encoder = new ObjectEncoder(schema)
  return (manifest) => encoder.encode(messageOf(manifest))
}

const messageOf = (manifest: ReadyManifest) => ({
  lakeward: manifest.lakeward,
  kind: manifest.kind,
  id: manifest.id,
  pipeline: manifest.pipeline,
  stream: manifest.stream,
  table: manifest.table,
  partition: manifest.partition,
  partition_path: manifest.partitionPath,
  location: manifest.location,
  revision: manifest.revision,
  reason: manifest.reason.toUpperCase(),
  rows: manifest.rows,
  files: manifest.files.map(({ path, bytes, rows, crc32c }) => ({ path, bytes, rows, crc32c })),
  added: manifest.added,
  removed: manifest.removed,
  counts: {
    read: manifest.counts.read,
    written: manifest.counts.written,
    filtered: manifest.counts.filtered,
    late: manifest.counts.late,
    dead_lettered: manifest.counts.deadLettered,
    late_appended: manifest.counts.lateAppended,
  },
  sources: manifest.sources.map(sourceOf),
  schema_versions: manifest.schemaVersions,
  event_watermark_ms: millisOf(manifest.eventWatermark),
  log_entry: manifest.logEntry,
  decided_at_ms: millisOf(manifest.decidedAt),
  skipped: manifest.skipped && {
    first_ms: millisOf(manifest.skipped.first),
    next_ms: millisOf(manifest.skipped.next),
    partitions: manifest.skipped.partitions,
    empty_run_max: manifest.skipped.emptyRunMax,
  },
})

const sourceOf = (source: ManifestSource) => ({
  cluster_id: source.clusterId,
  topic: source.topic,
  topic_id: source.topicId,
  partition: source.partition,
  next: BigInt(source.next),
  event_watermark_ms: millisOf(source.eventWatermark),
  evidence: source.evidence === 'watermark' ? 'WATERMARK' : 'CAUGHT_UP',
})

const millisOf = (iso: string | null): number | undefined =>
  iso === null ? undefined : Date.parse(iso)
