/** The scripts of the contract that this version does not have: refused by name. */
const [name = 'script'] = process.argv.slice(2)
console.error(`npm run ${name}: not supported by this version`)
process.exitCode = 2
