// Loaded before the deploy tool: it asks as fast as it can. By itself it asks eight times in a second, for the vendor's limits, and for all texts of all
// languages of a tenant that is most of a minute; what it asks, and how much at a time, stays as it is.
const pool = require('./node_modules/promise-pool-executor')
pool.PromisePoolExecutor = class extends pool.PromisePoolExecutor {
  constructor({ frequencyLimit, frequencyWindow, ...options }) {
    super(options)
  }
}
