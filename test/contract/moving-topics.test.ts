import { embeddedMovingWorld } from './embedded-world.ts'
import { movingTopicsContract } from './moving-topics.ts'

movingTopicsContract('moving topics on the embedded broker', embeddedMovingWorld)
