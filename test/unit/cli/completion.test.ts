import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { completionScript } from '../../../src/cli/completion.ts'

const commands = [
  { words: 'check', summary: "validates the team's file", options: ['--config', '--json'] },
  { words: 'ready ls', summary: 'announced', options: ['--json'] },
  { words: 'ready show', summary: 'one', options: ['--config'] },
]

/** What bash offers after `lakeward`, the words and a blank. */
function bashOffers(...words: string[]): readonly string[] {
  const script = `${completionScript('bash', commands)}
COMP_WORDS=(lakeward ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_lakeward
printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n')
}

describe('bash', () => {
  test('offers commands, each first word once', () => {
    expect(bashOffers('')).toEqual(['check', 'ready'])
    expect(bashOffers('ch')).toEqual(['check'])
  })

  test('offers the words that follow a word', () => {
    expect(bashOffers('ready', '')).toEqual(['ls', 'show'])
  })

  test('offers the options of the command', () => {
    expect(bashOffers('check', '')).toEqual(['--config', '--json'])
    expect(bashOffers('ready', 'show', '--')).toEqual(['--config'])
  })

  test('offers nothing of its own to a command that it does not know', () => {
    expect(bashOffers('nothing', '')).toEqual([''])
  })
})

test('zsh reads the script of bash by its own emulation', () => {
  const script = completionScript('zsh', commands)
  expect(script).toMatch(
    /^#compdef lakeward\nautoload -Uz bashcompinit && bashcompinit\n_lakeward\(/,
  )
  expect(spawnSync('bash', ['-n'], { input: script }).status).toBe(0)
})

test('fish gets a line for each word and each option, with quotes kept apart', () => {
  expect(completionScript('fish', commands).split('\n')).toEqual([
    "complete -c lakeward -n '__fish_use_subcommand' -f -a check -d 'validates the team\\'s file'",
    "complete -c lakeward -n '__fish_use_subcommand' -f -a ready",
    "complete -c lakeward -n '__fish_seen_subcommand_from check' -l config",
    "complete -c lakeward -n '__fish_seen_subcommand_from check' -l json",
    "complete -c lakeward -n '__fish_seen_subcommand_from ready' -f -a ls -d 'announced'",
    "complete -c lakeward -n '__fish_seen_subcommand_from ready; and __fish_seen_subcommand_from ls' -l json",
    "complete -c lakeward -n '__fish_seen_subcommand_from ready' -f -a show -d 'one'",
    "complete -c lakeward -n '__fish_seen_subcommand_from ready; and __fish_seen_subcommand_from show' -l config",
  ])
})
