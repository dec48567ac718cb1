// Signs a person in through the hosted pages, as a browser without JavaScript would: follows
// redirects, keeps cookies, fills in the forms and sends them.
import { createHash, randomBytes } from 'node:crypto'

const decode = text =>
  text.replace(/&(#x[0-9a-f]+|#\d+|amp|lt|gt|quot);/gi, (_, name) =>
    name[0] === '#'
      ? String.fromCodePoint(name[1] === 'x' ? parseInt(name.slice(2), 16) : Number(name.slice(1)))
      : { amp: '&', lt: '<', gt: '>', quot: '"' }[name.toLowerCase()])

const attributes = tag =>
  Object.fromEntries([...tag.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, name, value]) => [name, decode(value)]))

// form reads the first form of a page: where it goes and what it sends unless told otherwise.
function form(page, url) {
  const html = /<form[\s>][\s\S]*?<\/form>/i.exec(page)?.[0]
  if (!html) throw new Error(`no form on ${url}:\n${page}`)
  const fields = {}
  for (const [tag] of html.matchAll(/<(input|button)\b[^>]*>/gi)) {
    const { name, value = '', type } = attributes(tag)
    if (name && !(name in fields)) fields[name] = { value, type }
  }
  return { action: new URL(attributes(html).action ?? url, url), fields }
}

export async function signIn({ domain, client_id, redirect_uri, email, password, scope, audience }) {
  const code_verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri, scope, state,
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(audience && { audience }),
  })
  const jar = new Map()
  let url = new URL(`https://${domain}/authorize?${query}`)
  let request = {}
  for (let hop = 0; hop < 20; hop++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...request, headers: { ...request.headers, cookie }, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (/max-age=0/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    if (response.status >= 300 && response.status < 400) {
      url = new URL(response.headers.get('location'), url)
      request = {}
      if (url.href.startsWith(redirect_uri)) {
        const answer = Object.fromEntries(url.searchParams)
        if (answer.error) throw new Error(`${answer.error}: ${answer.error_description}`)
        if (answer.state !== state) throw new Error('the state came back changed')
        return { code: answer.code, redirect_uri, code_verifier, url }
      }
      continue
    }
    const page = await response.text()
    if (response.status !== 200) throw new Error(`${response.status} from ${url}:\n${page}`)
    const { action, fields } = form(page, url)
    const body = new URLSearchParams()
    for (const [name, { value, type }] of Object.entries(fields)) {
      if (type === 'password') body.set(name, password)
      else if (type === 'email' || name === 'username') body.set(name, email)
      else body.set(name, value) // hidden values, and the first button: accept
    }
    if (/class="problems"/.test(page)) throw new Error(`the page refused:\n${page}`)
    const origin = url.origin
    url = action
    request = { method: 'POST', body, headers: { origin, 'sec-fetch-site': 'same-origin' } }
  }
  throw new Error('too many redirects')
}
