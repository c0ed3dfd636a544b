/** What a start reads from the machine it runs on: files, and the environment. */
export interface ConfigFiles {
  /** The path from the root of the file system. Relative ones start from the working folder. */
  absolute(path: string): string
  /**
   * The whole text of a file, or undefined when there is none.
   * @throws {Fault} `CONFIG_UNREADABLE`: it is there and cannot be read, or is not UTF-8 text.
   */
  readText(path: string): Promise<string | undefined>
  /**
   * The whole of a file, or undefined when there is none.
   * @throws {Fault} `CONFIG_UNREADABLE`: it is there and cannot be read.
   */
  readBytes(path: string): Promise<Uint8Array | undefined>
  /** Names of the files in a folder, sorted; empty when there is no such folder. */
  listFiles(folder: string): Promise<readonly string[]>
  /** A variable of the environment. */
  environment(name: string): string | undefined
}
