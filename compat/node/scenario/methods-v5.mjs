// Generations from 5 on: every method of the clients and of the clients in them.
import { assert, step } from '../assert.mjs'
import { Methods, fixtures } from '../methods.mjs'

const nobody = 'grp_0000000000000000' // a group that there is not
const nouns = ['users', 'userBlocks', 'clients', 'connections', 'rules', 'actions', 'roles', 'organizations', 'jobs', 'tickets', 'logs']

export async function run({ management: m }) {
  const all = new Methods(e => ({ status: e.statusCode, text: e.message }))
  const w = Object.fromEntries(nouns.map(n => [n, all.watch(n, m[n])]))
  const f = fixtures()
  const works = call => all.works(call)
  const api = await m.resourceServers.create(f.api)
  all.later(() => m.resourceServers.delete(api.id))

  const app = await step('clients', async () => {
    const c = w.clients
    const app = await works(() => c.create(f.app))
    const id = app.client_id
    all.later(() => c.delete(id))
    assert.ok((await works(() => c.list())).data.length > 1)
    await works(() => c.get(id))
    await works(() => c.update(id, { description: 'x' }))
    assert.notEqual((await works(() => c.rotateSecret(id))).client_secret, app.client_secret)
    const credential = await works(() => c.credentials.create(id, { credential_type: 'public_key', name: 'k', pem: f.pem }))
    assert.equal((await works(() => c.credentials.list(id))).length, 1)
    await works(() => c.credentials.get(id, credential.id))
    await works(() => c.credentials.update(id, credential.id, { expires_at: new Date(Date.now() + 1e8).toISOString() }))
    await works(() => c.credentials.delete(id, credential.id))
    await works(() => c.connections.get(id))
    // documents at an address that nobody reads from here
    await all.answers([400], () => c.previewCimdMetadata({ external_client_id: 'https://client.invalid/metadata.json' }))
    await all.answers([400], () => c.registerCimdClient({ external_client_id: 'https://client.invalid/metadata.json' }))
    return app
  })

  const connection = await step('connections', async () => {
    const c = w.connections
    const connection = await works(() => c.create({ name: f.name, strategy: 'auth0' }))
    const { id } = connection
    all.later(() => c.delete(id))
    assert.ok((await works(() => c.list({ strategy: ['auth0'] }))).data.some(c => c.id === id))
    await works(() => c.get(id))
    await works(() => c.update(id, { options: { passwordPolicy: 'low' } }))
    await all.answers([404], () => c.checkStatus(id))
    await works(() => c.clients.update(id, [{ client_id: app.client_id, status: true }]))
    assert.equal((await works(() => c.clients.get(id))).data.length, 1)
    await works(() => w.users.create({ ...f.person('gone'), connection: f.name }))
    await works(() => c.users.deleteByEmail(id, { email: f.email('gone') }))

    const saml = await works(() => c.create(f.saml))
    all.later(() => c.delete(saml.id))
    const s = c.scimConfiguration
    await works(() => s.create(saml.id, f.scim))
    assert.ok((await works(() => s.list())).data.length > 0)
    await works(() => s.get(saml.id))
    await works(() => s.getDefaultMapping(saml.id))
    await works(() => s.update(saml.id, f.scim))
    const { token_id } = await works(() => s.tokens.create(saml.id, {}))
    assert.equal((await works(() => s.tokens.get(saml.id))).length, 1)
    await works(() => s.tokens.delete(saml.id, token_id))
    await works(() => s.delete(saml.id))

    const okta = await works(() => c.create(f.okta))
    all.later(() => c.delete(okta.id))
    await works(() => c.keys.create(okta.id, {}))
    assert.ok((await works(() => c.keys.get(okta.id))).length > 0)
    await works(() => c.keys.rotate(okta.id, {}))

    const google = await works(() => c.create(f.google))
    all.later(() => c.delete(google.id))
    const d = c.directoryProvisioning
    await works(() => d.create(google.id, { synchronize_groups: 'selected' }))
    await works(() => d.list())
    await works(() => d.get(google.id))
    await works(() => d.getDefaultMapping(google.id))
    await works(() => d.update(google.id, { synchronize_automatically: false }))
    await works(() => d.set(google.id, { groups: [{ id: 'group1' }] }))
    await works(() => d.listSynchronizedGroups(google.id))
    await works(() => d.synchronizations.create(google.id))
    if (d.addSynchronizedGroupSelections) { // of generation 7
      await works(() => d.addSynchronizedGroupSelections(google.id, { groups: [{ id: 'group2' }] }))
      await works(() => d.deleteSynchronizedGroupSelections(google.id, { groups: [{ id: 'group2' }] }))
    }
    await works(() => d.delete(google.id))
    return connection
  })

  await step('rules', async () => {
    const { id } = await works(() => w.rules.create(f.rule))
    await works(() => w.rules.list())
    await works(() => w.rules.get(id))
    await works(() => w.rules.update(id, { enabled: true }))
    await works(() => w.rules.delete(id))
  })

  const user = await step('users', async () => {
    const u = w.users
    const user = await works(() => u.create(f.person('ada')))
    const id = user.user_id
    all.later(() => u.delete(id))
    assert.equal((await works(() => u.list({ q: `email:"${f.email('ada')}"`, search_engine: 'v3' }))).data.length, 1)
    assert.equal((await works(() => u.listUsersByEmail({ email: f.email('ada') }))).length, 1)
    await works(() => u.get(id))
    await works(() => u.update(id, { name: 'Ada', user_metadata: { a: 1 } }))
    const other = await works(() => u.create(f.person('other')))
    assert.equal((await works(() => u.identities.link(id, { user_id: other.user_id, provider: 'auth0' }))).length, 2)
    assert.equal((await works(() => u.identities.delete(id, 'auth0', other.user_id.split('|')[1]))).length, 1)
    await works(() => u.logs.list(id))
    await works(() => u.permissions.create(id, { permissions: [f.permission] }))
    assert.equal((await works(() => u.permissions.list(id))).data.length, 1)
    await works(() => u.permissions.delete(id, { permissions: [f.permission] }))
    await works(() => u.organizations.list(id))
    await works(() => u.enrollments.get(id))
    await works(() => u.regenerateRecoveryCode(id))
    await works(() => u.multifactor.invalidateRememberBrowser(id))
    await works(() => u.multifactor.deleteProvider(id, 'duo'))
    const phone = { type: 'phone', name: 'p', phone_number: '+15555550100' }
    const made = await works(() => u.authenticationMethods.create(id, phone))
    const method = made?.id ?? 'phone|dev_none'
    await works(() => u.authenticationMethods.list(id))
    await works(() => u.authenticationMethods.get(id, method))
    await works(() => u.authenticationMethods.update(id, method, { name: 'q' }))
    await works(() => u.authenticationMethods.delete(id, method))
    await works(() => u.authenticationMethods.set(id, [phone]))
    await works(() => u.authenticationMethods.deleteAll(id))
    await works(() => u.authenticators.deleteAll(id))
    await works(() => u.connectedAccounts.list(id))
    await works(() => u.groups.get(id))
    await works(() => u.riskAssessments.clear(id, { connection: f.database, assessors: ['new-device'] }))
    await works(() => u.sessions.list(id))
    await works(() => u.sessions.delete(id))
    await works(() => u.refreshToken.list(id))
    await works(() => u.refreshToken.delete(id))
    await works(() => u.revokeAccess(id, {}))
    if (u.federatedConnectionsTokensets) { // gone in generation 7
      await all.answers([404], () => u.federatedConnectionsTokensets.list(id)) // not among the operations that are known
      await all.answers([404], () => u.federatedConnectionsTokensets.delete(id, 'none'))
    }
    if (u.effectiveRoles) { // of generation 7
      await works(() => u.effectiveRoles.list(id))
      await all.answers([404], () => u.effectiveRoles.sources.groups.list(id, { role_id: 'rol_0000000000000000' }))
      await works(() => u.effectivePermissions.list(id, { resource_server_identifier: f.api.identifier }))
      await works(() => u.effectivePermissions.sources.roles.list(id, { resource_server_identifier: f.api.identifier, permission_name: f.permission.permission_name }))
    }
    await works(() => w.userBlocks.list(id))
    await works(() => w.userBlocks.delete(id))
    await works(() => w.userBlocks.listByIdentifier({ identifier: f.email('ada') }))
    await works(() => w.userBlocks.deleteByIdentifier({ identifier: f.email('ada') }))
    await works(() => u.delete(other.user_id))
    return user
  })

  const role = await step('roles', async () => {
    const r = w.roles
    const role = await works(() => r.create({ name: f.name, description: 'd' }))
    const { id } = role
    all.later(() => r.delete(id))
    await works(() => r.list())
    await works(() => r.get(id))
    await works(() => r.update(id, { description: 'e' }))
    await works(() => r.permissions.add(id, { permissions: [f.permission] }))
    assert.equal((await works(() => r.permissions.list(id))).data.length, 1)
    await works(() => r.permissions.delete(id, { permissions: [f.permission] }))
    await works(() => r.users.assign(id, { users: [user.user_id] }))
    assert.equal((await works(() => r.users.list(id))).data.length, 1)
    await works(() => w.users.roles.delete(user.user_id, { roles: [id] }))
    await works(() => w.users.roles.assign(user.user_id, { roles: [id] }))
    assert.equal((await works(() => w.users.roles.list(user.user_id))).data.length, 1)
    if (r.groups) { // of generation 7
      await works(() => r.groups.get(id))
      await all.answers([404], () => r.groups.create(id, { groups: [nobody] }))
      await all.answers([404], () => r.groups.delete(id, { groups: [nobody] }))
    }
    return role
  })

  // newer calls what generations 6 and 7 have of organizations.
  async function newer(o, id, name) {
    if (o.search) assert.equal((await works(() => o.search({ q: `name eq "${name}"`, parser: 'scim' }))).data.length, 1)
    const c = o.clients
    await works(() => c.create(id, { clients: [{ client_id: app.client_id }] }))
    assert.equal((await works(() => c.list(id))).data.length, 1)
    await works(() => c.get(id, app.client_id))
    await works(() => c.update(id, app.client_id, { use_for_member_access: false }))
    await works(() => c.delete(id, { clients: [app.client_id] }))
    await works(() => o.groups.list(id))
    await all.answers([404], () => o.groups.roles.list(id, nobody))
    await all.answers([404], () => o.groups.roles.create(id, nobody, { roles: [role.id] }))
    await all.answers([404], () => o.groups.roles.delete(id, nobody, { roles: [role.id] }))
    await works(() => o.roles.members.list(id, role.id))
    await works(() => o.roles.groups.list(id, role.id))
    await works(() => o.members.create(id, { members: [user.user_id] }))
    await works(() => o.members.effectiveRoles.list(id, user.user_id))
    await works(() => o.members.effectiveRoles.sources.groups.list(id, user.user_id, { role_id: role.id }))
    await all.answers([404], () => o.organizationTemplate.get(id)) // not among the operations that are known
    await all.answers([404], () => o.organizationTemplate.assignOrganizationTemplate(id, 'none'))
    await all.answers([404], () => o.organizationTemplate.unassignOrganizationTemplate(id, 'none'))
  }

  await step('organizations', async () => {
    const o = w.organizations
    const { id, name } = await works(() => o.create({ name: f.name.toLowerCase() }))
    all.later(() => o.delete(id))
    await works(() => o.list())
    await works(() => o.get(id))
    assert.equal((await works(() => o.getByName(name))).id, id)
    await works(() => o.update(id, { display_name: 'Every' }))
    for (const c of [o.enabledConnections, o.connections]) {
      await works(() => (c.add ?? c.create)(id, { connection_id: connection.id, assign_membership_on_login: false }))
      assert.equal((await works(() => c.list(id))).data.length, 1)
      await works(() => c.get(id, connection.id))
      await works(() => c.update(id, connection.id, { assign_membership_on_login: true }))
      await works(() => c.delete(id, connection.id))
    }
    await works(() => o.members.create(id, { members: [user.user_id] }))
    assert.equal((await works(() => o.members.list(id))).data.length, 1)
    await works(() => o.members.roles.assign(id, user.user_id, { roles: [role.id] }))
    await works(() => o.members.roles.list(id, user.user_id))
    await works(() => o.members.roles.delete(id, user.user_id, { roles: [role.id] }))
    await works(() => o.members.delete(id, { members: [user.user_id] }))
    const invitation = await works(() => o.invitations.create(id,
      { inviter: { name: 'Ada' }, invitee: { email: f.email('guest') }, client_id: app.client_id, send_invitation_email: false }))
    assert.equal((await works(() => o.invitations.list(id))).data.length, 1)
    await works(() => o.invitations.get(id, invitation.id))
    await works(() => o.invitations.delete(id, invitation.id))
    const grant = await works(() => m.clientGrants.create({ client_id: app.client_id, audience: f.api.identifier, scope: [], organization_usage: 'allow' }))
    await works(() => o.clientGrants.create(id, { grant_id: grant.id }))
    assert.equal((await works(() => o.clientGrants.list(id))).data.length, 1)
    await works(() => o.clientGrants.delete(id, grant.id))
    const domain = await works(() => o.discoveryDomains.create(id, { domain: `${name.replaceAll('_', '-')}.example` }))
    await works(() => o.discoveryDomains.list(id))
    await works(() => o.discoveryDomains.get(id, domain.id))
    await works(() => o.discoveryDomains.getByName(id, domain.domain))
    await works(() => o.discoveryDomains.update(id, domain.id, { status: 'verified' }))
    await works(() => o.discoveryDomains.delete(id, domain.id))
    if (o.clients) await newer(o, id, name)
  })

  await step('actions', async () => {
    const a = w.actions
    const { id } = await works(() => a.create(f.action))
    all.later(() => a.delete(id, { force: true }))
    await works(() => a.triggers.list())
    await works(() => a.list({ triggerId: 'post-login' }))
    await works(() => a.get(id))
    await works(() => a.update(id, { code: f.action.code + '\n' }))
    await works(() => a.test(id, f.event))
    await works(() => a.deploy(id))
    const [version] = (await works(() => a.versions.list(id))).data
    await works(() => a.versions.get(id, version.id))
    await works(() => a.versions.deploy(id, version.id, {}))
    await works(() => a.triggers.bindings.updateMany('post-login', f.bindings(id)))
    assert.ok((await works(() => a.triggers.bindings.list('post-login'))).data.some(b => b.action.id === id))
    await works(() => a.triggers.bindings.updateMany('post-login', f.bindings()))
    await all.answers([404], () => a.executions.get('00000000-0000-4000-8000-000000000000'))

    const module = await works(() => a.modules.create({ name: f.name, code: 'module.exports = {}' }))
    all.later(() => a.modules.delete(module.id))
    await works(() => a.modules.list())
    await works(() => a.modules.get(module.id))
    await works(() => a.modules.update(module.id, { code: 'module.exports = { a: 1 }' }))
    await works(() => a.modules.listActions(module.id))
    await works(() => a.modules.versions.create(module.id))
    const [made] = (await works(() => a.modules.versions.list(module.id))).data
    await works(() => a.modules.versions.get(module.id, made.id))
    await works(() => a.modules.rollback(module.id, { module_version_id: made.id }))
  })

  await step('jobs and tickets', async () => {
    const users = new File([f.import], 'users.json', { type: 'application/json' })
    const job = await works(() => w.jobs.usersImports.create({ users, connection_id: connection.id, send_completion_email: false }))
    await works(() => w.jobs.usersExports.create({ connection_id: connection.id, format: 'csv', fields: [{ name: 'email' }] }))
    const id = job?.id ?? 'job_0000000000000000'
    while ((await works(() => w.jobs.get(id)))?.status === 'pending') await new Promise(next => setTimeout(next, 50))
    await works(() => w.jobs.errors.get(id))
    await works(() => w.jobs.verificationEmail.create({ user_id: user.user_id }))
    await works(() => w.tickets.verifyEmail({ user_id: user.user_id }))
    await works(() => w.tickets.changePassword({ user_id: user.user_id }))
  })

  await step('logs', async () => {
    const [entry] = (await works(() => w.logs.list({ per_page: 1 }))).data
    await works(() => w.logs.get(entry.log_id))
  })
  await step('deleting, and nothing forgotten', () => all.finish())
}
