/** The part of WebAssembly's interface that is used here; the Node types leave it to the DOM's. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: object)
    readonly exports: object
  }
  class Memory {
    private constructor()
    readonly buffer: ArrayBuffer
  }
}
