import { planAccept } from '../../protocol/source-plan.ts'
import { type CommandDefinition, configOption, exitCode } from '../command.ts'
import { whyOption } from '../repairing.ts'
import { moveSources, topicArgument } from '../source-question.ts'

/** `lakeward source accept`: what the brokers have by now is right; read on there. */
export const command: CommandDefinition = {
  arguments: [topicArgument],
  options: [configOption, whyOption],
  example: 'lakeward source accept growth.events --why "the topic was made anew, see OPS-12"',
  run: async (invocation) => {
    await moveSources(invocation, {
      action: 'accept',
      decide: async (question) => planAccept(question),
    })
    return exitCode.done
  },
}
