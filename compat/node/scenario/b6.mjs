// B6: the recommended way. An API of the customer's own takes the user from the listener's verified
// token and calls the Management API with the SDK and a machine token.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { assert, claims, refused, step, unique } from '../assert.mjs'
import { signIn } from '../signin.mjs'

const redirect_uri = 'https://compat.example/callback'

// intermediary serves PATCH /displayName for the person that the bearer token was made for.
async function intermediary(sdk, domain, audience) {
  const keys = createRemoteJWKSet(new URL(`https://${domain}/.well-known/jwks.json`))
  const server = createServer(async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      const { payload } = await jwtVerify(token, keys, { issuer: `https://${domain}/`, audience, algorithms: ['RS256'] })
        .catch(() => ({}))
      if (!payload) return answer(401, { error: 'invalid_token' })
      const { displayName } = JSON.parse(Buffer.concat(await request.toArray()))
      const user = await sdk.users.update(payload.sub, { user_metadata: { displayName } })
      answer(200, { displayName: user.user_metadata.displayName })
    } catch (e) {
      answer(500, { error: e.message })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}/displayName`, close: () => server.close() }
}

export async function run({ sdk, demo, connect }) {
  const [listener, other] = demo.users
  const audience = `https://compat.example/${unique('api')}`
  const undo = []
  try {
    const api = await step('an operator makes an API and a client for it', () =>
      sdk.apis.create({
        name: unique('Compat API'), identifier: audience, scopes: [{ value: 'edit:name', description: 'Edit the name' }],
        allow_offline_access: true, skip_consent_for_verifiable_first_party_clients: true,
      }))
    undo.push(() => sdk.apis.delete(api.id))
    const client = await sdk.clients.create({
      name: unique('Compat web'), app_type: 'regular_web', callbacks: [redirect_uri], oidc_conformant: true,
      grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_post',
      jwt_configuration: { alg: 'RS256' },
    })
    undo.push(() => sdk.clients.delete(client.client_id))
    const connection = (await sdk.connections.all()).find(c => c.name === 'Username-Password-Authentication')
    const { enabled_clients } = await sdk.connections.get(connection.id)
    if (!enabled_clients.includes(client.client_id)) {
      await sdk.connections.update(connection.id, { enabled_clients: [...enabled_clients, client.client_id] })
    }
    const app = connect({
      domain: demo.domain, clientId: client.client_id, clientSecret: client.client_secret,
      idTokenSigningAlg: 'RS256', supportedAlgorithms: ['RS256'],
    })

    const tokens = await step('a listener signs in', async () => {
      const answer = await signIn({
        domain: demo.domain, client_id: client.client_id, redirect_uri, audience,
        scope: 'openid profile email offline_access edit:name', email: listener.email, password: listener.password,
      })
      const tokens = await app.redeem(answer)
      assert.equal(claims(tokens.id_token).sub, listener.user_id)
      assert.equal(claims(tokens.access_token).sub, listener.user_id)
      assert.ok([claims(tokens.access_token).aud].flat().includes(audience))
      await refused(app, 403, /Invalid authorization code|invalid_grant/, () => app.redeem(answer)) // the code works once
      return tokens
    })

    await step('that second use revoked what the first gave', () =>
      refused(app, 403, /Unknown or invalid refresh token|invalid_grant/, () => app.refresh(tokens.refresh_token)))

    const renewed = await step('signs in anew and renews', async () => {
      const first = await app.redeem(await signIn({
        domain: demo.domain, client_id: client.client_id, redirect_uri, audience,
        scope: 'openid profile email offline_access edit:name', email: listener.email, password: listener.password,
      }))
      const second = await app.refresh(first.refresh_token)
      assert.equal(claims(second.id_token).sub, listener.user_id)
      assert.equal(claims(second.access_token).scope.split(' ').includes('edit:name'), true)
      assert.equal((await app.userinfo(second.access_token)).sub, listener.user_id)
      if (app.revoke) {
        await app.revoke(first.refresh_token)
        await refused(app, 403, /Unknown or invalid refresh token|invalid_grant/, () => app.refresh(first.refresh_token))
      }
      return second
    })

    const service = await intermediary(sdk, demo.domain, audience)
    undo.push(service.close)
    const patch = (token, body) => fetch(service.url, {
      method: 'PATCH', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` },
    })

    await step('the API changes the name of the one who asks', async () => {
      const before = await sdk.users.get(other.user_id)
      const response = await patch(renewed.access_token, { displayName: 'Through the API', user_id: other.user_id })
      assert.deepEqual([response.status, await response.json()], [200, { displayName: 'Through the API' }])
      assert.equal((await sdk.users.get(listener.user_id)).user_metadata.displayName, 'Through the API')
      assert.deepEqual(await sdk.users.get(other.user_id), before)
    })

    await step('the API refuses what is not a token for it', async () => {
      const machine = await sdk.clientCredentials(demo.management.audience)
      const broken = renewed.access_token.replace(/.{8}$/, 'AAAAAAAA')
      for (const token of ['', 'abc', broken, renewed.id_token, machine.access_token]) {
        assert.equal((await patch(token, { displayName: 'Nobody' })).status, 401)
      }
      assert.equal((await sdk.users.get(listener.user_id)).user_metadata.displayName, 'Through the API')
    })
  } finally {
    for (const back of undo.reverse()) await back()
  }
}
