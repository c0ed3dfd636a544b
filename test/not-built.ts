/** The scripts of the contract: those that are built run, the others are refused by name. */
const built: Readonly<Record<string, () => Promise<unknown>>> = {
  conformance: () => import('./conformance/run.ts'),
  services: () => import('./system/services/run.ts'),
}
const [name = 'script'] = process.argv.splice(2, 1)
const run = Object.hasOwn(built, name) ? built[name] : undefined
if (run === undefined) {
  console.error(`npm run ${name}: not supported by this version`)
  process.exitCode = 2
} else await run()
