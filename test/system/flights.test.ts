/** Real flight records through a real daemon; the example compares, this test reads its verdict. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commandEndsWell, python, requireService } from '../support/require-service.ts'

const folder = new URL('../../examples/flights/', import.meta.url).pathname
const data = `${folder}data`

/** The source archive: there since an earlier run, or to be had from the package registry. */
const hasFlights = requireService(
  'flights',
  () => existsSync(`${data}/flights.csv`) || commandEndsWell(python, [`${folder}fetch.py`, data]),
)

test.skipIf(!hasFlights)(
  'the flights of every day of 2013 are in the lake as in the source',
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}run.ts`], {
      encoding: 'utf8',
      env: { ...process.env, LAKEWARD_PYTHON: python },
    })
    expect(status, stdout + stderr).toBe(0)
    const verdict: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    expect(verdict).toEqual({ flights: 336_776, days: 365, differing: 0 })
  },
)
