// Assertions that the scenarios share.
import assert from 'node:assert/strict'

export { assert }

// step names what is tried, so that a failure tells how far the scenario came.
export async function step(name, work) {
  try {
    const result = await work()
    console.log(`ok   ${name}`)
    return result
  } catch (e) {
    console.log(`FAIL ${name}`)
    throw e
  }
}

// refused expects work to fail in the SDK with the status and with a text that matches.
export async function refused(sdk, status, text, work) {
  let answer
  try {
    answer = await work()
  } catch (e) {
    const problem = sdk.problem(e)
    assert.equal(problem.status, status, `status of: ${e.stack}`)
    assert.match(problem.text, text)
    return
  }
  assert.fail(`expected ${status}, got ${JSON.stringify(answer)}`)
}

// claims reads the payload of a token without verifying it.
export const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

export const unique = name => `${name}-${process.pid}-${Date.now().toString(36)}`
