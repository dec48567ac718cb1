// A machine asks for tokens.
import { assert, claims, refused, step } from '../assert.mjs'

export async function run({ sdk, demo, connect }) {
  const { audience, client_id } = demo.management

  await step('client_credentials gives a token for the Management API', async () => {
    const token = await sdk.clientCredentials(audience)
    assert.equal(token.token_type, 'Bearer')
    assert.equal(token.expires_in, 86400)
    const payload = claims(token.access_token)
    assert.equal(payload.iss, `https://${demo.domain}/`)
    assert.equal(payload.aud, audience)
    assert.equal(payload.sub, `${client_id}@clients`)
    assert.equal(payload.azp, client_id)
    assert.equal(payload.gty, 'client-credentials')
    assert.ok(payload.scope.split(' ').includes('update:users'))
    assert.equal(payload.exp - payload.iat, 86400)
  })

  await step('a wrong secret is refused', async () => {
    const stranger = connect({ domain: demo.domain, clientId: client_id, clientSecret: 'not-the-secret' })
    await refused(stranger, 401, /access_denied|Unauthorized/, () => stranger.clientCredentials(audience))
  })

  await step('an API without a grant is refused', () =>
    refused(sdk, 403, /access_denied|not (been )?(authorized|granted)/i, () =>
      sdk.clientCredentials('https://nobody.example/api')))
}
