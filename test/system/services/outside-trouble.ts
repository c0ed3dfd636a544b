/** Tells people what goes on, a line at a time. */
export type Say = (line: string) => void

/** Something outside does not answer, or hands out something else than it did. */
export class OutsideTrouble extends Error {}
