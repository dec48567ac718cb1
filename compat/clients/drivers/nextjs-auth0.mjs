// nextjs-auth0: its routes and its session, as the middleware of a Next.js application runs them, without a page.
import assert from 'node:assert/strict'
import { Browser } from '../browser.mjs'

export const library = '@auth0/nextjs-auth0'
const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export async function run(c) {
  const { Auth0Client } = await import('@auth0/nextjs-auth0/server')
  const { NextRequest, NextResponse } = await import('next/server.js')
  const { createServer } = await import('node:http')
  const base = new URL(c.redirect_uri)
  const auth0 = new Auth0Client({
    domain: `https://${c.domain}`, clientId: c.client_id, clientSecret: c.client_secret, appBaseUrl: base.origin, secret: 'a'.repeat(64),
    authorizationParameters: { scope: 'openid profile email offline_access read:songs', audience: c.audience }, signInReturnToPath: '/me', allowInsecureRequests: true,
  })
  // What Next.js does with a request: the middleware first, then the page.
  const handle = async request => {
    const answer = await auth0.middleware(request)
    const session = () => auth0.getSession(request)
    switch (request.nextUrl.pathname) {
      case '/me': return NextResponse.json(await session(), { headers: answer.headers })
      case '/renew': {
        const out = new NextResponse()
        const before = (await session()).tokenSet.accessToken
        const { token } = await auth0.getAccessToken(request, out, { refresh: true })
        return NextResponse.json({ renewed: token !== before }, { headers: out.headers })
      }
    }
    return answer
  }
  createServer(async (req, res) => {
    try {
      const answer = await handle(new NextRequest(new URL(req.url, base.origin), { method: req.method, headers: req.headers }))
      for (const [name, value] of answer.headers) if (name !== 'set-cookie' && !name.startsWith('x-middleware')) res.setHeader(name, value)
      res.setHeader('set-cookie', answer.headers.getSetCookie())
      res.statusCode = answer.status
      res.end(await answer.text())
    } catch (e) {
      res.statusCode = 500
      res.end(JSON.stringify({ error: e.stack }))
    }
  }).listen(base.port, base.hostname)

  const browser = new Browser(c.person)
  const json = async path => {
    const page = await browser.visit(base.origin + path)
    try {
      return JSON.parse(page.body)
    } catch {
      throw new Error(`${page.status} from ${page.url}: ${page.body}`)
    }
  }
  const claims = session => JSON.parse(Buffer.from(session.tokenSet.idToken.split('.')[1], 'base64url'))
  await c.can('sign in', async () => {
    const session = await json('/auth/login')
    assert.deepEqual([session.user.email, Boolean(session.tokenSet.refreshToken)], [c.person.email, true])
  })
  await c.can('userinfo', async () => assert.equal((await json('/auth/profile')).email, c.person.email))
  await c.can('renew', async () => {
    await new Promise(resolve => setTimeout(resolve, 1100)) // tokens of one second are alike
    assert.equal((await json('/renew')).renewed, true)
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal((await json('/auth/login?prompt=none')).user.email, c.person.email)
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    const got = claims(await json(`/auth/login?acr_values=${encodeURIComponent(mfa)}&max_age=3600`))
    assert.deepEqual([got.amr, got.acr], [['mfa'], mfa])
  })
  await c.can('sign out', async () => {
    const left = await browser.visit(base.origin + '/auth/logout', url => url.href === base.origin + '/' || url.href === base.origin)
    assert.equal(left.url.origin, base.origin)
    assert.equal(await json('/me'), null)
  })
}
