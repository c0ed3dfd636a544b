import type { CommandDefinition } from './command.ts'

/**
 * One command of the contract (docs/interfaces.md, section 1).
 *
 * To add one: write `commands/<words joined by "-">.ts` with `export const command`, and give its
 * line here a `load`. A line without `load` is refused by name.
 */
export interface CommandEntry {
  /** "check", or "ready ls". */
  readonly words: string
  readonly summary: string
  /** Loaded when the command is called, so that `--help` stays quick. */
  readonly load?: () => Promise<{ readonly command: CommandDefinition }>
}

/** Words that stand before others: "ready" of "ready ls". */
export const commandGroups: Readonly<Record<string, { summary: string; example: string }>> = {
  ready: { summary: 'announcements and their deliveries', example: 'lakeward ready ls app_events' },
  source: {
    summary: 'offsets; the way on after a refusal',
    example: 'lakeward source ls',
  },
  log: { summary: 'the commit log', example: 'lakeward log ls' },
  dlq: { summary: 'dead letters', example: 'lakeward dlq ls' },
}

export const commandTable: readonly CommandEntry[] = [
  {
    words: 'demo',
    summary: 'the whole thing on embedded parts, to watch and to try',
    load: () => import('./commands/demo.ts'),
  },
  {
    words: 'run',
    summary: 'the daemon of one business unit',
    load: () => import('./commands/run.ts'),
  },
  {
    words: 'check',
    summary: 'validates configuration and schemas, prints the plan',
    load: () => import('./commands/check.ts'),
  },
  {
    words: 'status',
    summary: 'streams: rate, lag, watermark, last commit, dead letters',
    load: () => import('./commands/status.ts'),
  },
  {
    words: 'why',
    summary: 'what blocks or completed a partition',
    load: () => import('./commands/why.ts'),
  },
  {
    words: 'ready ls',
    summary: 'announced partitions',
    load: () => import('./commands/ready-ls.ts'),
  },
  {
    words: 'ready show',
    summary: 'the manifest of a partition',
    load: () => import('./commands/ready-show.ts'),
  },
  {
    words: 'ready wait',
    summary: 'waits until a partition is announced',
    load: () => import('./commands/ready-wait.ts'),
  },
  {
    words: 'ready verify',
    summary: 'proves a manifest against files and offsets',
    load: () => import('./commands/ready-verify.ts'),
  },
  {
    words: 'ready resend',
    summary: 'delivers an announcement again',
    load: () => import('./commands/ready-resend.ts'),
  },
  {
    words: 'source ls',
    summary: 'where the log stands on each topic-partition',
    load: () => import('./commands/source-ls.ts'),
  },
  {
    words: 'source accept',
    summary: 'goes on with what the brokers have by now',
    load: () => import('./commands/source-accept.ts'),
  },
  {
    words: 'source reset',
    summary: 'reads on from another offset',
    load: () => import('./commands/source-reset.ts'),
  },
  {
    words: 'files',
    summary: 'exactly the files that make up a partition',
    load: () => import('./commands/files.ts'),
  },
  {
    words: 'log ls',
    summary: 'entries of the commit log',
    load: () => import('./commands/log-ls.ts'),
  },
  {
    words: 'log show',
    summary: 'one entry whole',
    load: () => import('./commands/log-show.ts'),
  },
  {
    words: 'log verify',
    summary: 'checks the commit log against itself and the lake',
    load: () => import('./commands/log-verify.ts'),
  },
  {
    words: 'log forget',
    summary: 'gives up a commit that was staged and never decided',
    load: () => import('./commands/log-forget.ts'),
  },
  {
    words: 'log refill',
    summary: 'reads the rows of decided files that are gone again from Kafka, or gives them up',
    load: () => import('./commands/log-refill.ts'),
  },
  {
    words: 'log void',
    summary: 'steps over an unreadable entry',
    load: () => import('./commands/log-void.ts'),
  },
  {
    words: 'plan',
    summary: 'files, requests, memory and cores a day',
    load: () => import('./commands/plan.ts'),
  },
  {
    words: 'verify',
    summary: 'recounts files against log against Kafka',
    load: () => import('./commands/verify.ts'),
  },
  {
    words: 'dlq ls',
    summary: 'dead letters by stream, reason and fingerprint',
    load: () => import('./commands/dlq-ls.ts'),
  },
  {
    words: 'dlq show',
    summary: 'one dead letter whole',
    load: () => import('./commands/dlq-show.ts'),
  },
  {
    words: 'dlq replay',
    summary: 'takes late dead letters of a stream in again',
    load: () => import('./commands/dlq-replay.ts'),
  },
  { words: 'dlq drop', summary: 'gives up dead letters' },
  { words: 'stream', summary: 'streams: list, make, pause, resume, remove' },
  { words: 'schema', summary: 'versions of schemas in the registry' },
  { words: 'backfill', summary: 'history: shadow write, compare, swap, take back' },
  { words: 'merge', summary: 'merging of small files by hand' },
  { words: 'cdc', summary: 'database changes into tables' },
  { words: 'capture', summary: 'database changes into Kafka' },
  { words: 'audit', summary: 'in equals out, for each stage' },
  {
    words: 'gc',
    summary: 'removes what can never be needed again',
    load: () => import('./commands/gc.ts'),
  },
  {
    words: 'completion',
    summary: 'completion for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
]
