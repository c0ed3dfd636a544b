/** The rules of the commit protocol that the model can switch off, one by one. */

export interface RuleText {
  /** Section of the page that holds the rule, and the rule in one line. */
  readonly says: string
  /** Scenario in which its absence shows. */
  readonly scenario: string
  /** Who decides: the product's own code, or the model because the product has none yet. */
  readonly by: 'product' | 'model'
  /** What saves work only: switching it off must show nothing. */
  readonly harmless?: true
}

const rules = {
  ids: { says: '1: no id comes back', scenario: 'core', by: 'model' },
  voids: { says: '2.4: void for everybody', scenario: 'core', by: 'product' },
  relyNext: { says: '2.5: append relies on next', scenario: 'core', by: 'product' },
  relyPlace: { says: '2.5: append relies on the place', scenario: 'ready', by: 'product' },
  relyVersion: { says: '2.5: ready relies on the version', scenario: 'ready', by: 'product' },
  relyMoveVersion: {
    says: '2.5: what follows ready relies on the version',
    scenario: 'undoing',
    by: 'product',
  },
  relySwapPlace: { says: '2.5: swap relies on the place', scenario: 'files', by: 'product' },
  relyInputs: { says: '2.5: swap relies on live inputs', scenario: 'files', by: 'product' },
  relyEpoch: { says: '5: append relies on the reset epoch', scenario: 'moves', by: 'product' },
  check: {
    says: '2.3: what no longer fits is not put again',
    scenario: 'core',
    by: 'product',
    harmless: true,
  },
  unknown: { says: '2: no answer is no failure', scenario: 'core', by: 'model' },
  readAgain: { says: '2: taken on a retry: read again', scenario: 'core', by: 'model' },
  firstEntry: { says: 'first the entry, then the deed', scenario: 'ready', by: 'model' },
  listAfter: { says: '3: a fold lists checkpoints last', scenario: 'trim', by: 'product' },
  deleteBelow: { says: '3: deletion below a checkpoint only', scenario: 'trim', by: 'model' },
  deleteOlder: {
    says: '3: below the older of the newest two',
    scenario: 'unreadable',
    by: 'model',
  },
  two: { says: '3: the newest two checkpoints stay', scenario: 'unreadable', by: 'model' },
  recipe: { says: '3: a checkpoint keeps recipes', scenario: 'trim', by: 'model' },
  known: { says: '3: a jump keeps staging with a recipe', scenario: 'trim', by: 'model' },
  rename: { says: '4: rename, never link and unlink', scenario: 'files', by: 'model' },
  publishedReady: { says: '4: ready names published files', scenario: 'ready', by: 'model' },
  publishedSwap: { says: '4: swap takes published files', scenario: 'files', by: 'model' },
  finisherFolds: { says: '4: nothing found: fold again first', scenario: 'files', by: 'product' },
  garbage: { says: '5: staging goes when it has passed', scenario: 'core', by: 'product' },
  garbageStrict: { says: '5: passed means beyond, not at', scenario: 'core', by: 'product' },
  forgetEntry: { says: '5: no deletion before a forget', scenario: 'after', by: 'model' },
  journalThenFold: {
    says: '5: journals of swaps are read, then folded',
    scenario: 'merging',
    by: 'model',
  },
  forgetRemoved: { says: '5: forget of a live file is void', scenario: 'after', by: 'product' },
  noRevive: { says: '5: no undo of a forgotten file', scenario: 'after', by: 'product' },
  listThenFold: { says: '5: quarantine lists, then folds', scenario: 'quarantine', by: 'model' },
  outputFirst: { says: '6: inputs go after the output stands', scenario: 'files', by: 'model' },
  inputsGone: { says: '6: ready waits for merged inputs', scenario: 'files', by: 'model' },
  swapAll: { says: '6: after ready, every live file', scenario: 'after', by: 'product' },
  newLocation: { says: '6: after ready, a new location', scenario: 'after', by: 'model' },
  evidence: { says: '7: next reaches the high watermark', scenario: 'ready', by: 'model' },
  wholeSet: { says: '7: all topic-partitions of the set', scenario: 'ready', by: 'model' },
  deliveredFirst: { says: '7: forget after delivered', scenario: 'after', by: 'model' },
  closeVersion: { says: '3: closing relies on the version', scenario: 'overdue', by: 'product' },
  closeForgotten: { says: '3: closing after forget', scenario: 'closing', by: 'product' },
  closeDelivered: { says: '3: closing after delivered', scenario: 'told', by: 'product' },
  undoPublished: {
    says: '6: no undo of what is unpublished',
    scenario: 'undoing',
    by: 'product',
    harmless: true,
  },
  lateClosed: {
    says: '2.5: a late append relies on not being closed',
    scenario: 'late-closing',
    by: 'product',
  },
  revisionVersion: {
    says: '2.5: a later revision relies on the version',
    scenario: 'late-told',
    by: 'product',
  },
  manifestFirst: {
    says: '7: the manifest stands before the next revision',
    scenario: 'late',
    by: 'model',
  },
  closeTold: {
    says: '3: closing once each file is named',
    scenario: 'late-untold',
    by: 'product',
  },
  closeManifest: {
    says: '3: the manifest stands before closing',
    scenario: 'late-closing',
    by: 'model',
  },
  swapTold: {
    says: '6: after ready, once each file is named',
    scenario: 'late-swap',
    by: 'product',
  },
  refillWhole: {
    says: '4: a refill takes all files of the commit',
    scenario: 'refill',
    by: 'product',
  },
  refillOrigin: {
    says: '4: rows of one append only, through moves',
    scenario: 'refill-merged',
    by: 'product',
  },
  refillRecords: { says: '4: the very same records', scenario: 'refill-moved', by: 'product' },
  refillSame: { says: '4: as many rows as were lost', scenario: 'refill-gone', by: 'product' },
  relyFormat: { says: '10: one format in force', scenario: 'raised', by: 'product' },
  formatStops: {
    says: '10: who does not know the format stops',
    scenario: 'formats',
    by: 'model',
  },
  raiseWaits: {
    says: '10: no raise while an older writer works',
    scenario: 'upgraded',
    by: 'product',
  },
  raiseHolds: {
    says: '10: looked at again before the put',
    scenario: 'upgraded',
    by: 'model',
  },
  stagedNames: { says: '6: staged names go too', scenario: 'refill', by: 'model' },
  look: { says: '7: delivered after a read-back', scenario: 'deliver', by: 'model' },
  deadline: { says: '7: a late deliverer writes nothing', scenario: 'deliver', by: 'model' },
} satisfies Record<string, RuleText>

export type Rule = keyof typeof rules

/** The rules that are switched off. */
export type RulesOff = ReadonlySet<Rule>

export const ruleNames = Object.keys(rules).filter((name): name is Rule => name in rules)

export const textOf = (rule: Rule): RuleText => rules[rule]

/** The rules of files that grow, explored in worlds of their own (`growing.ts`). */
const growthRules = {
  growEntry: { says: 'first the entry, then the join', scenario: 'tails' },
  growLive: { says: 'a tail relies on the file as long as its base', scenario: 'merged-tails' },
  growBase: { says: 'a tail goes on from just what stands', scenario: 'sealed-tails' },
  growOpen: { says: 'what an announcement names does not grow', scenario: 'late-tails' },
  joinLength: { says: 'a tail is joined by the length of its file', scenario: 'waiting-tails' },
  swapWhole: { says: 'a swap takes files whose tails are joined', scenario: 'merged-tails' },
} as const satisfies Record<string, Pick<RuleText, 'says' | 'scenario'>>

export type GrowthRule = keyof typeof growthRules

export const growthRuleNames = Object.keys(growthRules).filter(
  (name): name is GrowthRule => name in growthRules,
)

export const scenarioOfGrowth = (rule: GrowthRule): string => growthRules[rule].scenario
