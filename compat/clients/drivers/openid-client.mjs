// openid-client 5 and 6: a relying party of the standards' own.
import assert from 'node:assert/strict'
import { Browser } from '../browser.mjs'

const mfa = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export async function run(c) {
  const client = await (c.name.endsWith('v5') ? classic : functional)(c)
  const browser = new Browser(c.person)
  const back = url => url.href.startsWith(c.redirect_uri)
  let tokens = await c.can('sign in', async () => {
    const flow = await client.begin({ scope: 'openid profile email offline_access read:songs', audience: c.audience })
    const tokens = await client.finish((await browser.visit(flow.url, back)).url, flow)
    assert.equal(tokens.claims().email, c.person.email)
    assert.ok(tokens.refresh_token)
    return tokens
  })
  await c.can('userinfo', async () => assert.equal((await client.userinfo(tokens)).sub, tokens.claims().sub))
  await c.can('renew', async () => {
    const renewed = await client.refresh(tokens)
    assert.equal(renewed.claims().sub, tokens.claims().sub)
    renewed.refresh_token ??= tokens.refresh_token
    tokens = renewed
  })
  await c.can('single sign-on', async () => {
    const seen = browser.seen.length
    const flow = await client.begin({ scope: 'openid', prompt: 'none' })
    assert.ok((await client.finish((await browser.visit(flow.url, back)).url, flow)).id_token)
    assert.equal(browser.seen.length, seen)
  })
  await c.can('step up', async () => {
    const flow = await client.begin({ scope: 'openid', acr_values: mfa, max_age: 3600 })
    const claims = (await client.finish((await browser.visit(flow.url, back)).url, flow)).claims()
    assert.deepEqual([claims.amr, claims.acr], [['mfa'], mfa])
  })
  if (client.push) {
    await c.can('PAR', async () => {
      const flow = await client.push({ scope: 'openid' })
      assert.deepEqual([...flow.url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
      assert.equal((await client.finish((await browser.visit(flow.url, back)).url, flow)).claims().sub, tokens.claims().sub)
    })
    await c.can('DPoP', async () => {
      const flow = await client.begin({ scope: 'openid', audience: c.audience })
      const bound = await client.finish((await browser.visit(flow.url, back)).url, flow, await client.dpop())
      assert.equal(bound.token_type.toLowerCase(), 'dpop')
      assert.ok(JSON.parse(Buffer.from(bound.access_token.split('.')[1], 'base64url')).cnf.jkt)
    })
  }
  await c.can('revoke', async () => {
    await client.revoke(tokens.refresh_token)
    await assert.rejects(() => client.refresh(tokens), e => /invalid_grant/.test(e.error + e.message))
  })
  await c.can('sign out', async () => {
    const left = await browser.visit(client.endSession(tokens.id_token, c.logout_uri), url => url.href.startsWith(c.logout_uri))
    assert.ok(left.url.href.startsWith(c.logout_uri))
    const flow = await client.begin({ scope: 'openid', prompt: 'none' })
    await assert.rejects(async () => client.finish((await browser.visit(flow.url, back)).url, flow), e => /login_required/.test(e.error + e.message))
  })
}

async function classic({ domain, client_id, client_secret, redirect_uri }) {
  const { Issuer, generators } = await import('openid-client-v5')
  const issuer = await Issuer.discover(`https://${domain}`)
  const client = new issuer.Client({ client_id, client_secret, redirect_uris: [redirect_uri], response_types: ['code'] })
  return {
    begin: params => {
      const [code_verifier, state, nonce] = [generators.codeVerifier(), generators.state(), generators.nonce()]
      const url = client.authorizationUrl({ ...params, state, nonce, code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256' })
      return { url, checks: { code_verifier, state, nonce, max_age: params.max_age } }
    },
    finish: (url, { checks }) => client.callback(redirect_uri, client.callbackParams(url.href), checks),
    userinfo: tokens => client.userinfo(tokens.access_token),
    refresh: tokens => client.refresh(tokens.refresh_token),
    revoke: token => client.revoke(token, 'refresh_token'),
    endSession: (id_token_hint, post_logout_redirect_uri) => client.endSessionUrl({ id_token_hint, post_logout_redirect_uri, state: 'bye' }),
  }
}

async function functional({ domain, client_id, client_secret, redirect_uri }) {
  const oidc = await import('openid-client-v6')
  const config = await oidc.discovery(new URL(`https://${domain}`), client_id, client_secret)
  const ask = build => async params => {
    const [code_verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
    const code_challenge = await oidc.calculatePKCECodeChallenge(code_verifier)
    const url = await build(config, {
      ...params, ...(params.max_age && { max_age: String(params.max_age) }), redirect_uri, state, nonce, code_challenge, code_challenge_method: 'S256',
    })
    return { url, checks: { pkceCodeVerifier: code_verifier, expectedState: state, expectedNonce: nonce, maxAge: params.max_age, idTokenExpected: true } }
  }
  return {
    begin: ask(oidc.buildAuthorizationUrl),
    push: ask(oidc.buildAuthorizationUrlWithPAR),
    dpop: async () => oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')),
    finish: (url, { checks }, DPoP) => oidc.authorizationCodeGrant(config, url, checks, undefined, DPoP && { DPoP }),
    userinfo: tokens => oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub),
    refresh: tokens => oidc.refreshTokenGrant(config, tokens.refresh_token),
    revoke: token => oidc.tokenRevocation(config, token, { token_type_hint: 'refresh_token' }),
    endSession: (id_token_hint, post_logout_redirect_uri) => oidc.buildEndSessionUrl(config, { id_token_hint, post_logout_redirect_uri, state: 'bye' }),
  }
}
