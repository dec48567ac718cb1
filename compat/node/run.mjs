// node run.mjs GENERATION SCENARIO: runs one scenario with one generation of the SDK against the
// demo that STAGEDOOR_DEMO (its demo.json) describes. Exit code 0 means that every assertion held.
import { readFileSync } from 'node:fs'

const [generation, scenario] = process.argv.slice(2)
const demo = JSON.parse(readFileSync(process.env.STAGEDOOR_DEMO, 'utf8'))
const { connect, manage } = await import(`./sdk/${generation}.mjs`)
const { run } = await import(`./scenario/${scenario}.mjs`)

const { client_id: clientId, client_secret: clientSecret } = demo.management
const credentials = { domain: demo.domain, clientId, clientSecret }
const sdk = connect(credentials)
await run({ sdk, management: manage(credentials), demo, generation, connect })
process.exit(0) // SDKs keep sockets open
