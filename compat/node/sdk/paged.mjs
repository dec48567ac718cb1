// Generations from 5 on: one client per noun, ids as plain arguments, lists as pages that know the next one.

const data = async answer => (await answer).data

async function everything(page) {
  const items = []
  for await (const item of await page) items.push(item)
  return items
}

const noun = client => ({
  all: () => everything(client.list({ per_page: 2, take: 2 })), // small pages, so that paging is used
  get: id => client.get(id),
  create: body => client.create(body),
  update: (id, body) => client.update(id, body),
  delete: id => client.delete(id),
})

export const problem = e => ({ status: e.statusCode, text: `${e.error} ${e.message}` })

export const managed = m => ({
  users: {
    get: id => m.users.get(id),
    update: (id, body) => m.users.update(id, body),
    page: async query => (await m.users.list(query)).response,
    byEmail: email => m.users.listUsersByEmail({ email }),
    create: body => m.users.create(body),
    delete: id => m.users.delete(id),
  },
  clients: noun(m.clients),
  rules: noun(m.rules),
  configs: {
    all: () => m.rulesConfigs.list(),
    set: (key, value) => m.rulesConfigs.set(key, { value }),
    delete: key => m.rulesConfigs.delete(key),
  },
  connections: noun(m.connections),
  apis: noun(m.resourceServers),
  grants: noun(m.clientGrants),
  logs: { page: async query => (await m.logs.list(query)).data, get: id => m.logs.get(id) },
  settings: { get: () => m.tenants.settings.get(), update: body => m.tenants.settings.update(body) },
})

export const paged = ({ AuthenticationClient, ManagementClient, UserInfoClient }) => credentials => {
  const a = new AuthenticationClient(credentials)
  const info = new UserInfoClient({ domain: credentials.domain })
  return {
    ...managed(new ManagementClient(credentials)),
    clientCredentials: audience => data(a.oauth.clientCredentialsGrant({ audience })),
    redeem: ({ url, ...request }) => data(a.oauth.authorizationCodeGrantWithPKCE(request)),
    refresh: refresh_token => data(a.oauth.refreshTokenGrant({ refresh_token })),
    revoke: token => data(a.oauth.revokeRefreshToken({ token })),
    userinfo: token => data(info.getUserInfo(token)),
    signUp: body => data(a.database.signUp(body)),
    changePassword: body => data(a.database.changePassword(body)),
    sendEmail: body => a.passwordless.sendEmail(body),
    sendSMS: body => a.passwordless.sendSMS(body),
    loginWithEmail: body => data(a.passwordless.loginWithEmail(body)),
    loginWithSMS: body => data(a.passwordless.loginWithSMS(body)),
    readsText: true,
    problem,
  }
}
