import { assert } from '../base/assert.ts'
import { kernelBase64 } from './gen/kernel-module.ts'
import { type KernelExports, kernelFunctions } from './kernel-exports.ts'
import { LinearMemory } from './linear-memory.ts'

let compiled: WebAssembly.Module | undefined

/** Compiled once per process; instances share it. */
function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Buffer.from(kernelBase64, 'base64'))
  return compiled
}

function isKernel(exports: object): exports is KernelExports {
  const lacking = kernelFunctions.filter((name) => typeof Reflect.get(exports, name) !== 'function')
  return lacking.length === 0 && Reflect.get(exports, 'memory') instanceof WebAssembly.Memory
}

/** A new instance of the kernel, with memory of its own. @param memoryMaxBytes its cap. */
export function instantiateKernel(memoryMaxBytes: number): LinearMemory {
  const { exports } = new WebAssembly.Instance(kernelModule(), {})
  assert(isKernel(exports), 'the kernel module has every function; run npm run build:kernel')
  return new LinearMemory(exports, memoryMaxBytes)
}
