/** Every metric of docs/interfaces.md, section 6: its kind, its labels, and what it says. */

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[]
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const waits = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600]

const counter = (help: string, labels: readonly string[] = []): MetricDefinition => ({
  kind: 'counter',
  help,
  labels,
})
const gauge = (help: string, labels: readonly string[] = []): MetricDefinition => ({
  kind: 'gauge',
  help,
  labels,
})

export const metricsTable: Readonly<Record<string, MetricDefinition>> = {
  lakeward_records_read_total: counter('Kafka records taken in.'),
  lakeward_rows_total: counter('Events by stage and outcome.', ['stage', 'outcome']),
  lakeward_bytes_read_total: counter('Bytes of record batches taken in, as fetched.'),
  lakeward_growth_refused_total: counter('Starts of tables whose files were to grow and cannot.', [
    'table',
  ]),
  lakeward_bytes_written_total: counter('Bytes of Parquet files committed.'),
  lakeward_lag_records: gauge('Records between what was taken in and the high watermark.', [
    'topic',
    'partition',
  ]),
  lakeward_event_watermark_seconds: gauge(
    'Committed event-time watermark, Unix time; NaN once unknown.',
    ['stream'],
  ),
  lakeward_commit_duration_seconds: {
    kind: 'histogram',
    help: 'From the seal of a commit to its publication.',
    labels: [],
    buckets: seconds,
  },
  lakeward_commits_total: counter('Commits by outcome.', ['outcome']),
  lakeward_log_races_lost_total: counter('Puts of log entries that found another one there.'),
  lakeward_ready_delay_seconds: {
    kind: 'histogram',
    help: 'From the end of a partition to its announcement.',
    labels: ['stream'],
    buckets: waits,
  },
  lakeward_partitions_blocked: gauge('Partitions that are due and not announced.', [
    'stream',
    'rule',
  ]),
  lakeward_partitions_skipped_total: counter(
    'Partitions without rows that were not announced, in gaps longer than ready.emptyRunMax.',
    ['stream'],
  ),
  lakeward_dead_letters_total: counter('Dead letters by stream and reason.', ['stream', 'reason']),
  lakeward_unknown_fields_total: counter(
    'Fields that the schema does not know, of committed rows; beyond 32 of a stream as "other".',
    ['stream', 'field'],
  ),
  lakeward_notify_pending: gauge('Announcements not yet acknowledged.', ['target']),
  lakeward_partitions_unregistered: gauge(
    'Partitions with rows, not announced, that a catalog is still to show.',
    ['target'],
  ),
  lakeward_open_writers: gauge('Partitions of tables with an open file.'),
  lakeward_buffer_bytes: gauge('Bytes held: for the next commit and by the one under way.', [
    'stream',
  ]),
  lakeward_buffer_bytes_max: gauge('Share of the memory: the reading pauses above it.', ['stream']),
  lakeward_reading_paused: gauge('1 while a topic of the stream waits for memory, else 0.', [
    'stream',
  ]),
  lakeward_reading_pauses_total: counter('How often a stream began to wait for memory.', [
    'stream',
  ]),
  lakeward_event_skew_seconds: gauge('How far the topic-partitions of the stream are apart.', [
    'stream',
  ]),
  lakeward_alignment_paused: gauge('Topic-partitions that are too far ahead in the stream.', [
    'stream',
  ]),
  lakeward_etl_seconds: gauge('Time that the batches of ETL modules took, all together.', [
    'stream',
  ]),
  lakeward_lake_requests_total: counter('Requests to a lake on S3 by price and outcome.', [
    'request',
    'outcome',
  ]),
  lakeward_lake_request_dollars_total: counter(
    'What the requests to a lake on S3 cost by the list price of S3 Standard.',
  ),
  lakeward_hdfs_calls_total: counter('Calls to a lake on HDFS, by call, phase and outcome.', [
    'call',
    'phase',
    'outcome',
  ]),
  lakeward_hdfs_call_seconds: {
    kind: 'histogram',
    help: 'How long one call to a lake on HDFS took.',
    labels: ['call', 'phase'],
    buckets: seconds,
  },
  lakeward_hdfs_token_troubles_total: counter(
    'Times that a delegation token was not read again or not renewed; the last one is used on.',
    ['what'],
  ),
  lakeward_files_written_total: counter('Parquet files committed.'),
  lakeward_event_loop_lag_seconds: gauge('How late timers of this process fire.'),
}
