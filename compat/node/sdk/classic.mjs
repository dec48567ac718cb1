// The generations 2 and 3: one method for every operation, plain results.
export function classic({ ManagementClient, AuthenticationClient }) {
  return function connect(credentials) {
    const m = new ManagementClient(credentials)
    const a = new AuthenticationClient(credentials)
    return {
      users: {
        get: id => m.getUser({ id }),
        update: (id, body) => m.updateUser({ id }, body),
        page: query => m.getUsers({ ...query, include_totals: true }),
        byEmail: email => m.getUsersByEmail(email),
        create: body => m.createUser(body),
        delete: id => m.deleteUser({ id }),
        updateUserMetadata: (id, metadata) => m.updateUserMetadata({ id }, metadata),
        updateAppMetadata: (id, metadata) => m.updateAppMetadata({ id }, metadata),
      },
      clients: {
        all: () => m.getClients(),
        get: client_id => m.getClient({ client_id }),
        create: body => m.createClient(body),
        update: (client_id, body) => m.updateClient({ client_id }, body),
        delete: client_id => m.deleteClient({ client_id }),
      },
      rules: {
        all: () => m.getRules(),
        get: id => m.getRule({ id }),
        create: body => m.createRule(body),
        update: (id, body) => m.updateRule({ id }, body),
        delete: id => m.deleteRule({ id }),
      },
      configs: {
        all: () => m.getRulesConfigs(),
        set: (key, value) => m.setRulesConfig({ key }, { value }),
        delete: key => m.deleteRulesConfig({ key }),
      },
      connections: {
        all: () => m.getConnections(),
        get: id => m.getConnection({ id }),
        create: body => m.createConnection(body),
        update: (id, body) => m.updateConnection({ id }, body),
        delete: id => m.deleteConnection({ id }),
      },
      apis: {
        all: () => m.getResourceServers(),
        get: id => m.getResourceServer({ id }),
        create: body => m.createResourceServer(body),
        update: (id, body) => m.updateResourceServer({ id }, body),
        delete: id => m.deleteResourceServer({ id }),
      },
      grants: {
        all: () => m.getClientGrants(),
        create: body => m.createClientGrant(body),
        update: (id, body) => m.updateClientGrant({ id }, body),
        delete: id => m.deleteClientGrant({ id }),
      },
      logs: { page: query => m.getLogs(query), get: id => m.getLog({ id }) },
      settings: { get: () => m.getTenantSettings(), update: body => m.updateTenantSettings(body) },
      clientCredentials: audience => a.clientCredentialsGrant({ audience }),
      redeem: ({ code, redirect_uri, code_verifier }) =>
        a.oauth.authorizationCodeGrant({ code, redirect_uri, code_verifier }),
      refresh: refresh_token => a.refreshToken({ refresh_token }),
      userinfo: token => a.getProfile(token),
      signUp: body => a.database.signUp(body),
      changePassword: body => a.database.requestChangePasswordEmail(body),
      sendEmail: body => a.passwordless.sendEmail(body),
      sendSMS: body => a.passwordless.sendSMS(body),
      loginWithEmail: ({ email, code, ...more }) => a.passwordless.signIn({ username: email, otp: code, realm: 'email', ...more }),
      loginWithSMS: ({ phone_number, code, ...more }) => a.passwordless.signIn({ username: phone_number, otp: code, realm: 'sms', ...more }),
      problem: e => ({ status: e.statusCode, text: e.message }),
    }
  }
}
