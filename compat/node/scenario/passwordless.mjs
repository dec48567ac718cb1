// People sign in with codes that the SDK asks for and gives back.
import { assert, claims, refused, step, unique } from '../assert.mjs'

const page = async (demo, path) => (await fetch(demo.http_url + path)).text()

// codeTo reads the newest message to an address in the development inbox.
async function codeTo(demo, to) {
  for (const [, path, entry] of (await page(demo, '/u/inbox')).matchAll(/<a href="(\/u\/inbox\/[^"]+)">([\s\S]*?)<\/a>/g)) {
    if (entry.replaceAll('&#43;', '+').includes(to)) return /\b[0-9]{6}\b/.exec(/<pre class="text"[^>]*>([\s\S]*?)<\/pre>/.exec(await page(demo, path))[1])[0]
  }
  throw new Error(`no message to ${to}`)
}

// soon tries until a mail has come that nobody waits for.
async function soon(work) {
  for (const end = Date.now() + 10000; ;) {
    try {
      return await work()
    } catch (e) {
      if (Date.now() > end) throw e
      await new Promise(next => setTimeout(next, 20))
    }
  }
}

export async function run({ demo, connect, generation }) {
  const { client_id, client_secret, audience } = JSON.parse(process.env.STAGEDOOR_CLIENT)
  const sdk = connect({ domain: demo.domain, clientId: client_id, clientSecret: client_secret })
  const email = `${unique('node')}@codes.example`
  const phone = `+4915${generation.slice(1)}${String(Math.random()).slice(2, 10)}`

  await step('a code by mail', () => sdk.sendEmail({ email, send: 'code' }))
  await step('a wrong code is refused', () =>
    refused(sdk, 403, /Wrong email or verification code|invalid_grant/, () => sdk.loginWithEmail({ email, code: 'nothing', scope: 'openid email' })))
  await step('the code is good for tokens', async () => {
    const tokens = await sdk.loginWithEmail({ email, code: await codeTo(demo, email), scope: 'openid email' })
    const { email: is, email_verified, sub } = claims(tokens.id_token)
    assert.deepEqual([is, email_verified, sub.split('|')[0]], [email, true, 'email'])
  })
  await step('a link by mail', () => sdk.sendEmail({ email, send: 'link', authParams: { scope: 'openid' } }))
  await step('a code by text message', () => sdk.sendSMS({ phone_number: phone }))
  await step('the code is good for tokens of an API', async () => {
    const tokens = await sdk.loginWithSMS({ phone_number: phone, code: await codeTo(demo, phone), scope: 'openid read:songs', audience })
    assert.equal(claims(tokens.id_token).sub.split('|')[0], 'sms')
    assert.ok([claims(tokens.access_token).aud].flat().includes(audience))
  })
  if (!sdk.challenge) return
  await step('a code to sign up to a database with, and in', async () => {
    const stranger = `${unique('database')}@codes.example`
    const seen = []
    const fresh = async () => {
      const code = await codeTo(demo, stranger)
      if (seen.includes(code)) throw new Error('the next code has not come')
      seen.push(code)
      return code
    }
    const sub = async () => {
      const { authSession } = await sdk.challenge({ email: stranger, connection: 'codes', allowSignup: true })
      await refused(sdk, 403, /Wrong email or verification code|invalid_grant/, () => sdk.loginWithChallenge({ authSession, otp: '000000' }))
      const tokens = await sdk.loginWithChallenge({ authSession, otp: await soon(fresh), scope: 'openid email' })
      assert.deepEqual([claims(tokens.id_token).email, claims(tokens.id_token).email_verified], [stranger, true])
      return claims(tokens.id_token).sub
    }
    assert.equal(await sub(), await sub())
  })
}
