// Node's https client; see http.
const {client, Agent: Plain, unavailable} = require('http')[Symbol.for('stagedoor.http')];

function Agent(options) {
	if (!(this instanceof Agent)) return new Agent(options);
	Plain.call(this, options);
	this.defaultPort = 443;
	this.protocol = 'https:';
}
Object.setPrototypeOf(Agent, Plain);
Object.setPrototypeOf(Agent.prototype, Plain.prototype);

Object.assign(exports, client(true), {Agent, globalAgent: new Agent(), Server: function Server() { unavailable('https.Server')(); }, createServer: unavailable('https.createServer')});
