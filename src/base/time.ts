import type { Brand } from './brand.ts'

/** Milliseconds since 1970-01-01T00:00Z. May jump: for naming moments, never for waiting. */
export type UnixMs = Brand<number, 'UnixMs'>

/** A span of time in milliseconds. Humans write it with its unit: "500ms", "30s", "5m", "1h". */
export type DurationMs = Brand<number, 'DurationMs'>

/** A reading of a clock that never goes back, in milliseconds from an arbitrary zero. */
export type MonotonicMs = Brand<number, 'MonotonicMs'>

export const unixMs = (value: number): UnixMs => value as UnixMs
export const durationMs = (value: number): DurationMs => value as DurationMs
export const monotonicMs = (value: number): MonotonicMs => value as MonotonicMs

/** The moment `span` after `at`. */
export const later = (at: UnixMs, span: DurationMs): UnixMs => unixMs(at + span)

/** ISO 8601 in UTC with milliseconds: "2026-11-20T13:05:00.000Z". */
export const isoOf = (at: UnixMs): string => new Date(at).toISOString()
