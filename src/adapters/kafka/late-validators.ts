/**
 * Lets the Kafka library compile its JSON schemas when they are first asked, and not as it loads.
 *
 * For options of its clients the library compiles some thirty schemas while it is loaded: a third
 * of a second of CPU time at each start of a process, for validators that nobody calls, since its
 * clients validate only where they are told to (`strict`).
 *
 * Invariants:
 * - a validator judges by the schema it was made for, and tells the same errors, from its first
 *   call on;
 * - only what is made between the loading of this module and `compileAtOnce` is late: whoever else
 *   uses ajv is none the wiser;
 * - a library without ajv, or with another one, loads as it is.
 *
 * Source: `@platformatic/kafka` 2.12, `dist/utils.js` and the `options.js` of its clients; ajv 8,
 * `Ajv.compile`.
 */
import { createRequire } from 'node:module'

type Validate = ((...given: unknown[]) => unknown) & { errors?: unknown }
type Compile = (this: unknown, ...given: unknown[]) => Validate

interface Compiler {
  compile: Compile
}

/** The prototype by which the library compiles, which inherits how. */
function compilerOfLibrary(): Compiler | undefined {
  const { Ajv2020 } = modulesOfLibrary() ?? {}
  const found = Ajv2020?.prototype
  return isCompiler(found) && !Object.hasOwn(found, 'compile') ? found : undefined
}

function modulesOfLibrary(): { Ajv2020?: { prototype?: Partial<Compiler> } } | undefined {
  const ours = createRequire(import.meta.url)
  try {
    return createRequire(ours.resolve('@platformatic/kafka'))('ajv/dist/2020.js')
  } catch {
    // Nothing is lost but time: the library compiles as it loads, or says itself what it lacks.
    return undefined
  }
}

function isCompiler(found: Partial<Compiler> | undefined): found is Compiler {
  return typeof found?.compile === 'function'
}

function delay(into: Compiler): void {
  const { compile } = into
  into.compile = function late(...schema) {
    let made: Validate | undefined
    const validate: Validate = (...given) => {
      made ??= compile.apply(this, schema)
      const verdict = made(...given)
      validate.errors = made.errors
      return verdict
    }
    return validate
  }
}

const compiler = compilerOfLibrary()
if (compiler !== undefined) delay(compiler)

/** Ends the delay, once the library is loaded. */
export function compileAtOnce(): void {
  if (compiler !== undefined) Reflect.deleteProperty(compiler, 'compile')
}
