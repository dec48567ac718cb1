// oidc-client-ts, on which react-oidc-context rests: it is made for browsers, and so is a public client here. Silent logins are its iframe's matter; it asks for them as below.
import assert from 'node:assert/strict'
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export async function run(c) {
  const client = new OidcClient({
    authority: `https://${c.domain}`, client_id: c.client_id, client_secret: c.client_secret, redirect_uri: c.redirect_uri, post_logout_redirect_uri: c.logout_uri,
    scope: 'openid profile email offline_access', loadUserInfo: true, filterProtocolClaims: false, stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  })
  const browser = new Browser(c.person)
  const login = async more => {
    const { url } = await client.createSigninRequest({ state: { page: '/songs' }, ...more })
    return client.processSigninResponse((await browser.visit(url, to => to.href.startsWith(c.redirect_uri))).url.href)
  }
  let session = await c.can('sign in', async () => {
    const session = await login({ extraQueryParams: { audience: c.audience } })
    assert.equal(session.profile.email, c.person.email)
    assert.equal(session.userState.page, '/songs')
    assert.ok(session.refresh_token)
    return session
  })
  await c.can('userinfo', async () => {
    const answer = await fetch(await client.metadataService.getUserInfoEndpoint(), { headers: { authorization: `Bearer ${session.access_token}` } })
    assert.equal((await answer.json()).sub, session.profile.sub)
  })
  const renew = ({ refresh_token, id_token, profile, scope }) => client.useRefreshToken({ state: { refresh_token, id_token, profile, scope, session_state: null } })
  await c.can('renew', async () => {
    const renewed = await renew(session)
    assert.equal(renewed.profile.sub, session.profile.sub)
    session = { ...session, ...renewed, refresh_token: renewed.refresh_token ?? session.refresh_token }
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal((await login({ prompt: 'none', request_type: 'si:s' })).profile.sub, session.profile.sub)
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    const { profile } = await login({ acr_values: mfa, max_age: 3600 })
    assert.deepEqual([profile.amr, profile.acr], [['mfa'], mfa])
  })
  await c.can('revoke', async () => {
    await client.revokeToken(session.refresh_token, 'refresh_token')
    await assert.rejects(() => renew(session), e => e.error === 'invalid_grant')
  })
  await c.can('sign out', async () => {
    const { url } = await client.createSignoutRequest({ id_token_hint: session.id_token, state: 'bye' })
    const left = await browser.visit(url, to => to.href.startsWith(c.logout_uri))
    assert.ok((await client.processSignoutResponse(left.url.href)))
    await assert.rejects(() => login({ prompt: 'none' }), e => e.error === 'login_required')
  })
}
