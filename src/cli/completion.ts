/** Completion scripts for shells: words of commands, then their options, then file names. */

export const shells = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof shells)[number]

export const isShell = (text: string): text is Shell => shells.some((shell) => shell === text)

export interface CompletedCommand {
  /** "check", or "ready ls". */
  readonly words: string
  readonly summary: string
  /** Long forms: "--config". */
  readonly options: readonly string[]
}

/** What a shell reads to complete `lakeward …`. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands)
    case 'zsh':
      return `#compdef lakeward\nautoload -Uz bashcompinit && bashcompinit\n${bashScript(commands)}`
    case 'fish':
      return fishScript(commands)
  }
}

/** First words, each once, in the order of the table. */
function firstWords(commands: readonly CompletedCommand[]): readonly string[] {
  return [...new Set(commands.map(({ words }) => words.split(' ')[0] ?? ''))]
}

const secondWords = (commands: readonly CompletedCommand[], first: string): readonly string[] =>
  commands.flatMap(({ words }) => {
    const [one, two] = words.split(' ')
    return one === first && two !== undefined ? [two] : []
  })

function bashScript(commands: readonly CompletedCommand[]): string {
  const groups = firstWords(commands).filter((word) => secondWords(commands, word).length > 0)
  return [
    '_lakeward() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" known=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    known="${firstWords(commands).join(' ')}"`,
    '  else',
    '    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in',
    ...commands.map(({ words, options }) => {
      const pattern = words.includes(' ') ? `"${words}"` : `"${words} "*`
      return `      ${pattern}) known="${options.join(' ')}" ;;`
    }),
    '    esac',
    '    if [ "$COMP_CWORD" -eq 2 ]; then',
    '      case "${COMP_WORDS[1]}" in',
    ...groups.map((word) => `        ${word}) known="${secondWords(commands, word).join(' ')}" ;;`),
    '      esac',
    '    fi',
    '  fi',
    '  COMPREPLY=($(compgen -W "$known" -- "$word"))',
    '}',
    'complete -o default -F _lakeward lakeward',
  ].join('\n')
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = firstWords(commands).map((word) => {
    const summary = commands.find(({ words }) => words === word)?.summary
    return fishLine('__fish_use_subcommand', `-f -a ${word}`, summary)
  })
  for (const { words, summary, options } of commands) {
    const [first = '', second] = words.split(' ')
    const condition = `__fish_seen_subcommand_from ${first}`
    const more = second === undefined ? '' : `; and __fish_seen_subcommand_from ${second}`
    if (second !== undefined) {
      lines.push(fishLine(condition, `-f -a ${second}`, summary))
    }
    for (const option of options)
      lines.push(fishLine(`${condition}${more}`, `-l ${option.slice(2)}`, undefined))
  }
  return lines.join('\n')
}

function fishLine(condition: string, what: string, summary: string | undefined): string {
  const described = summary === undefined ? '' : ` -d '${summary.replaceAll("'", "\\'")}'`
  return `complete -c lakeward -n '${condition}' ${what}${described}`
}
