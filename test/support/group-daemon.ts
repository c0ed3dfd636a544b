import { LakewardProcess } from './processes.ts'

interface Told {
  readonly event: string
  readonly topicPartitions: readonly string[]
}

/** A process that is a member of a group, and what it says of its share. */
export class GroupDaemon extends LakewardProcess {
  get told(): readonly Told[] {
    return this.stderr
      .filter((line) => /"event":"(assigned|revoked|lost)"/.test(line))
      .map((line) => JSON.parse(line) as Told)
  }

  get share(): ReadonlySet<string> {
    const share = new Set<string>()
    for (const { event, topicPartitions } of this.told) {
      for (const at of topicPartitions) {
        if (event === 'assigned') share.add(at)
        else share.delete(at)
      }
    }
    return share
  }
}
