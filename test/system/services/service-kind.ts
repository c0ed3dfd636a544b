/** What the harness must know of a service to fetch, start, judge and stop it. One file each. */
import type { GoArtifacts } from './go-module.ts'
import type { MavenArtifacts } from './maven-project.ts'
import type { NpmArtifacts } from './npm-package.ts'

/** Free loopback ports by the name that the service gives them. */
export type Ports = Readonly<Record<string, number>>

/** Where one instance of a service lives. All paths are absolute. */
export interface ServicePlace {
  /** Of this instance alone: configuration, data and logs; kept over restarts. */
  readonly folder: string
  /** The fetched artifacts, shared by all instances and never written to. */
  readonly artifactsFolder: string
  readonly ports: Ports
}

export interface TextFile {
  readonly path: string
  readonly text: string
}

/** Runs to its end before the service is started for the first time. */
export interface PrepareStep {
  readonly command: readonly string[]
  /** The step is left out where this is there already. */
  readonly makes: string
}

interface ProcessPlan {
  /** Also the name of its log: `<folder>/<name>.log`. */
  readonly name: string
  /**
   * Words of the command, the program first. One of them begins with the instance's folder: by it a
   * process is told from another that was given the same id later.
   */
  readonly command: readonly string[]
}

/** Everything that is done to start an instance, as a value. */
export interface ServicePlan {
  /** Written anew at every start. */
  readonly files: readonly TextFile[]
  readonly prepare: readonly PrepareStep[]
  /** Started at once, in this order; stopped all at the same time. */
  readonly processes: readonly ProcessPlan[]
}

export interface ServiceKind {
  readonly name: string
  /** Exact version, as it stands in the lock. */
  readonly version: string
  readonly artifacts: MavenArtifacts | GoArtifacts | NpmArtifacts
  /** The service whose lock and fetched files it uses; its own when absent. */
  readonly artifactsOf?: string
  readonly portNames: readonly string[]
  /** Of these ports, those on which somebody else may listen: what clients are sent on to. */
  readonly foreignPortNames?: readonly string[]
  /** What to do to start it here. Pure. */
  readonly plan: (place: ServicePlace) => ServicePlan
  /** What a client is configured with: "127.0.0.1:21400". */
  readonly address: (ports: Ports) => string
  /** Asks the service itself, as a client does. False, or throwing, means not yet. */
  readonly isReady: (ports: Ports) => Promise<boolean>
}

/** @throws {Error} the service did not name such a port: a bug in its file. */
export function portOf(ports: Ports, name: string): number {
  const port = ports[name]
  if (port === undefined) throw new Error(`there is no port "${name}"`)
  return port
}
