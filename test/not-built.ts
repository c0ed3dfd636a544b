/** Refuses by name the scripts of the contract that are not built yet. */
const [name = 'script'] = process.argv.slice(2)
console.error(`npm run ${name}: not supported by this version`)
process.exitCode = 2
