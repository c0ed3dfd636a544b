/**
 * `node load-library.ts late` loads the Kafka library as lakeward does, `at-once` as anybody else
 * does; prints how many schemas that compiled, and what validators say after it.
 */
import { createRequire } from 'node:module'

interface Compilation {
  _compileSchemaEnv: (this: unknown, ...given: unknown[]) => unknown
}

const library = createRequire(createRequire(import.meta.url).resolve('@platformatic/kafka'))
const { Ajv2020 } = library('ajv/dist/2020.js') as { Ajv2020: { prototype: Compilation } }
const core = Object.getPrototypeOf(Ajv2020.prototype) as Compilation
const compile = core._compileSchemaEnv
let compiled = 0
core._compileSchemaEnv = function counted(...given) {
  compiled += 1
  return compile.apply(this, given)
}

if (process.argv[2] === 'late') await import('../../../../src/adapters/kafka/library.ts')
const { Consumer, Producer } = await import('@platformatic/kafka')
const whileLoading = compiled

function refusalOf(make: () => unknown): string {
  try {
    make()
    return 'taken'
  } catch (error) {
    return String(error)
  }
}

const base = { clientId: 'c', bootstrapBrokers: ['127.0.0.1:1'], strict: true }
const wrong = JSON.parse('{"retries":"many","timeout":-1}') as object
const refusals = [
  refusalOf(() => new Producer({ ...base, ...wrong })),
  refusalOf(() => new Consumer({ ...base, groupId: '', sessionTimeout: 10, rebalanceTimeout: 5 })),
  refusalOf(() => new Producer(base)),
]
const isDelaying = Object.hasOwn(Ajv2020.prototype, 'compile')
console.log(JSON.stringify({ whileLoading, isDelaying, refusals }))
process.exit()
