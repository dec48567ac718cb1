// Generation 4: every method of the managers.
import { assert, step } from '../assert.mjs'
import { Methods, fixtures } from '../methods.mjs'

const nouns = ['users', 'userBlocks', 'clients', 'connections', 'rules', 'actions', 'roles', 'organizations', 'jobs', 'tickets', 'logs']

export async function run({ management: m, generation }) {
  const all = new Methods(e => ({ status: e.statusCode, text: `${e.message} ${e.body ?? ''}` }))
  const w = Object.fromEntries(nouns.filter(n => m[n]).map(n => [n, all.watch(n, m[n])]))
  const usersByEmail = all.watch('usersByEmail', m.usersByEmail)
  const f = fixtures()
  const works = async call => (await all.works(call))?.data
  const { data: api } = await m.resourceServers.create(f.api)
  all.later(() => m.resourceServers.delete({ id: api.id }))

  const app = await step('clients', async () => {
    const app = await works(() => w.clients.create(f.app))
    const { client_id } = app
    all.later(() => w.clients.delete({ client_id }))
    assert.ok((await works(() => w.clients.getAll({ include_totals: true }))).total > 1)
    await works(() => w.clients.get({ client_id }))
    await works(() => w.clients.update({ client_id }, { description: 'x' }))
    assert.notEqual((await works(() => w.clients.rotateClientSecret({ client_id }))).client_secret, app.client_secret)
    const { id: credential_id } = await works(() => w.clients.createCredential({ client_id }, { credential_type: 'public_key', name: 'k', pem: f.pem }))
    assert.equal((await works(() => w.clients.getCredentials({ client_id }))).length, 1)
    await works(() => w.clients.getCredential({ client_id, credential_id }))
    await works(() => w.clients.updateCredential({ client_id, credential_id }, { expires_at: new Date(Date.now() + 1e8).toISOString() }))
    await works(() => w.clients.deleteCredential({ client_id, credential_id }))
    return app
  })

  const connection = await step('connections', async () => {
    const connection = await works(() => w.connections.create({ name: f.name, strategy: 'auth0', enabled_clients: [app.client_id] }))
    const { id } = connection
    all.later(() => w.connections.delete({ id }))
    assert.ok((await works(() => w.connections.getAll({ strategy: 'auth0' }))).some(c => c.id === id))
    await works(() => w.connections.get({ id }))
    await works(() => w.connections.update({ id }, { options: { passwordPolicy: 'low' } }))
    await all.answers([404], () => w.connections.checkStatus({ id }))
    await works(() => w.users.create({ ...f.person('gone'), connection: f.name }))
    await works(() => w.connections.deleteUserByEmail({ id, email: f.email('gone') }))
    const saml = await works(() => w.connections.create(f.saml))
    all.later(() => w.connections.delete({ id: saml.id }))
    await works(() => w.connections.createScimConfiguration({ id: saml.id }, f.scim))
    await works(() => w.connections.getScimConfiguration({ id: saml.id }))
    await works(() => w.connections.getDefaultScimMapping({ id: saml.id }))
    await works(() => w.connections.updateScimConfiguration({ id: saml.id }, f.scim))
    const { token_id } = await works(() => w.connections.createScimToken({ id: saml.id }, {}))
    assert.equal((await works(() => w.connections.getScimTokens({ id: saml.id }))).length, 1)
    await works(() => w.connections.deleteScimToken({ id: saml.id, tokenId: token_id }))
    await works(() => w.connections.deleteScimConfiguration({ id: saml.id }))
    return connection
  })

  await step('rules', async () => {
    const { id } = await works(() => w.rules.create(f.rule))
    await works(() => w.rules.getAll())
    await works(() => w.rules.get({ id }))
    await works(() => w.rules.update({ id }, { enabled: true }))
    await works(() => w.rules.delete({ id }))
  })

  const user = await step('users', async () => {
    const user = await works(() => w.users.create(f.person('ada')))
    const id = user.user_id
    all.later(() => w.users.delete({ id }))
    assert.equal((await works(() => w.users.getAll({ q: `email:"${f.email('ada')}"`, search_engine: 'v3' }))).length, 1)
    assert.equal((await works(() => usersByEmail.getByEmail({ email: f.email('ada') }))).length, 1)
    await works(() => w.users.get({ id }))
    await works(() => w.users.update({ id }, { name: 'Ada', user_metadata: { a: 1 } }))
    const other = await works(() => w.users.create(f.person('other')))
    assert.equal((await works(() => w.users.link({ id }, { user_id: other.user_id, provider: 'auth0' }))).length, 2)
    assert.equal((await works(() => w.users.unlink({ id, provider: 'auth0', user_id: other.user_id.split('|')[1] }))).length, 1)
    await works(() => w.users.getLogs({ id, page: 0, per_page: 5 }))
    await works(() => w.users.assignPermissions({ id }, { permissions: [f.permission] }))
    assert.equal((await works(() => w.users.getPermissions({ id }))).length, 1)
    await works(() => w.users.deletePermissions({ id }, { permissions: [f.permission] }))
    await works(() => w.users.getUserOrganizations({ id }))
    await works(() => w.users.getEnrollments({ id }))
    await works(() => w.users.regenerateRecoveryCode({ id }))
    await works(() => w.users.invalidateRememberBrowser({ id }))
    await works(() => w.users.deleteMultifactorProvider({ id, provider: 'duo' }))
    const phone = { type: 'phone', name: 'p', phone_number: '+15555550100' }
    const made = await works(() => w.users.createAuthenticationMethod({ id }, phone))
    const at = { id, authentication_method_id: made?.id ?? 'phone|dev_none' }
    await works(() => w.users.getAuthenticationMethods({ id }))
    await works(() => w.users.getAuthenticationMethod(at))
    await works(() => w.users.updateAuthenticationMethod(at, { name: 'q' }))
    await works(() => w.users.deleteAuthenticationMethod(at))
    await works(() => w.users.updateAuthenticationMethods({ id }, [phone]))
    await works(() => w.users.deleteAuthenticationMethods({ id }))
    await works(() => w.users.deleteAllAuthenticators({ id }))
    await works(() => w.users.getSessions({ user_id: id }))
    await works(() => w.users.deleteSessions({ user_id: id }))
    await works(() => w.users.getRefreshTokens({ user_id: id }))
    await works(() => w.users.deleteRefreshTokens({ user_id: id }))
    await works(() => w.userBlocks.get({ id }))
    await works(() => w.userBlocks.delete({ id }))
    await works(() => w.userBlocks.getAll({ identifier: f.email('ada') }))
    await works(() => w.userBlocks.deleteAll({ identifier: f.email('ada') }))
    await works(() => w.users.delete({ id: other.user_id }))
    return user
  })

  const role = await step('roles', async () => {
    const role = await works(() => w.roles.create({ name: f.name, description: 'd' }))
    const { id } = role
    all.later(() => w.roles.delete({ id }))
    await works(() => w.roles.getAll())
    await works(() => w.roles.get({ id }))
    await works(() => w.roles.update({ id }, { description: 'e' }))
    await works(() => w.roles.addPermissions({ id }, { permissions: [f.permission] }))
    assert.equal((await works(() => w.roles.getPermissions({ id }))).length, 1)
    await works(() => w.roles.deletePermissions({ id }, { permissions: [f.permission] }))
    await works(() => w.roles.assignUsers({ id }, { users: [user.user_id] }))
    assert.equal((await works(() => w.roles.getUsers({ id }))).length, 1)
    await works(() => w.users.deleteRoles({ id: user.user_id }, { roles: [id] }))
    await works(() => w.users.assignRoles({ id: user.user_id }, { roles: [id] }))
    assert.equal((await works(() => w.users.getRoles({ id: user.user_id }))).length, 1)
    return role
  })

  await step('organizations', async () => {
    const o = w.organizations
    const { id, name } = await works(() => o.create({ name: f.name.toLowerCase() }))
    all.later(() => o.delete({ id }))
    await works(() => o.getAll())
    await works(() => o.get({ id }))
    assert.equal((await works(() => o.getByName({ name }))).id, id)
    await works(() => o.update({ id }, { display_name: 'Every' }))
    const at = { id, connectionId: connection.id }
    await works(() => o.addEnabledConnection({ id }, { connection_id: connection.id, assign_membership_on_login: false }))
    assert.equal((await works(() => o.getEnabledConnections({ id }))).length, 1)
    await works(() => o.getEnabledConnection(at))
    await works(() => o.updateEnabledConnection(at, { assign_membership_on_login: true }))
    await works(() => o.deleteEnabledConnection(at))
    await works(() => o.addMembers({ id }, { members: [user.user_id] }))
    assert.equal((await works(() => o.getMembers({ id }))).length, 1)
    const member = { id, user_id: user.user_id }
    await works(() => o.addMemberRoles(member, { roles: [role.id] }))
    await works(() => o.getMemberRoles(member))
    await works(() => o.deleteMemberRoles(member, { roles: [role.id] }))
    await works(() => o.deleteMembers({ id }, { members: [user.user_id] }))
    const invitation = await works(() => o.createInvitation({ id },
      { inviter: { name: 'Ada' }, invitee: { email: f.email('guest') }, client_id: app.client_id, send_invitation_email: false }))
    assert.equal((await works(() => o.getInvitations({ id }))).length, 1)
    await works(() => o.getInvitation({ id, invitation_id: invitation.id }))
    await works(() => o.deleteInvitation({ id, invitation_id: invitation.id }))
  })

  await step('actions', async () => {
    const a = w.actions
    const { id } = await works(() => a.create(f.action))
    all.later(() => a.delete({ id, force: true }))
    await works(() => a.getAllTriggers())
    await works(() => a.getAll({ triggerId: 'post-login' }))
    await works(() => a.get({ id }))
    await works(() => a.update({ id }, { code: f.action.code + '\n' }))
    await works(() => a.test({ id }, f.event))
    await works(() => a.deploy({ id }))
    const [version] = (await works(() => a.getVersions({ actionId: id }))).versions
    await works(() => a.getVersion({ actionId: id, id: version.id }))
    await works(() => a.deployVersion({ actionId: id, id: version.id }, {}))
    await works(() => a.updateTriggerBindings({ triggerId: 'post-login' }, f.bindings(id)))
    assert.ok((await works(() => a.getTriggerBindings({ triggerId: 'post-login' }))).bindings.some(b => b.action.id === id))
    await works(() => a.updateTriggerBindings({ triggerId: 'post-login' }, f.bindings()))
    await all.answers([404], () => a.getExecution({ id: '00000000-0000-4000-8000-000000000000' }))
  })

  await step('jobs and tickets', async () => {
    const job = await works(() => w.jobs.importUsers({ users: new Blob([f.import], { type: 'application/json' }), connection_id: connection.id, send_completion_email: false }))
    await works(() => w.jobs.exportUsers({ connection_id: connection.id, format: 'csv', fields: [{ name: 'email' }] }))
    const at = { id: job?.id ?? 'job_0000000000000000' }
    while ((await works(() => w.jobs.get(at)))?.status === 'pending') await new Promise(next => setTimeout(next, 50))
    await works(() => w.jobs.getErrors(at))
    await works(() => w.jobs.verifyEmail({ user_id: user.user_id }))
    await works(() => w.tickets.verifyEmail({ user_id: user.user_id }))
    await works(() => w.tickets.changePassword({ user_id: user.user_id }))
  })

  await step('logs', async () => {
    const [entry] = await works(() => w.logs.getAll({ per_page: 1, page: 0 }))
    await works(() => w.logs.get({ id: entry.log_id }))
  })
  await step('deleting, and nothing forgotten', () => all.finish())
}
