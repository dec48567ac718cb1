// passport-saml: a strategy of Passport for programs that speak SAML. It is told of the server as a program is by its administrator.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import passport from 'passport'
import { Strategy } from '@node-saml/passport-saml'
import { Browser } from '../browser.mjs'

export const library = '@node-saml/passport-saml'

export async function run(c) {
  const server = `https://${c.domain}/samlp/${c.client_id}`
  const metadata = await (await fetch(`https://${c.domain}/samlp/metadata/${c.client_id}`)).text()
  const base = new URL(c.redirect_uri)
  const strategy = new Strategy({
    entryPoint: server, logoutUrl: `${server}/logout`, issuer: 'urn:songs', audience: 'urn:songs', callbackUrl: c.redirect_uri, idpIssuer: `urn:${c.domain}`,
    idpCert: [...metadata.matchAll(/<X509Certificate[^>]*>([^<]+)</g)].map(([, cert]) => cert), privateKey: c.key, signatureAlgorithm: 'sha256', wantAuthnResponseSigned: false,
  }, (profile, done) => done(null, profile), (profile, done) => done(null, profile))
  passport.use(strategy)
  let person
  const app = express()
  app.use(express.urlencoded({ extended: false }), passport.initialize())
  app.get('/login', passport.authenticate('saml', { session: false }))
  app.post(base.pathname, passport.authenticate('saml', { session: false }), (req, res) => {
    person = req.user
    res.json(person.attributes)
  })
  await new Promise(resolve => createServer(app).listen(base.port, base.hostname, resolve))

  const browser = new Browser(c.person)
  const login = async () => JSON.parse((await browser.visit(base.origin + '/login')).body)
  await c.can('sign in', async () => {
    const attributes = await login()
    assert.deepEqual([person.nameID, attributes['http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress']], [c.person.user_id, c.person.email])
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    await login()
    assert.equal(browser.seen.length, seen)
  })
  await c.can('sign out', async () => {
    const address = await new Promise((resolve, reject) => strategy.logout({ user: person, query: {} }, (error, url) => error ? reject(error) : resolve(url)))
    const { url } = await browser.visit(address, to => to.href.startsWith(c.logout_uri))
    assert.equal((await strategy._saml.validateRedirectAsync(Object.fromEntries(url.searchParams), url.search.slice(1))).loggedOut, true)
    const seen = browser.seen.length
    await login()
    assert.equal(browser.seen.length, seen + 1)
  })
}
