import { expect, it } from 'vitest'
import { Kernel } from '../../../src/kernel/kernel.ts'

const mebibyte = 1_048_576

it('rewinding frees what was loaded since the mark, and keeps what was before', () => {
  const { input } = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 64 * mebibyte })
  const kept = Uint8Array.from({ length: 1_000 }, (_, at) => at)
  const address = input.load(kept)
  const mark = input.mark()
  const large = new Uint8Array(10 * mebibyte).fill(7)
  const addresses = new Set<number>()
  for (let round = 0; round < 50; round++) {
    addresses.add(input.load(large))
    expect(input.loadedBytes).toBe(kept.length + large.length)
    input.rewind(mark)
  }
  expect(addresses.size).toBe(1)
  expect(input.loadedBytes).toBe(kept.length)
  expect(input.u8.slice(address, address + kept.length)).toEqual(kept)
  const next = input.load(Uint8Array.from([1]))
  expect(next).toBeGreaterThanOrEqual(address + kept.length)
})

it('rewinding past a clear is a bug', () => {
  const { input } = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 64 * mebibyte })
  input.load(new Uint8Array(3 * mebibyte))
  input.load(new Uint8Array(9 * mebibyte))
  const mark = input.mark()
  input.clear()
  expect(() => input.rewind(mark)).toThrow('was not cleared')
})

it('bytes made in reserved room are loaded where they are, with room behind them', () => {
  const { input } = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 64 * mebibyte })
  const first = input.load(Uint8Array.from([1, 2, 3]))
  const room = input.reserve(1_000)
  room.fill(9)
  const address = input.load(room.subarray(0, 700))
  expect(address).toBe(room.byteOffset)
  expect(input.loadedBytes).toBe(703)
  const next = input.load(Uint8Array.from([4]))
  expect(next).toBeGreaterThanOrEqual(address + 700 + 64)
  expect([...input.u8.subarray(first, first + 3)]).toEqual([1, 2, 3])
  expect(input.u8.subarray(address, address + 700).every((byte) => byte === 9)).toBe(true)
})

it('room that is reserved and not used is the place of the next load', () => {
  const { input } = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 64 * mebibyte })
  const unused = input.reserve(3 * mebibyte)
  const large = input.reserve(9 * mebibyte)
  expect(large.length).toBe(9 * mebibyte)
  const bytes = Uint8Array.from([5, 6])
  expect(input.load(bytes)).toBe(large.byteOffset)
  expect(unused.byteOffset).not.toBe(large.byteOffset)
  expect(input.loadedBytes).toBe(2)
})

it('what is kept stays over clear and rewind until it is forgotten, and takes no more room then', () => {
  const kernel = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 64 * mebibyte })
  const { input } = kernel
  const mark = input.mark()
  const places = Array.from({ length: 20 }, (_, load) => {
    const place = input.load(new Uint8Array(300_000).fill(load))
    input.load(new Uint8Array(2 * mebibyte).fill(0xee))
    expect(input.loadedBytes).toBe(300_000 + 2 * mebibyte)
    if (load % 2 === 0) input.keep()
    if (load % 3 === 0) input.rewind(mark)
    input.clear()
    expect(input.loadedBytes).toBe(0)
    return place
  })
  for (const [load, place] of places.entries()) {
    if (load % 2 !== 0) continue
    expect(input.u8.subarray(place, place + 300_000).every((byte) => byte === load)).toBe(true)
  }
  expect(input.keptBytes).toBeGreaterThan(10 * (2 * mebibyte + 300_000))
  const { takenBytes } = kernel
  input.forgetKept()
  expect(input.keptBytes).toBe(0)
  const [first = 0] = places
  expect(input.u8[first + 299_999]).toBe(0)
  input.clear()
  expect(kernel.takenBytes).toBeLessThan(takenBytes - 20 * mebibyte)
})
