// express-oauth2-jwt-bearer: an API that takes tokens.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import { auth, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer'

export async function run(c) {
  const app = express()
  app.use(auth({ issuerBaseURL: `https://${c.domain}`, audience: c.audience }))
  app.get('/songs', requiredScopes('read:songs'), (req, res) => res.json(req.auth.payload))
  app.get('/edit', requiredScopes('edit:songs'), (req, res) => res.json(req.auth.payload))
  app.get('/mine', claimIncludes('aud', c.audience), (req, res) => res.json(req.auth.payload))
  app.use((error, _, res, next) => res.headersSent ? next() : res.status(error.status ?? 500).set(error.headers ?? {}).end())
  const server = createServer(app)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const get = async (path, token) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers: token && { authorization: `Bearer ${token}` } })
    return [response.status, response.ok ? await response.json() : response.headers.get('www-authenticate')]
  }
  const [header, payload, signature] = c.access_token.split('.')
  await c.can('verify', async () => {
    const [status, claims] = await get('/songs', c.access_token)
    assert.equal(status, 200)
    assert.equal(claims.iss, `https://${c.domain}/`)
    assert.equal((await get('/mine', c.access_token))[0], 200)
  })
  await c.can('refuse', async () => {
    assert.equal((await get('/songs'))[0], 401)
    assert.equal((await get('/edit', c.access_token))[0], 403)
    assert.equal((await get('/songs', c.id_token))[0], 401)
    assert.equal((await get('/songs', `${header}.${payload}.${signature.split('').reverse().join('')}`))[0], 401)
  })
}
