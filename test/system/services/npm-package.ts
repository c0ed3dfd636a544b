/**
 * An npm package that is compiled on this machine, beside programs that the machine has already.
 *
 *     kerberos@7.0.0  sha512-0GQqnzI2…
 *
 * - The checksum of the package stands in our lock; those of what it builds with are npm's affair.
 * - Nothing prebuilt is downloaded: what is tested is what the compiler of this machine made.
 * - Programs of the system's packages are as old or new as the system is: no lock names them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OutsideTrouble, type Say } from './outside-trouble.ts'

export interface NpmArtifacts {
  readonly kind: 'npm'
  /** "kerberos" */
  readonly name: string
  /** Exact: "7.0.0". */
  readonly packageVersion: string
  /** Files that the system's packages bring, by the name of the package in Debian. */
  readonly needs: Readonly<Record<string, string>>
}

/**
 * Installs the package into a folder that is empty.
 * @returns its checksum as npm writes it.
 * @throws {OutsideTrouble} what it needs is not there, or it does not build.
 */
export function installPackage(
  { name, packageVersion, needs }: NpmArtifacts,
  folder: string,
  say: Say,
): string {
  refuseMissing(name, needs)
  say(`${name}: building ${packageVersion}, some ten seconds`)
  const words = ['install', '--no-audit', '--no-fund', '--save-exact', '--prefix', folder]
  const { status, stderr, error } = spawnSync(
    'nice',
    ['-n', '5', 'npm', ...words, `${name}@${packageVersion}`],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, npm_config_build_from_source: 'true' },
    },
  )
  if (status !== 0) {
    const told = (error?.message ?? stderr).trimEnd().split('\n').slice(-linesTold).join('\n')
    throw new OutsideTrouble(`npm install ${name} ended with ${String(status)}; it said:\n${told}`)
  }
  const text = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Record<string, { integrity?: string }> }
  return packages[`node_modules/${name}`]?.integrity ?? ''
}

function refuseMissing(name: string, needs: NpmArtifacts['needs']): void {
  const missing = Object.entries(needs).filter(([path]) => !existsSync(path))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(([, each]) => each))].join(' ')
  const paths = missing.map(([path]) => path).join(', ')
  throw new OutsideTrouble(`${name}: ${paths} missing; on Debian: apt-get install ${packages}`)
}

const linesTold = 12
