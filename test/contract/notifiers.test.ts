import { notifierContract } from './notifier.ts'
import {
  catalogWorld,
  commandWorld,
  kafkaWorld,
  successFileWorld,
  webhookWorld,
} from './notifier-worlds.ts'

notifierContract('a webhook', webhookWorld)
notifierContract('a topic', () => kafkaWorld(false))
notifierContract('a topic, in transactions', () => kafkaWorld(true))
notifierContract('a file', successFileWorld)
notifierContract('a catalog', catalogWorld)
notifierContract('a command', commandWorld)
