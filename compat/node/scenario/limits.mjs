// A tenant that limits: the SDK waits as the headers tell, and every call succeeds.
import { assert, step } from '../assert.mjs'

export async function run({ sdk }) {
  await sdk.settings.update({ stagedoor: { management_rate: 1, management_burst: 2 } })
  try {
    await step('five calls, two at once allowed', async () => {
      const start = Date.now()
      for (let i = 0; i < 5; i++) await sdk.settings.get() // a list takes some generations two calls
      assert.ok(Date.now() - start >= 2000, 'nothing was limited')
    })
  } finally {
    await sdk.settings.update({ stagedoor: { management_rate: 0 } })
  }
}
