// node backchannel.mjs LIBRARY: an application with express-openid-connect that takes logout tokens, as STAGEDOOR_CLIENT describes. It prints what each
// logout token says that the library took.
import { createServer } from 'node:http'
import express from 'express'

const [library] = process.argv.slice(2)
const c = JSON.parse(process.env.STAGEDOOR_CLIENT)
const { default: { auth } } = await import(library)
const app = express()
app.use(auth({
  baseURL: c.base, issuerBaseURL: c.issuer, clientID: c.client_id, clientSecret: c.client_secret, secret: 'a-long-secret-for-cookies-of-the-app', authRequired: false,
  authorizationParams: { response_type: 'code' }, backchannelLogout: { onLogoutToken: token => console.log(JSON.stringify(token)), isLoggedOut: false, onLogin: false },
}))
createServer(app).listen(new URL(c.base).port, '127.0.0.1', () => console.log('"ready"'))
