// A browser without JavaScript: it keeps cookies of every host, follows redirects, fills in the forms of the hosted pages and sends
// them. It has an authenticator app, which it sets up where a page offers it.
import { createHmac } from 'node:crypto'

const decode = text =>
  text.replace(/&(#x[0-9a-f]+|#\d+|amp|lt|gt|quot);/gi, (_, name) =>
    name[0] === '#'
      ? String.fromCodePoint(name[1] === 'x' ? parseInt(name.slice(2), 16) : Number(name.slice(1)))
      : { amp: '&', lt: '<', gt: '>', quot: '"' }[name.toLowerCase()])

const attributes = tag =>
  Object.fromEntries([...tag.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name, decode(value ?? '')]))

// authenticator is an app that was set up with a secret (RFC 6238). No code of it is given twice.
export class Authenticator {
  constructor(secret) {
    this.secret = secret.replaceAll(' ', '')
    this.last = 0
  }

  code() {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    const bits = [...this.secret].map(c => letters.indexOf(c).toString(2).padStart(5, '0')).join('')
    const key = Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)))
    this.last = Math.max(this.last + 1, Math.floor(Date.now() / 30000) - 1)
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(this.last))
    const sum = createHmac('sha1', key).update(counter).digest()
    const at = sum[sum.length - 1] & 15
    return String((sum.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, '0')
  }
}

export class Browser {
  #jar = new Map() // by host: name to value

  constructor({ email, password }) {
    this.person = { email, password }
    this.seen = [] // pages that the person had to do something on: login, code …
  }

  // forget drops the cookies of a host.
  forget(host) { this.#jar.delete(host) }

  async #send(url, request = {}) {
    const host = url.hostname // browsers do not tell ports apart
    const jar = this.#jar.get(host) ?? this.#jar.set(host, new Map()).get(host)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...request, headers: { ...request.headers, ...(cookie && { cookie }) }, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      const expires = /expires=([^;]+)/i.exec(line)?.[1]
      if (/max-age=0/i.test(line) || (expires && new Date(expires) < new Date())) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }

  // visit opens an address and does what the pages ask for, until an address that stop accepts is reached, which is not opened, or a page
  // that asks for nothing. It returns the address, and the page if there is one.
  async visit(address, stop = () => false) {
    let url = new URL(address)
    let request = {}
    for (let hop = 0; hop < 30; hop++) {
      if (stop(url, request)) return { url, form: request.body }
      const response = await this.#send(url, request)
      if (response.status >= 300 && response.status < 400) {
        url = new URL(response.headers.get('location'), url)
        request = {}
        continue
      }
      const body = await response.text()
      const form = /<form[\s>][\s\S]*?<\/form>/i.exec(body)?.[0]
      if (!form || !/method="?post/i.test(form)) return { url, status: response.status, body }
      if (response.status !== 200 || /class="problems"/.test(body)) throw new Error(`${response.status} from ${url}:\n${body}`)
      const from = url.origin
      const sent = this.#fill(form, body)
      url = new URL(attributes(/<form[^>]*>/i.exec(form)[0]).action || url, url)
      request = { method: 'POST', body: sent, headers: { origin: from, 'sec-fetch-site': url.origin === from ? 'same-origin' : 'cross-site' } }
    }
    throw new Error(`too many redirects: ${url}`)
  }

  #fill(form, page) {
    const body = new URLSearchParams()
    const secret = /class="secret"[\s\S]*?<code[^>]*>([^<]+)</.exec(page)?.[1]
    for (const [tag] of form.matchAll(/<(input|button)\b[^>]*>/gi)) {
      const { name, value = '', type } = attributes(tag)
      if (!name || body.has(name)) continue
      if (type === 'password') {
        this.seen.push('login')
        body.set(name, this.person.password)
      } else if (name === 'code') {
        if (secret) {
          this.app = new Authenticator(decode(secret))
        }
        this.seen.push(secret ? 'enroll' : 'code')
        body.set(name, this.app.code())
      } else if (type === 'email' || name === 'username') body.set(name, this.person.email)
      else if (name !== 'remember') body.set(name, value || (type === 'checkbox' ? 'on' : ''))
    }
    return body
  }
}
