// Generation 4: a manager for every noun, results in { data }.
import { AuthenticationClient, ManagementClient, UserInfoClient } from 'auth0-v4'

const data = async answer => (await answer).data

export const manage = credentials => new ManagementClient(credentials)

export function connect(credentials) {
  const m = new ManagementClient(credentials)
  const a = new AuthenticationClient(credentials)
  const info = new UserInfoClient({ domain: credentials.domain })
  const noun = (manager, key = 'id') => ({
    all: () => data(manager.getAll({ per_page: 100 })),
    get: id => data(manager.get({ [key]: id })),
    create: body => data(manager.create(body)),
    update: (id, body) => data(manager.update({ [key]: id }, body)),
    delete: id => data(manager.delete({ [key]: id })),
  })
  return {
    users: {
      get: id => data(m.users.get({ id })),
      update: (id, body) => data(m.users.update({ id }, body)),
      page: query => data(m.users.getAll({ ...query, include_totals: true })),
      byEmail: email => data(m.usersByEmail.getByEmail({ email })),
      create: body => data(m.users.create(body)),
      delete: id => data(m.users.delete({ id })),
    },
    clients: noun(m.clients, 'client_id'),
    rules: noun(m.rules),
    configs: {
      all: () => data(m.rulesConfigs.getAll()),
      set: (key, value) => data(m.rulesConfigs.set({ key }, { value })),
      delete: key => data(m.rulesConfigs.delete({ key })),
    },
    connections: noun(m.connections),
    apis: noun(m.resourceServers),
    grants: noun(m.clientGrants),
    logs: { page: query => data(m.logs.getAll(query)), get: id => data(m.logs.get({ id })) },
    settings: {
      get: () => data(m.tenants.getSettings()),
      update: body => data(m.tenants.updateSettings(body)),
    },
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
    problem: e => ({ status: e.statusCode, text: `${e.error} ${e.message}` }),
  }
}
