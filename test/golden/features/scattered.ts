/** Looks like chance; the same every time. */
export function scattered(index: number): bigint {
  const mixed = BigInt.asUintN(64, (BigInt(index) + 1n) * 0x9e3779b97f4a7c15n)
  return BigInt.asUintN(64, (mixed ^ (mixed >> 29n)) * 0xbf58476d1ce4e5b9n)
}

/** 16 digits that look like chance. */
export const hex = (index: number): string => scattered(index).toString(16).padStart(16, '0')
