// simple-oauth2, on which @fastify/oauth2 stands: the code flow and what a token can do. It takes answers that say JSON alone, also of /oauth/revoke.
import assert from 'node:assert/strict'
import { AuthorizationCode } from 'simple-oauth2'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

export async function run(c) {
  const client = new AuthorizationCode({
    client: { id: c.client_id, secret: c.client_secret },
    auth: { tokenHost: `https://${c.domain}`, tokenPath: '/oauth/token', revokePath: '/oauth/revoke', authorizePath: '/authorize' },
  })
  const browser = new Browser(c.person)
  const login = async (more, by = browser) => {
    const state = crypto.randomUUID()
    const address = client.authorizeURL({ redirect_uri: c.redirect_uri, scope: ['openid', 'email', 'offline_access', 'read:songs'], state, audience: c.audience, ...more })
    const back = (await by.visit(address, to => to.href.startsWith(c.redirect_uri))).url.searchParams
    assert.equal(back.get('state'), state)
    if (back.get('error')) throw new Error(back.get('error'))
    return client.getToken({ code: back.get('code'), redirect_uri: c.redirect_uri })
  }
  let token = await c.can('sign in', async () => {
    const token = await login()
    assert.deepEqual([token.token.token_type, claims(token.token.id_token).email, token.expired()], ['Bearer', c.person.email, false])
    return token
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal(claims((await login({ prompt: 'none' })).token.id_token).sub, c.person.user_id)
    assert.equal(browser.seen.length, seen)
    await assert.rejects(() => login({ prompt: 'none' }, new Browser(c.person)), /login_required/)
  })
  await c.can('renew', async () => {
    const renewed = await token.refresh()
    assert.equal(claims(renewed.token.access_token).sub, c.person.user_id)
    assert.ok(renewed.token.refresh_token, 'the library knows no token of before')
  })
  await c.can('step up', async () => assert.deepEqual(claims((await login({ acr_values: mfa })).token.id_token).amr, ['mfa']))
  await c.can('revoke', async () => {
    await token.revokeAll()
    await assert.rejects(() => token.refresh(), e => e.data.payload.error === 'invalid_grant')
  })
}
