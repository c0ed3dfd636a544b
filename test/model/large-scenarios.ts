import type { Bounds } from './scenarios.ts'

/** One record in each of two topic-partitions: small enough for three processes to the end. */
const each = { rows: [1, 1], onTime: [1, 1] }
const both = { rows: [2, 1], onTime: [2, 1] }
const lateRow = { rows: [2, 1], onTime: [1, 1] }

/** Three processes, two topic-partitions: by hand, with as many states as there is time for. */
export const largeScenarios: readonly Bounds[] = [
  {
    name: 'three',
    processes: 3,
    ...each,
    budget: { append: 3, ready: 1, crash: 1, lost: 1, finish: 1 },
  },
  {
    name: 'three-trim',
    processes: 3,
    ...each,
    budget: { append: 3, ready: 1, checkpoint: 2, trim: 1 },
  },
  {
    name: 'three-files',
    processes: 3,
    rows: [2, 1],
    onTime: [2, 1],
    budget: { append: 1, ready: 1, merge: 1, finish: 1, quarantine: 1 },
    begun: 'files',
  },
  {
    name: 'three-moves',
    processes: 3,
    ...each,
    budget: { append: 2, move: 1, crash: 1 },
  },
  {
    name: 'three-closing',
    processes: 3,
    rows: [2, 1],
    onTime: [1, 0],
    budget: { append: 1, ready: 1, replace: 1, forget: 1, deliver: 1, close: 1 },
    begun: 'delivered-one',
  },
  {
    name: 'three-late',
    processes: 3,
    rows: [2, 1],
    onTime: [1, 0],
    budget: { append: 2, ready: 2, crash: 1, finish: 1 },
    late: 'append',
    begun: 'file',
  },
  {
    name: 'three-refill',
    processes: 3,
    ...each,
    budget: { append: 2, ready: 1, home: 1, loss: 1, refill: 1 },
  },
  {
    name: 'core',
    processes: 3,
    ...both,
    budget: { append: 3, clean: 1, crash: 1, lost: 1, finish: 1 },
  },
  {
    name: 'trim',
    processes: 3,
    ...both,
    budget: { append: 3, ready: 1, checkpoint: 2, trim: 2, lost: 1 },
  },
  {
    name: 'unreadable',
    processes: 3,
    ...both,
    budget: { append: 3, checkpoint: 2, trim: 1, unreadable: 1, crash: 1, lost: 1 },
  },
  {
    name: 'ready',
    processes: 3,
    ...lateRow,
    budget: { append: 3, ready: 2, crash: 1, lost: 1, finish: 1 },
  },
  {
    name: 'files',
    processes: 3,
    rows: [3, 1],
    onTime: [2, 1],
    budget: {
      append: 2,
      ready: 1,
      merge: 2,
      finish: 1,
      quarantine: 1,
      clean: 1,
      crash: 1,
      lost: 1,
    },
    begun: 'files',
  },
  {
    name: 'after',
    processes: 3,
    rows: [3, 0],
    onTime: [2, 0],
    budget: { append: 1, ready: 2, replace: 2, undo: 1, forget: 2, deliver: 2, crash: 1, lost: 1 },
    begun: 'delivered',
  },
  {
    name: 'deliver',
    processes: 3,
    rows: [2, 0],
    onTime: [2, 0],
    budget: { ready: 2, merge: 1, replace: 1, forget: 1, deliver: 4, crash: 1 },
    begun: 'announced',
  },
]
