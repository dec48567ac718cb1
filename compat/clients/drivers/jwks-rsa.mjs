// jwks-rsa 3 and 4: the keys by which an API verifies tokens.
import assert from 'node:assert/strict'
import { createVerify } from 'node:crypto'

export async function run(c) {
  const { default: jwksRsa } = await import(c.library)
  const client = jwksRsa({ jwksUri: `https://${c.domain}/.well-known/jwks.json`, cache: true, rateLimit: true })
  const [header, payload, signature] = c.access_token.split('.')
  await c.can('verify', async () => {
    const { kid } = JSON.parse(Buffer.from(header, 'base64url'))
    const key = await client.getSigningKey(kid)
    assert.ok(createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(key.getPublicKey(), signature, 'base64url'))
  })
  await c.can('refuse', () => assert.rejects(() => client.getSigningKey('nobody'), /Unable to find a signing key/))
}
