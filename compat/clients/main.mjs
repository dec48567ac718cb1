// node main.mjs CLIENT: lets one client library do what it can, with the client and the person that STAGEDOOR_CLIENT describes, and prints
// what it could as JSON. Exit code 0 means that all of it succeeded.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [name] = process.argv.slice(2)
const setting = JSON.parse(process.env.STAGEDOOR_CLIENT)
const { library, run } = await import(`./drivers/${name.replace(/-v\d+$/, '')}.mjs`)
const done = []
await run({
  ...setting,
  name,
  library: name,
  // can notes that a capability was seen to work.
  can: async (what, work) => {
    try {
      const result = await work()
      done.push(what)
      return result
    } catch (e) {
      e.message = `${what}: ${e.message}`
      throw e
    }
  },
})
const folder = join(import.meta.dirname, 'node_modules', ...(library ?? name).split('/'))
const { name: published, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
console.log(JSON.stringify({ name: published, version, can: done }))
process.exit(0) // servers and agents keep sockets open
