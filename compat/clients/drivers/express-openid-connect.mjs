// express-openid-connect 2 and 3: a regular web application with sessions of its own.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export async function run(c) {
  const { default: { auth, requiresAuth } } = await import(c.library)
  const base = new URL(c.redirect_uri)
  const app = express()
  // As the library is without settings: an ID token by a posted form, and no secret.
  const form = express.Router()
  form.use(auth({
    baseURL: `${base.origin}/form`, issuerBaseURL: `https://${c.domain}`, clientID: c.client_id, secret: 'a-long-secret-for-cookies-of-the-app', session: { name: 'form' },
    transactionCookie: { name: 'form_verification' }, authRequired: false,
  }))
  form.get('/', (req, res) => res.json({ claims: req.oidc.idTokenClaims }))
  app.use('/form', form)
  app.use(auth({
    baseURL: base.origin, issuerBaseURL: `https://${c.domain}`, clientID: c.client_id, clientSecret: c.client_secret, secret: 'a-long-secret-for-cookies-of-the-app',
    authRequired: false, idpLogout: true, routes: { login: false, postLogoutRedirect: '/bye' },
    authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access read:songs', audience: c.audience },
  }))
  app.get('/login', (_, res) => res.oidc.login({ returnTo: '/me' }))
  app.get('/step-up', (_, res) => res.oidc.login({ returnTo: '/me', authorizationParams: { acr_values: mfa, max_age: 3600 } }))
  app.get('/silent', (_, res) => res.oidc.login({ returnTo: '/me', authorizationParams: { prompt: 'none' } }))
  app.get('/me', requiresAuth(), (req, res) => res.json({ claims: req.oidc.idTokenClaims, refresh: Boolean(req.oidc.refreshToken) }))
  app.get('/userinfo', requiresAuth(), async (req, res) => res.json(await req.oidc.fetchUserInfo()))
  app.get('/renew', requiresAuth(), async (req, res) => {
    const before = req.oidc.accessToken.access_token
    const { access_token } = await req.oidc.accessToken.refresh()
    res.json({ renewed: access_token !== before, sub: req.oidc.idTokenClaims.sub })
  })
  app.get('/bye', (req, res) => res.json({ out: !req.oidc.isAuthenticated() }))
  app.use((error, _, res, next) => res.headersSent ? next() : res.status(500).json({ error: error.error ?? error.message }))
  await new Promise(resolve => createServer(app).listen(base.port, base.hostname, resolve))

  const browser = new Browser(c.person)
  const json = async path => {
    const page = await browser.visit(base.origin + path)
    try {
      return JSON.parse(page.body)
    } catch {
      throw new Error(`${page.status} from ${page.url}: ${page.body}`)
    }
  }
  await c.can('sign in', async () => {
    const { claims, refresh } = await json('/login')
    assert.deepEqual([claims.email, refresh], [c.person.email, true])
    assert.equal((await json('/form/login')).claims.email, c.person.email)
  })
  await c.can('userinfo', async () => assert.equal((await json('/userinfo')).email, c.person.email))
  await c.can('renew', async () => {
    await new Promise(resolve => setTimeout(resolve, 1100)) // tokens of one second are alike
    assert.equal((await json('/renew')).renewed, true)
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal((await json('/silent')).claims.email, c.person.email)
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    const { claims } = await json('/step-up')
    assert.deepEqual([claims.amr, claims.acr], [['mfa'], mfa])
  })
  await c.can('sign out', async () => {
    assert.equal((await json('/logout')).out, true)
    assert.equal((await json('/silent')).error, 'login_required')
  })
}
