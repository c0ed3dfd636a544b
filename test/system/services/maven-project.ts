/**
 * Jars by coordinates, as a Maven project that depends on them: Maven finds what they need in turn.
 *
 *     org.apache.kafka:kafka_2.13:4.3.1
 *
 * Source: https://maven.apache.org/pom.html#dependencies.
 */
export interface MavenArtifacts {
  readonly kind: 'maven'
  readonly roots: readonly MavenRoot[]
}

interface MavenRoot {
  /** "group:artifact:version", the version exact. */
  readonly coordinate: string
  /** "group:artifact" of what it depends on and nobody needs. */
  readonly without?: readonly string[]
}

interface Coordinate {
  readonly group: string
  readonly artifact: string
  readonly version: string
}

const partPattern = /^[A-Za-z0-9][\w.-]*$/
/** Ranges and moving names would fetch something else tomorrow. */
const movingPattern = /^(latest|release)$|snapshot$/i

/** @throws {Error} it is no coordinate, or its version is not exact. */
export function parseCoordinate(text: string): Coordinate {
  const [group, artifact, version, ...more] = text.split(':')
  const parts = [group, artifact, version]
  if (more.length > 0 || parts.some((part) => part === undefined || !partPattern.test(part))) {
    throw new Error(`"${text}" is no coordinate of the form group:artifact:version`)
  }
  if (movingPattern.test(version ?? '')) throw new Error(`"${text}" names no exact version`)
  return { group: group ?? '', artifact: artifact ?? '', version: version ?? '' }
}

/** The project file. Pure: the same roots give the same text. */
export function projectText(name: string, { roots }: MavenArtifacts): string {
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '  <modelVersion>4.0.0</modelVersion>',
    '  <groupId>lakeward.services</groupId>',
    `  <artifactId>${name}</artifactId>`,
    '  <version>1</version>',
    '  <packaging>pom</packaging>',
    '  <dependencies>',
    ...roots.flatMap(dependencyLines),
    '  </dependencies>',
    '</project>',
    '',
  ].join('\n')
}

function dependencyLines({ coordinate, without = [] }: MavenRoot): readonly string[] {
  const { group, artifact, version } = parseCoordinate(coordinate)
  const exclusions = without.map((text) => {
    const [excludedGroup = '', excludedArtifact = ''] = text.split(':')
    const words = `<groupId>${excludedGroup}</groupId><artifactId>${excludedArtifact}</artifactId>`
    return `        <exclusion>${words}</exclusion>`
  })
  return [
    '    <dependency>',
    `      <groupId>${group}</groupId>`,
    `      <artifactId>${artifact}</artifactId>`,
    `      <version>${version}</version>`,
    ...(exclusions.length === 0
      ? []
      : ['      <exclusions>', ...exclusions, '      </exclusions>']),
    '    </dependency>',
  ]
}
