// auth0-server-js: what the vendor's libraries for server frameworks are built on, with stores of its own kind.
import assert from 'node:assert/strict'
import { Browser } from '../browser.mjs'

export const library = '@auth0/auth0-server-js'
const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

// A store in memory, for sessions and for logins under way.
function store() {
  const kept = new Map()
  return { kept, set: async (id, data) => void kept.set(id, data), get: async id => kept.get(id), delete: async id => void kept.delete(id), deleteByLogoutToken: async () => {} }
}

export async function run(c) {
  const { ServerClient } = await import('@auth0/auth0-server-js')
  const sessions = store()
  const client = new ServerClient({
    domain: c.domain, clientId: c.client_id, clientSecret: c.client_secret, transactionStore: store(), stateStore: sessions,
    authorizationParams: { redirect_uri: c.redirect_uri, scope: 'openid profile email offline_access read:songs', audience: c.audience },
  })
  const browser = new Browser(c.person)
  const back = url => url.href.startsWith(c.redirect_uri)
  const signIn = async options => client.completeInteractiveLogin((await browser.visit(await client.startInteractiveLogin(options), back)).url)
  const claims = async () => JSON.parse(Buffer.from((await client.getSession()).idToken.split('.')[1], 'base64url'))
  await c.can('sign in', async () => {
    const { appState } = await signIn({ appState: { to: '/me' } })
    assert.deepEqual([appState.to, (await client.getUser()).email], ['/me', c.person.email])
    assert.ok((await client.getSession()).refreshToken)
  })
  await c.can('renew', async () => {
    const { accessToken } = await client.getAccessToken()
    await new Promise(resolve => setTimeout(resolve, 1100)) // tokens of one second are alike
    for (const { tokenSets } of sessions.kept.values()) for (const set of tokenSets) set.expiresAt = 1
    assert.notEqual((await client.getAccessToken()).accessToken, accessToken)
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    await signIn({ authorizationParams: { prompt: 'none' } })
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    await signIn({ authorizationParams: { acr_values: mfa, max_age: '3600' } })
    const { amr, acr } = await claims()
    assert.deepEqual([amr, acr], [['mfa'], mfa])
  })
  await c.can('PAR', async () => {
    const url = await client.startInteractiveLogin({ pushedAuthorizationRequests: true })
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
    await client.completeInteractiveLogin((await browser.visit(url, back)).url)
    assert.equal((await client.getUser()).email, c.person.email)
  })
  await c.can('sign out', async () => {
    const left = await browser.visit(await client.logout({ returnTo: c.logout_uri }), url => url.href.startsWith(c.logout_uri))
    assert.ok(left.url.href.startsWith(c.logout_uri))
    assert.equal(await client.getSession(), undefined)
    await assert.rejects(() => signIn({ authorizationParams: { prompt: 'none' } }), e => /login_required|Login required/.test(`${e.code} ${e.message} ${JSON.stringify(e.cause)}`))
  })
}
