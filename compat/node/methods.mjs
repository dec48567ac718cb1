// What the scenarios "methods-…" share: watching which methods of an SDK were called, the rules about answers, and what the calls are about.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { unique } from './assert.mjs'

// plumbing are methods that send nothing of their own: they carry the requests of the others.
const plumbing = new Set(['constructor', 'fetchWithTimeout', 'fetch', 'fetchApi', 'parseError', 'request', 'createFetchParams'])

function* members(object) {
  for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(at))) yield [name, property]
  }
}

// Methods knows the methods of the watched clients, found by reflection, and which of them were called.
export class Methods {
  known = new Set()
  called = new Set()
  declined = new Set()

  constructor(problem) {
    this.problem = problem
    const table = new URL('../../internal/mgmt/operations.tsv', import.meta.url)
    this.states = new Map(readFileSync(table, 'utf8').split('\n').map(line => {
      const [method, path, , , , , state] = line.split('\t')
      return [`${method} ${path}`.replace(/\{\w+\}/g, '{}'), state]
    }))
  }

  // watch returns the client, with its methods and those of the clients in it noted when they are called.
  watch(path, client) {
    const inner = new Map()
    for (const [name, property] of members(client)) {
      if (name.startsWith('_') || plumbing.has(name)) continue
      if (typeof property.value === 'function') this.known.add(`${path}.${name}`)
      if (property.get && client[name] && typeof client[name] === 'object') inner.set(name, this.watch(`${path}.${name}`, client[name]))
    }
    return new Proxy(client, {
      get: (target, name) => {
        if (inner.has(name)) return inner.get(name)
        const value = target[name]
        if (typeof value !== 'function') return value
        return (...args) => {
          this.called.add(`${path}.${String(name)}`)
          return value.apply(target, args)
        }
      },
    })
  }

  // works expects success. Only an operation that the inventory does not count as served may say that it is not supported;
  // the result is undefined then.
  async works(call) {
    try {
      return (await call()) ?? null
    } catch (e) {
      const { status, text } = this.problem(e)
      const named = /(GET|POST|PUT|PATCH|DELETE) \/api\/v2(\S+) \(.*\) is not supported by this server/.exec(text)
      const operation = named && `${named[1]} ${named[2]}`.replace(/\{\w+\}/g, '{}')
      if (status === 501 && operation && !/^served/.test(this.states.get(operation) ?? 'served')) {
        this.declined.add(operation)
        return undefined
      }
      throw e
    }
  }

  // answers expects the call to fail with one of the statuses, or as works does.
  async answers(statuses, call) {
    try {
      await this.works(call)
    } catch (e) {
      assert.ok(statuses.includes(this.problem(e).status), e.stack)
    }
  }

  // later makes work that finish does at the end, last first.
  undo = []
  later(...calls) {
    this.undo.push(...calls)
  }

  // finish undoes, and fails for every method that nobody called.
  async finish() {
    for (const call of this.undo.reverse()) await this.works(call)
    const uncalled = [...this.known].filter(name => !this.called.has(name))
    console.log(`     ${this.known.size} methods, ${this.declined.size} operations are not served: ${[...this.declined].join(', ')}`)
    assert.deepEqual(uncalled, [], 'methods that nobody called')
  }
}

// fixtures are the bodies that all generations send.
export function fixtures() {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const name = unique('every')
  const email = who => `${who}-${name}@methods.example`
  return {
    name, email,
    pem: publicKey.export({ type: 'spki', format: 'pem' }),
    database: 'Username-Password-Authentication',
    person: who => ({ connection: 'Username-Password-Authentication', email: email(who), password: 'Correct-Horse-7', email_verified: false }),
    app: { name, app_type: 'regular_web', initiate_login_uri: 'https://app.example/login', organization_usage: 'allow' },
    api: { name, identifier: `https://${name}.example/`, scopes: [{ value: 'read:songs' }] },
    permission: { resource_server_identifier: `https://${name}.example/`, permission_name: 'read:songs' },
    rule: { name: name.replaceAll('_', '-'), enabled: false, script: 'function (user, context, callback) { callback(null, user, context); }' },
    action: { name, supported_triggers: [{ id: 'post-login', version: 'v3' }], code: 'exports.onExecutePostLogin = async (event, api) => {}' },
    bindings: id => ({ bindings: id ? [{ ref: { type: 'action_id', value: id }, display_name: name }] : [] }),
    event: { payload: { user: { user_id: 'auth0|1', email: 'a@methods.example', user_metadata: {}, app_metadata: {} }, client: {}, request: {} } },
    import: JSON.stringify([{ email: email('imported'), email_verified: true, user_id: name }]),
    scim: { user_id_attribute: 'externalId', mapping: [{ auth0: 'email', scim: 'emails[primary eq true].value' }] },
    okta: { name: `${name}-okta`, strategy: 'okta', options: { client_id: 'x', client_secret: 'y', domain: 'idp.example', issuer: 'https://idp.example', authorization_endpoint: 'https://idp.example/authorize', token_endpoint: 'https://idp.example/token', jwks_uri: 'https://idp.example/jwks', type: 'back_channel' } },
    google: { name: `${name}-google`, strategy: 'google-apps', options: { client_id: 'x', client_secret: 'y', domain: 'music.example', api_enable_users: true } },
    saml: { name: `${name}-saml`, strategy: 'samlp', options: { signInEndpoint: 'https://idp.example/saml', signingCert: certificate, debug: true } },
  }
}

// certificate is a public one, of an identity provider that does not exist.
const certificate = readFileSync(new URL('idp.pem', import.meta.url), 'utf8')
