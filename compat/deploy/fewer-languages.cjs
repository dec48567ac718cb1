// Loaded before the deploy tool: of the languages that a tenant's file may have texts in, leaves two. The tool makes a schema of all of them with
// all pages each time it checks a file, which takes it 20 seconds of work; what it asks of the server stays as it is.
const { languages } = require('./node_modules/auth0-deploy-cli/lib/types')
languages.splice(0, languages.length, 'de', 'en')
