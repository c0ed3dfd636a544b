import { expect, test } from 'vitest'
import {
  type RefusedMessages,
  refusedGoogleMessages,
  refusedOpenTelemetryMessages,
} from '../conformance/corpus/refused-messages.ts'
import {
  type CorpusResults,
  tryGoogleProtoFiles,
  tryOpenTelemetry,
} from '../conformance/corpus/schema-corpus.ts'
import { openKernel } from '../conformance/our-path.ts'

const timeoutMs = 600_000

/** The refused ones are those of the list, each for its reason. */
function expectRefused({ refused }: CorpusResults, listed: readonly RefusedMessages[]): void {
  const names = listed.flatMap((each) => each.names)
  expect([...refused.keys()].toSorted()).toEqual(names.toSorted())
  for (const { names: those, says, because } of listed) {
    expect(because.split(' ').length).toBeGreaterThan(3)
    for (const name of those) expect(refused.get(name)).toMatch(says)
  }
}

test(
  'every message of google-proto-files is made into a table or refused as listed',
  () => {
    const results = tryGoogleProtoFiles(openKernel())
    expectRefused(results, refusedGoogleMessages)
    // Of version 6.0.1: who updates it counts anew, so that nothing is passed over unseen.
    expect(results).toMatchObject({
      files: 7_243,
      loaded: 7_242,
      messages: 46_934,
      compiled: 46_916,
    })
    expect(results.columns).toBeGreaterThan(1_000_000)
  },
  timeoutMs,
)

test(
  'every message of opentelemetry-proto is made into a table or refused as listed',
  () => {
    const results = tryOpenTelemetry(openKernel())
    expectRefused(results, refusedOpenTelemetryMessages)
    expect(results).toMatchObject({ files: 10, messages: 60, compiled: 60 })
    expect(results.columns).toBeGreaterThan(100)
  },
  timeoutMs,
)
