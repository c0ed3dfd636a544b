/** A batch inflates past its limit. `inflateRecords` makes it the fault that names the batch. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}
