import { expect, test } from 'vitest'
import { configVersionIn } from '../../../src/daemon/own-config.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { configEntry, foldAll } from '../../support/log-samples.ts'
import { faultOf } from '../../support/thrown.ts'

const id = (counter: number) => commitIdOf(writerId('a'.repeat(32)), counter)

test('rows are put under the version of the own configuration, or not at all', () => {
  const state = foldAll([configEntry(id(1), 0)])
  const { checksum } = state.config
  expect(checksum).not.toBe('')
  expect(configVersionIn(state, { pipeline: 'growth', checksum })).toBe(1)
  const other = { pipeline: 'growth', checksum: 'f'.repeat(64) }
  expect(faultOf(() => configVersionIn(state, other))).toMatchObject({
    code: 'CONFIG_CONFLICT',
    facts: { pipeline: 'growth', ownChecksum: other.checksum, logChecksum: checksum },
  })
})
