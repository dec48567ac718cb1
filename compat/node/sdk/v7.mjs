// Generation 7 manages alone; people and machines sign in by a library of their own.
import { AuthClient } from '@auth0/auth0-auth-js'
import * as auth0 from 'auth0-v7'
import { managed, problem } from './paged.mjs'

export const manage = credentials => new auth0.ManagementClient(credentials)

// tokens are those of the wire: the library names them anew.
const tokens = async answer => {
  const { accessToken, idToken, refreshToken, expiresAt } = await answer
  return { access_token: accessToken, id_token: idToken, refresh_token: refreshToken, token_type: 'Bearer', expires_in: expiresAt - Math.floor(Date.now() / 1000) }
}

export function connect(credentials) {
  let status // of the last answer: errors of the library have none
  const a = new AuthClient({
    ...credentials,
    customFetch: async (...request) => {
      const answer = await fetch(...request)
      status = answer.status
      return answer
    },
  })
  return {
    ...managed(manage(credentials)),
    clientCredentials: audience => tokens(a.getTokenByClientCredentials({ audience })),
    redeem: ({ url, code_verifier }) => {
      url.searchParams.delete('state') // which the library never asks for
      return tokens(a.getTokenByCode(url, { codeVerifier: code_verifier }))
    },
    refresh: refreshToken => tokens(a.getTokenByRefreshToken({ refreshToken })),
    revoke: token => a.revokeToken({ token }),
    userinfo: accessToken => a.getUserInfo({ accessToken }),
    signUp: async ({ client_id, user_metadata, ...body }) => {
      const { emailVerified, ...signed } = await a.database.signUp({ ...body, userMetadata: user_metadata })
      return { ...signed, email_verified: emailVerified }
    },
    changePassword: ({ client_id, ...body }) => a.database.changePassword(body),
    sendEmail: body => a.passwordless.sendEmail(body),
    sendSMS: ({ phone_number }) => a.passwordless.sendSms({ phoneNumber: phone_number }),
    loginWithEmail: ({ email, code, ...rest }) => tokens(a.getTokenByPasswordlessEmail({ email, code, ...rest })),
    loginWithSMS: ({ phone_number, code, ...rest }) => tokens(a.getTokenByPasswordlessSms({ phoneNumber: phone_number, code, ...rest })),
    challenge: body => a.passwordless.challengeWithEmail(body),
    loginWithChallenge: body => tokens(a.passwordless.getTokenByPasswordlessDbConnection(body)),
    loginWithPassword: body => tokens(a.getTokenByPassword(body)),
    readsText: true,
    problem: e => (e.cause ? { status: e.cause.statusCode ?? status, text: `${e.cause.error} ${e.cause.error_description} ${e.message}` } : problem(e)),
  }
}
