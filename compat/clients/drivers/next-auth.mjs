// next-auth (Auth.js 4), by its provider for Auth0: its routes as a page of Next.js has them, without Next.js.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
const usual = module => module.default?.default ?? module.default // of a module of CommonJS

export async function run(c) {
  const base = new URL(c.redirect_uri)
  Object.assign(process.env, { NEXTAUTH_URL: base.origin + '/auth', NEXTAUTH_SECRET: 'a-long-secret-for-cookies-of-the-app' })
  const NextAuth = usual(await import('next-auth'))
  const Auth0 = usual(await import('next-auth/providers/auth0'))
  const express = usual(await import('express'))
  const options = {
    providers: [Auth0({
      clientId: c.client_id, clientSecret: c.client_secret, issuer: `https://${c.domain}`,
      authorization: { params: { scope: 'openid email profile offline_access read:songs', audience: c.audience } },
    })],
    callbacks: { // as its documentation keeps tokens
      jwt: ({ token, account }) => account ? { ...token, account } : token,
      session: ({ session, token }) => ({ ...session, account: token.account }),
    },
    logger: { error() {}, warn() {} },
  }
  const app = express()
  app.use(express.urlencoded({ extended: false }))
  // What a page's signIn() sends: a form with the token against forgery, and parameters of the request in the address.
  app.get('/page', (req, res) => {
    const { csrf, ...more } = req.query
    res.send(`<form method="post" action="/auth/signin/auth0?${new URLSearchParams(more)}"><input name="csrfToken" value="${csrf}"><input name="callbackUrl" value="${base.origin}/auth/session"></form>`)
  })
  app.use('/auth', (req, res) => {
    req.query = { ...req.query, nextauth: req.path.slice(1).split('/') }
    req.cookies = Object.fromEntries((req.headers.cookie ?? '').split('; ').map(pair => [pair.split('=')[0], decodeURIComponent(pair.slice(pair.indexOf('=') + 1))]))
    return NextAuth(req, res, options)
  })
  await new Promise(resolve => createServer(app).listen(base.port, base.hostname, resolve))

  const browser = new Browser(c.person)
  const json = async (path, by = browser) => {
    const page = await by.visit(base.origin + path)
    return { url: page.url, ...JSON.parse(page.body) }
  }
  const login = async (more = {}, by = browser) => json('/page?' + new URLSearchParams({ csrf: (await json('/auth/csrf', by)).csrfToken, ...more }), by)
  await c.can('sign in', async () => {
    const { user, account } = await login()
    assert.deepEqual([user.email, account.providerAccountId, account.token_type], [c.person.email, c.person.user_id, 'Bearer'])
    assert.ok(account.access_token && account.refresh_token)
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal((await login({ prompt: 'none' })).user.email, c.person.email)
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    const { amr, acr } = claims((await login({ acr_values: mfa })).account.id_token)
    assert.deepEqual([amr, acr], [['mfa'], mfa])
  })
}
