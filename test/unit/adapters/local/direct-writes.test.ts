import { existsSync } from 'node:fs'
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DirectWrites, directBytesMin } from '../../../../src/adapters/local/direct-writes.ts'
import { DurableFiles } from '../../../../src/adapters/local/durable-files.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const mebibyte = 1_048_576

/** Bytes that tell where they belong. */
function pattern(sizeBytes: number, salt = 0): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0; at < sizeBytes; at++)
    bytes[at] = (at * 31 + (at >>> 8) + (at >>> 16) + salt) & 255
  return bytes
}

/** The same bytes in pieces, the lengths of which come around again. */
function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const next = at + (lengths[turn % lengths.length] ?? 1)
    found.push(bytes.subarray(at, next))
    at = next
  }
  return found
}

const errno = (code: string): Error => Object.assign(new Error(code), { code, errno: -1 })

/** Opens files that refuse to be written as a file system would. */
const openRefusing =
  (code: string, opened: FileHandle[] = []): typeof open =>
  async (...how) => {
    const handle = await open(...how)
    opened.push(handle)
    return Object.assign(handle, { write: () => Promise.reject(errno(code)) })
  }

/** Whether the file system of temporary folders takes direct writes. */
async function isTaken(): Promise<boolean> {
  await using folder = await temporaryFolder()
  const handle = await new DirectWrites().write(join(folder.path, 'probe'), [pattern(5_000)])
  await handle?.close()
  return handle !== undefined
}

describe.skipIf(!(await isTaken()))('a file that is written directly', () => {
  test('has the bytes it was given, whatever its size and its pieces', async () => {
    await using folder = await temporaryFolder()
    const writes = new DirectWrites()
    const sizes = fc.oneof(
      fc.integer({ min: 1, max: 20_000 }),
      fc.constantFrom(4_095, 4_096, 4_097, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte),
      fc.integer({ min: mebibyte, max: 4 * mebibyte }),
    )
    const lengths = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 5 })
    const path = join(folder.path, 'staged')
    const property = fc.asyncProperty(sizes, lengths, async (sizeBytes, of) => {
      const bytes = pattern(sizeBytes)
      const handle = await writes.write(path, pieces(bytes, [...of, 40_000]))
      expect(handle).toBeDefined()
      await handle?.close()
      expect(bytes.equals(await readFile(path))).toBe(true)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  test('is as long as its bytes where a longer attempt stood', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'staged')
    const files = new DurableFiles()
    await files.write(path, [pattern(3 * mebibyte)])
    for (const sizeBytes of [2 * mebibyte + 5, directBytesMin]) {
      await files.write(path, [pattern(sizeBytes, 7)])
      expect(pattern(sizeBytes, 7).equals(await readFile(path)), `${sizeBytes}`).toBe(true)
    }
  })

  test('shares no memory with those that are written beside it', async () => {
    await using folder = await temporaryFolder()
    const files = new DurableFiles()
    const salts = Array.from({ length: 9 }, (_, salt) => salt)
    const pathOf = (salt: number): string => join(folder.path, `${salt}`)
    const sizeOf = (salt: number): number => 2 * mebibyte + salt * 1_000
    const writing = salts.map((salt) => files.write(pathOf(salt), [pattern(sizeOf(salt), salt)]))
    await Promise.all(writing)
    for (const salt of salts) {
      expect(pattern(sizeOf(salt), salt).equals(await readFile(pathOf(salt))), `${salt}`).toBe(true)
    }
  })
})

describe('where a file system takes no direct writes', () => {
  const bytes = pattern(directBytesMin + 100)

  test('a file is written as others are, and the next is not tried directly', async () => {
    await using folder = await temporaryFolder()
    let asked = 0
    const refuses: typeof open = () => {
      asked += 1
      return Promise.reject(errno('EINVAL'))
    }
    const files = new DurableFiles(new DirectWrites(refuses))
    for (const name of ['one', 'two']) {
      await files.write(join(folder.path, name), [bytes])
      expect(bytes.equals(await readFile(join(folder.path, name)))).toBe(true)
    }
    expect(asked).toBe(1)
  })

  test('and says so when it is written to, the file is begun anew', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'staged')
    await writeFile(path, pattern(3 * mebibyte))
    const opened: FileHandle[] = []
    const files = new DurableFiles(new DirectWrites(openRefusing('EINVAL', opened)))
    await files.write(path, [bytes])
    expect(bytes.equals(await readFile(path))).toBe(true)
    expect(opened.map(({ fd }) => fd)).toEqual([-1])
  })
})

test('a disk that is full is no reason to write otherwise, and the file is closed', async () => {
  await using folder = await temporaryFolder()
  const opened: FileHandle[] = []
  const files = new DurableFiles(new DirectWrites(openRefusing('ENOSPC', opened)))
  const path = join(folder.path, 'staged')
  await expect(files.write(path, [pattern(directBytesMin)])).rejects.toThrow('ENOSPC')
  await expect(files.write(path, [pattern(directBytesMin)])).rejects.toThrow('ENOSPC')
  expect(opened.map(({ fd }) => fd)).toEqual([-1, -1])
})

test('a small file is not written directly', async () => {
  await using folder = await temporaryFolder()
  const files = new DurableFiles(new DirectWrites(openRefusing('ENOSPC')))
  const path = join(folder.path, 'staged')
  await files.write(path, [pattern(directBytesMin - 1)])
  expect(existsSync(path)).toBe(true)
})
