// passport-auth0: a strategy of Passport. It sends the token for /userinfo in the address.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import Strategy from 'passport-auth0'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

export async function run(c) {
  const base = new URL(c.redirect_uri)
  const tokens = {}
  passport.use(new Strategy(
    { domain: c.domain, clientID: c.client_id, clientSecret: c.client_secret, callbackURL: c.redirect_uri },
    (accessToken, refreshToken, extra, profile, done) => {
      Object.assign(tokens, { accessToken, refreshToken, ...extra })
      done(null, profile)
    }))
  passport.serializeUser((profile, done) => done(null, profile))
  passport.deserializeUser((profile, done) => done(null, profile))

  const app = express()
  app.use(session({ secret: 'a-long-secret-for-cookies-of-the-app', resave: false, saveUninitialized: false }), passport.initialize(), passport.session())
  const scope = 'openid profile email offline_access read:songs'
  app.get('/login', passport.authenticate('auth0', { scope, audience: c.audience, login_hint: c.person.email }))
  app.get('/silent', passport.authenticate('auth0', { scope, audience: c.audience, prompt: 'none' }))
  app.get('/step-up', passport.authenticate('auth0', { scope, audience: c.audience, acr_values: mfa }))
  app.get('/callback', passport.authenticate('auth0', { failureRedirect: '/refused' }), (_, res) => res.redirect('/me'))
  app.get('/refused', (_, res) => res.json({ refused: true }))
  app.get('/me', (req, res) => res.json(req.user ?? null))
  app.use((error, _, res, next) => res.headersSent ? next() : res.status(500).json({ error: error.message }))
  await new Promise(resolve => createServer(app).listen(base.port, base.hostname, resolve))

  const browser = new Browser(c.person)
  const json = async (path, by = browser) => JSON.parse((await by.visit(base.origin + path)).body)
  await c.can('sign in', async () => {
    const profile = await json('/login')
    assert.deepEqual([profile.id, profile.provider], [c.person.user_id, 'auth0'], JSON.stringify(profile))
    assert.ok(tokens.accessToken && tokens.refreshToken && tokens.id_token)
  })
  await c.can('userinfo', async () => assert.deepEqual((await json('/me')).emails, [{ value: c.person.email }])) // it knows people by that alone
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    assert.equal((await json('/silent')).id, c.person.user_id)
    assert.equal(browser.seen.length, seen)
    assert.equal((await json('/silent', new Browser(c.person))).refused, true)
  })
  await c.can('step up', async () => {
    await json('/step-up')
    assert.deepEqual([claims(tokens.id_token).amr, claims(tokens.id_token).acr], [['mfa'], mfa])
  })
}
