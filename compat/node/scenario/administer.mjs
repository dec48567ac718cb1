// What an operator does with everything that is not a user.
import { assert, claims, refused, step, unique } from '../assert.mjs'

export async function run({ sdk, demo, connect }) {
  const undo = []
  try {
    const client = await step('clients', async () => {
      const name = unique('Compat machine')
      const client = await sdk.clients.create({ name, app_type: 'non_interactive', grant_types: ['client_credentials'] })
      undo.push(() => sdk.clients.delete(client.client_id))
      assert.equal(client.name, name)
      assert.ok(client.client_id && client.client_secret)
      assert.deepEqual(client.callbacks ?? [], [])
      const updated = await sdk.clients.update(client.client_id, { description: 'A machine', callbacks: ['https://a.example/cb'] })
      assert.equal(updated.description, 'A machine')
      const read = await sdk.clients.get(client.client_id)
      assert.deepEqual(read.callbacks, ['https://a.example/cb'])
      assert.equal(read.client_secret, client.client_secret)
      const ids = (await sdk.clients.all()).map(c => c.client_id)
      assert.ok(ids.includes(client.client_id) && ids.includes(demo.management.client_id))
      assert.equal(new Set(ids).size, ids.length)
      return client
    })

    const api = await step('resource servers', async () => {
      const identifier = `https://compat.example/${unique('api')}`
      const api = await sdk.apis.create({ name: unique('Compat API'), identifier, scopes: [{ value: 'read:things', description: 'Read' }] })
      undo.push(() => sdk.apis.delete(api.id))
      assert.equal(api.identifier, identifier)
      assert.equal(api.signing_alg, 'RS256')
      await refused(sdk, 409, /resource server with the same identifier already exists/, () => sdk.apis.create({ name: 'Again', identifier }))
      const updated = await sdk.apis.update(api.id, { token_lifetime: 600, scopes: [{ value: 'read:things' }, { value: 'write:things' }] })
      assert.equal(updated.token_lifetime, 600)
      assert.deepEqual((await sdk.apis.get(api.id)).scopes.map(s => s.value).sort(), ['read:things', 'write:things'])
      const all = await sdk.apis.all()
      assert.ok(all.some(a => a.id === api.id))
      assert.ok(all.some(a => a.identifier === demo.management.audience && a.is_system))
      return { ...updated, identifier }
    })

    await step('client grants, and the token that comes of one', async () => {
      const machine = connect({ domain: demo.domain, clientId: client.client_id, clientSecret: client.client_secret })
      await refused(machine, 403, /access_denied|not authorized/i, () => machine.clientCredentials(api.identifier))
      const grant = await sdk.grants.create({ client_id: client.client_id, audience: api.identifier, scope: ['read:things'] })
      assert.deepEqual(grant.scope, ['read:things'])
      await refused(sdk, 409, /grant already exists/i, () =>
        sdk.grants.create({ client_id: client.client_id, audience: api.identifier, scope: [] }))
      await sdk.grants.update(grant.id, { scope: ['read:things', 'write:things'] })
      const token = await machine.clientCredentials(api.identifier)
      const payload = claims(token.access_token)
      assert.equal(payload.aud, api.identifier)
      assert.equal(payload.scope, 'read:things write:things')
      assert.equal(payload.exp - payload.iat, 600)
      assert.ok((await sdk.grants.all()).some(g => g.id === grant.id && g.audience === api.identifier))
      await sdk.grants.delete(grant.id)
      await refused(machine, 403, /access_denied|not authorized/i, () => machine.clientCredentials(api.identifier))
    })

    await step('connections', async () => {
      const name = unique('compat-db')
      const connection = await sdk.connections.create({ name, strategy: 'auth0', enabled_clients: [client.client_id], options: { passwordPolicy: 'low' } })
      undo.push(() => sdk.connections.delete(connection.id))
      assert.match(connection.id, /^con_/)
      assert.equal(connection.options.passwordPolicy, 'low')
      await refused(sdk, 409, /A connection with the same name already exists/, () => sdk.connections.create({ name, strategy: 'auth0' }))
      await sdk.connections.update(connection.id, { options: { ...connection.options, passwordPolicy: 'good', disable_signup: true } })
      const read = await sdk.connections.get(connection.id)
      assert.equal(read.options.passwordPolicy, 'good')
      assert.equal(read.options.disable_signup, true)
      assert.deepEqual(read.enabled_clients, [client.client_id])
      const names = (await sdk.connections.all()).map(c => c.name)
      assert.ok(names.includes(name) && names.includes('Username-Password-Authentication'))
    })

    await step('rules and their settings', async () => {
      const name = `Compat ${process.pid}`
      const script = 'function (user, context, callback) { callback(null, user, context); }'
      const rule = await sdk.rules.create({ name, script, enabled: false })
      undo.push(() => sdk.rules.delete(rule.id))
      assert.match(rule.id, /^rul_/)
      assert.equal(rule.stage, 'login_success')
      assert.equal(rule.enabled, false)
      await refused(sdk, 409, /A rule with the same name already exists/, () => sdk.rules.create({ name, script }))
      await sdk.rules.update(rule.id, { script: script + '\n', order: rule.order + 20 })
      const read = await sdk.rules.get(rule.id)
      assert.equal(read.script, script + '\n')
      assert.equal(read.order, rule.order + 20)
      assert.ok((await sdk.rules.all()).some(r => r.id === rule.id))

      const key = 'COMPAT_KEY'
      undo.push(() => sdk.configs.delete(key))
      await sdk.configs.set(key, 's3cret')
      const listed = (await sdk.configs.all()).find(c => c.key === key)
      assert.deepEqual(listed, { key }) // the value is never shown
    })

    await step('logs', async () => {
      const page = await sdk.logs.page({ page: 0, per_page: 10 })
      assert.ok(page.length > 0 && page.length <= 10)
      for (const entry of page) {
        assert.ok(entry.log_id && entry.type && !Number.isNaN(Date.parse(entry.date)), JSON.stringify(entry))
      }
      assert.equal((await sdk.logs.get(page[0].log_id)).log_id, page[0].log_id)
      assert.ok(!JSON.stringify(page).includes(demo.management.client_secret))
    })

    await step('tenant settings', async () => {
      const before = await sdk.settings.get()
      assert.equal(typeof before.session_lifetime, 'number')
      const changed = await sdk.settings.update({ support_url: 'https://help.compat.example' })
      assert.equal(changed.support_url, 'https://help.compat.example')
      assert.deepEqual(changed.flags, before.flags)
      await sdk.settings.update({ support_url: before.support_url ?? '' })
    })

    await step('sign-up and forgotten password', async () => {
      const email = `${unique('signup')}@mixtape.example`
      const app = connect({ domain: demo.domain, clientId: client.client_id, clientSecret: client.client_secret })
      const connection = (await sdk.connections.all()).find(c => c.name === 'Username-Password-Authentication')
      const { enabled_clients } = await sdk.connections.get(connection.id)
      if (!enabled_clients.includes(client.client_id)) {
        await sdk.connections.update(connection.id, { enabled_clients: [...enabled_clients, client.client_id] })
      }
      const body = { email, password: 'Correct-Horse-7', connection: connection.name, user_metadata: { displayName: 'Sid' } }
      const signed = await app.signUp(body)
      assert.equal(signed.email, email)
      assert.equal(signed.email_verified, false)
      const [user] = await sdk.users.byEmail(email)
      undo.push(() => sdk.users.delete(user.user_id))
      assert.deepEqual(user.user_metadata, { displayName: 'Sid' })
      await refused(app, 400, /invalid|exists/i, () => app.signUp(body))

      // A sign-up form cannot write app_metadata: it is not looked at.
      const sly = 'sly-' + email
      await app.signUp({ ...body, email: sly, app_metadata: { roles: ['playlist_editor'] }, email_verified: true })
      const [made] = await sdk.users.byEmail(sly)
      undo.push(() => sdk.users.delete(made.user_id))
      assert.equal(made.app_metadata, undefined)
      assert.equal(made.email_verified, false)

      const answer = await app.changePassword({ email, connection: connection.name })
      if (sdk.readsText) assert.match(answer, /sent you an email/)
      else assert.deepEqual(answer, {}) // the older generations read JSON only
    })
  } finally {
    for (const back of undo.reverse()) await back()
  }
}
