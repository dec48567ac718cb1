// A5: the two calls of the settings screen, and what an operator does with users.
import { assert, refused, step, unique } from '../assert.mjs'

export async function run({ sdk, demo }) {
  const [listener] = demo.users
  const id = listener.user_id

  await step('GET and PATCH of a listener: J-vald3z, and the other keys survive', async () => {
    await sdk.users.update(id, { user_metadata: { displayName: 'before', theme: 'dark', nested: { kept: [1, 2.5, null] } } })
    const before = await sdk.users.get(id)
    assert.equal(before.user_id, id)
    assert.equal(before.email, listener.email)
    assert.equal(before.user_metadata.displayName, 'before')

    const answer = await sdk.users.update(id, { user_metadata: { displayName: 'J-vald3z' } })
    const after = await sdk.users.get(id)
    for (const user of [answer, after]) {
      assert.deepEqual(user.user_metadata, { ...before.user_metadata, displayName: 'J-vald3z' })
      assert.deepEqual(user.app_metadata, before.app_metadata)
    }
    assert.ok(after.updated_at >= before.updated_at)
    await sdk.users.update(id, { user_metadata: { nested: null } })
    assert.ok(!('nested' in (await sdk.users.get(id)).user_metadata))
  })

  if (sdk.users.updateUserMetadata) {
    await step('the older methods for metadata', async () => {
      const user = await sdk.users.updateUserMetadata(id, { displayName: 'Jay' })
      assert.equal(user.user_metadata.displayName, 'Jay')
      assert.equal(user.user_metadata.theme, 'dark')
      const back = await sdk.users.updateAppMetadata(id, { note: 'kept' })
      assert.equal(back.app_metadata.note, 'kept')
      await sdk.users.updateAppMetadata(id, { note: null })
    })
  }

  await step('a page of users with totals', async () => {
    const page = await sdk.users.page({ page: 0, per_page: 1 })
    assert.equal(page.start, 0)
    assert.equal(page.limit, 1)
    assert.equal(page.users.length, 1)
    assert.ok(page.total >= demo.users.length)
    const beyond = await sdk.users.page({ page: page.total, per_page: 1 })
    assert.deepEqual(beyond.users, [])
  })

  await step('users by e-mail', async () => {
    const found = await sdk.users.byEmail(listener.email)
    assert.deepEqual(found.map(u => u.user_id), [id])
    assert.deepEqual(await sdk.users.byEmail('nobody@nowhere.example'), [])
  })

  await step('create, refuse a second one, delete', async () => {
    const email = `${unique('new')}@mixtape.example`
    const body = {
      connection: 'Username-Password-Authentication', email, password: 'Correct-Horse-7', email_verified: true,
      user_metadata: { displayName: 'New', theme: 'light' }, app_metadata: { plan: 'free' },
    }
    const user = await sdk.users.create(body)
    assert.match(user.user_id, /^auth0\|/)
    assert.equal(user.email, email)
    assert.equal(user.email_verified, true)
    assert.deepEqual(user.user_metadata, body.user_metadata)
    assert.deepEqual(user.app_metadata, body.app_metadata)
    assert.deepEqual(user.identities, [{
      connection: body.connection, provider: 'auth0', isSocial: false, user_id: user.user_id.slice('auth0|'.length),
    }])
    await refused(sdk, 409, /The user already exists\./, () => sdk.users.create(body))

    const blocked = await sdk.users.update(user.user_id, { blocked: true, given_name: 'Ada' })
    assert.equal(blocked.blocked, true)
    assert.equal(blocked.given_name, 'Ada')

    await sdk.users.delete(user.user_id)
    await refused(sdk, 404, /The user does not exist\./, () => sdk.users.get(user.user_id))
  })

  await step('what is wrong is said clearly and changes nothing', async () => {
    const before = await sdk.users.get(id)
    await refused(sdk, 400, /Payload validation error/, () => sdk.users.update(id, { favourite: 'jazz' }))
    await refused(sdk, 400, /Payload validation error/, () => sdk.users.update(id, { user_metadata: 'text' }))
    assert.deepEqual(await sdk.users.get(id), before)
  })
}
