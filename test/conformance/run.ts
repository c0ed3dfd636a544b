/**
 * Proof that bytes mean to us what they mean to the reference implementations.
 *
 *     npm run conformance                           cases, and 50,000 mutated events
 *     npm run conformance -- --mutations 1000000    more of them
 *     npm run conformance -- --seed 7               other ones
 *
 * The last line of stdout is one JSON object. Exits 0 when nothing failed, 1 otherwise.
 */
import { parseArgs } from 'node:util'
import { differenceKinds } from './differences.ts'
import { type MutationResults, runMutations } from './mutations.ts'
import { refusedSchemas } from './refused.ts'
import { type CaseResults, runCases } from './run-cases.ts'

const suite = 'protobuf-conformance'
const mutationsOfCi = 50_000
const mutationsMax = 100_000_000
/** From the peak of the first half to that of all: the references' and the reader's garbage. */
const rssGrowthMax = 1.25

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= most) return value
  return refuse(`--${flag} is "${text}", accepted is a whole number from 0 to ${most}`)
}

function flags(): { readonly mutations: number; readonly seed: number } {
  const options = {
    mutations: { type: 'string', default: `${mutationsOfCi}` },
    seed: { type: 'string', default: '20261121' },
  } as const
  try {
    const { mutations, seed } = parseArgs({ options }).values
    return {
      mutations: wholeNumber('mutations', mutations, mutationsMax),
      seed: wholeNumber('seed', seed, 2 ** 32 - 1),
    }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

function sayCases({ tried, passed, refused, failures }: CaseResults): void {
  console.log(`cases       ${tried} tried, ${passed} passed, ${refused} refused by name`)
  for (const { name, because } of refusedSchemas) console.log(`refused     ${name}: ${because}`)
  for (const failure of failures) console.log(`FAILED: ${failure}`)
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ')

function sayMutations(results: MutationResults): readonly string[] {
  const { tried, equal, refusedByBoth, differences, failures, kernelBytes, rssBytes } = results
  console.log(`mutations   ${tried} tried: ${equal} equal, ${refusedByBoth} refused by both`)
  console.log(`changes     ${counted(results.changes)}`)
  console.log(`refusals    ${counted(results.reasons)}`)
  for (const { name, because } of differenceKinds) {
    console.log(`difference  ${name}: ${differences.get(name) ?? 0}. ${because}`)
  }
  console.log(
    `memory      kernel ${megabytes(kernelBytes.end)}, process ${megabytes(rssBytes.end)} at its peak; ` +
      `after one half ${megabytes(kernelBytes.early)} and ${megabytes(rssBytes.early)}`,
  )
  for (const failure of failures) console.log(`FAILED: ${failure}`)
  const troubles: string[] = []
  if (results.failed > 0) troubles.push(`${results.failed} mutated events differ in no listed way`)
  if (kernelBytes.end > kernelBytes.early) troubles.push('linear memory grew')
  if (rssBytes.end > rssBytes.early * rssGrowthMax) troubles.push('resident memory grew')
  return troubles
}

const { mutations, seed } = flags()
const cases = await runCases()
sayCases(cases)
const mutation = await runMutations(mutations, seed)
const troubles = sayMutations(mutation)
for (const trouble of troubles) console.log(`FAILED: ${trouble}`)
console.log(
  JSON.stringify({
    suite,
    tried: cases.tried,
    passed: cases.passed,
    refused: cases.refused,
    failed: cases.failures.length,
    mutations: {
      seed,
      tried: mutation.tried,
      equal: mutation.equal,
      refusedByBoth: mutation.refusedByBoth,
      differences: Object.fromEntries(mutation.differences),
      failed: mutation.failed,
    },
  }),
)
process.exitCode = cases.failures.length + troubles.length === 0 ? 0 : 1
