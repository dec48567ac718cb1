// Execution is one run: a realm and its event loop, in turns. It is execution.go in JavaScript.
'use strict';
const ample = 250; // milliseconds of a turn's time within which an outcome is written for certain
const grace = 5000, slice = 50; // milliseconds: background work after the outcome; how long a turn goes on by itself
const said = {
	timeout: 'Request to Webtask exceeded allowed execution time', blocked: 'Blocked event loop.',
	loading: 'Script generated an unhandled synchronous exception.', large: 'The result of the rules is too large',
	objects: 'user and context must be objects',
};
const free = new Set(['read', 'write', 'shutdown', 'close', 'starttls', 'shake']); // calls about sockets, which count in bytes
const maxOutcome = 4 << 20; // bytes of what a run hands over
const idleSockets = 1000; // milliseconds that connections may be silent after the outcome
const firstWork = 2 ** 40; // numbers of work that Node does, apart from those of calls
const now = () => performance.now();
const {createCipheriv} = require('crypto');
const micros = ms => Math.round(ms * 1000);

exports.Execution = class Execution {
	constructor(worker, id, start, parts) {
		Object.assign(this, {worker, id, start, parts, rule: 0, started: [], calls: 0, pending: 0, logged: 0, outcome: null, sent: false, over: false,
			asked: 0, reads: new Set(), heard: 0, ticks: false, inbox: [], ready: [], answers: [], works: 0, ahead: 0, timer: null, extra: 0, importing: false, before: null, packed: '', stopped: false});
		this.born = now();
		const patience = start.repeat ? 5 : 1; // see execution.go
		this.deadline = this.born + patience * start.wall;
		this.cpu = patience * start.cpu;
		this.last = start.wall * 1000; // the deadline of a run that is repeated, in microseconds since it began
		this.chance = null;
	}

	begin() {
		this.realm = this.worker.realm();
		if (this.realm.strayed && this.start.record) this.realm = this.worker.newRealm(); // it has used time or chance that are not the run's
		this.realm.execution = this;
		this.step(() => this.load());
	}

	// load brings the scripts and the input into the realm. It returns a failure, or nothing.
	load() {
		this.realm.enter('time', this.start.clock, this.start.seed.slice(0, 32));
		const {start, realm, worker} = this, rules = start.rules || [], forms = start.forms || [];
		for (let i = 0; i < rules.length; i++) {
			let script;
			try {
				script = worker.script(rules[i], forms[i] || '');
			} catch (e) {
				this.native('log', ['error', require_wrong(e), i]);
				return {rule: i, kind: 'syntax', message: said.loading};
			}
			let ok = false;
			try {
				ok = realm.enter('add', realm.run(script)) === 1;
			} catch (e) { /* what evaluating it threw */ }
			if (!ok) return {rule: i, kind: 'exception', message: said.loading};
		}
		this.before = start.repeat ? new Map(Object.entries(start.globals || {}).map(([name, value]) => [name, JSON.stringify(value)])) : new Map(worker.globals);
		const kept = this.before.size ? worker.object(this.before) : '';
		realm.enter('begin', this.input(), kept, ...this.parts);
	}

	// input is what the realm begins with, as JSON.
	input() {
		const {configuration, domain, baseUrl, trigger, call} = this.start;
		return JSON.stringify(trigger ? {trigger} : call ? {call, configuration} : {configuration, domain, baseUrl});
	}

	// step is a turn: first, then what is due, with the promises that go on because of it. It arranges for the next one.
	step(first) {
		if (this.over) return;
		clearTimeout(this.timer);
		if (this.stopped) return this.finish();
		const began = now(), {realm} = this;
		let budget = this.cpu, last = false, next = 0, failure, thrown, timedOut = false, concluded = false, ran = false;
		if (this.deadline - began < budget) {
			budget = Math.max(this.deadline - began, 1);
			last = true;
		}
		const inside = () => {
			try {
				failure = first && first();
				this.promises();
				while (!failure && !this.importing) {
					if (!this.collect()) {
						next = -1;
						return;
					}
					next = realm.enter('tick', this.ready.length ? this.ready[0].at : this.start.repeat ? this.last : undefined, ran);
					this.promises();
					if (this.outcome && !this.sent) {
						concluded = true;
						this.packed = realm.enter('globals');
						if (budget - (now() - began) > ample) this.conclude(); // the clock that the turn is under takes longer to stop than all of this
						return;
					}
					if (next === -2 || ran && next !== 0 && this.ready.length) { // before the clock moves on Node tells of promises that nobody looks at
						next = 0;
						return;
					}
					ran = true;
					if (next !== 0 && this.ready.length) {
						const {at, work} = this.ready.shift();
						next = 0;
						realm.enter('happened', at);
						work();
						this.promises();
					}
					if (next !== 0 || this.importing || now() - began > slice) return;
				}
			} catch (e) {
				thrown = e;
			}
		};
		try {
			realm.turn(inside, Math.ceil(budget));
		} catch (e) {
			if (e && e.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') timedOut = true;
			else thrown = thrown || e;
		}
		if (this.outcome && !this.sent && (concluded || timedOut)) {
			this.conclude();
		} else if (failure) {
			return this.end(failure);
		} else if (timedOut || now() - began >= budget) {
			return this.end({rule: this.rule, kind: 'timeout', message: last ? said.timeout : said.blocked});
		} else if (thrown) {
			this.native('log', ['error', 'The script could not go on: ' + message(thrown), this.rule]);
			return this.end({rule: this.rule, kind: 'exception', message: said.loading});
		}
		if (this.stopped) return this.finish();
		if (this.importing && !timedOut) next = 0; // what was imported is there before anything else happens
		this.importing = false;
		this.arrange(timedOut && this.sent ? -1 : next);
	}

	// arrange waits for what comes next: n microseconds, or only what is pending when n is negative.
	arrange(next) {
		const blocked = this.start.repeat && this.pending > 0; // until all answers are there
		if (!blocked && this.inbox.length + this.ready.length > 0) return this.soon();
		if (next === 0) {
			setImmediate(() => this.step());
			return;
		}
		if (next < 0 && this.pending === 0) {
			// What Node itself has promised may have come about in the meantime; nothing else could call back any more.
			if (!this.sent && this.extra++ < 3) {
				setImmediate(() => this.step());
				return;
			}
			if (!this.sent) this.fail({rule: this.rule, kind: 'timeout', message: said.timeout});
			return this.finish();
		}
		this.extra = 0;
		if (this.start.repeat && this.pending === 0) { // a run that is repeated waits for nothing
			if (!this.sent) this.fail({rule: this.rule, kind: 'timeout', message: said.timeout});
			return this.finish();
		}
		let left = this.deadline - now();
		// The login has its outcome, and all that is waited for is what may come over connections: most scripts leave theirs open.
		const idle = this.sent && this.reads.size > 0 && this.pending === this.reads.size && (next < 0 || next / 1000 > left);
		if (idle) left = Math.min(left, this.heard + idleSockets - now());
		this.timer = setTimeout(() => {
			if (idle && now() >= this.heard + idleSockets) return this.finish();
			if (now() >= this.deadline) return this.end({rule: this.rule, kind: 'timeout', message: said.timeout});
			this.step();
		}, Math.max(next > 0 ? Math.min(left, next / 1000) : left, 0));
	}

	// promises lets promise jobs go on, and between them what process.nextTick has queued.
	promises() {
		for (;;) {
			this.realm.promises();
			if (!this.ticks) return;
			this.ticks = false;
			this.realm.enter('drain');
		}
	}

	// collect gives what has come its time: see collect and collectRepeated in execution.go. It reports false when a run that is repeated has
	// to wait for answers.
	collect() {
		const {start, realm, ready} = this;
		if (start.repeat && this.pending > 0) return false;
		for (const item of this.inbox.splice(0)) {
			const last = ready.length ? ready[ready.length - 1].at : 0;
			if (!start.repeat) {
				item.at = Math.max(realm.enter('horizon', micros(now() - this.born)) + 1, last + 1);
				if (start.record) this.answers.push([item.call, item.at]);
				ready.push(item);
				continue;
			}
			if (item.call > firstWork) item.at = ((start.answers || []).find(a => a[0] === item.call) || [0, -1])[1];
			if (item.at < 0) continue; // it never came
			item.at = Math.max(item.at || 0, this.ahead + 1);
			const place = ready.findIndex(other => other.at > item.at);
			ready.splice(place < 0 ? ready.length : place, 0, item);
		}
		return true;
	}

	// later announces work that comes from Node itself, and gives the function that brings it, once; null gives it up.
	later() {
		this.pending++;
		const call = firstWork + ++this.works;
		let open = true;
		return work => {
			if (!open) return;
			open = false;
			this.pending--;
			if (work === null || this.over) return;
			this.inbox.push({call, work});
			this.soon();
		};
	}

	soon() {
		if (this.waking) return;
		this.waking = true;
		setImmediate(() => {
			this.waking = false;
			if (this.inbox.length || this.ready.length) this.step();
		});
	}

	reply(m) {
		if (this.over) return;
		this.pending--;
		this.reads.delete(m.call);
		this.heard = now();
		const failed = m.error !== undefined && m.error !== null;
		const body = failed ? JSON.stringify(m.error) : m.result === undefined ? 'null' : JSON.stringify(m.result);
		const item = {call: m.call, at: m.at};
		item.work = () => this.realm.enter('settle', m.call, failed, body, item.at);
		this.inbox.push(item);
		this.step();
	}

	// rejected tells the realm of a promise that was rejected and that nobody looks at, or that somebody looks at it after all.
	rejected(promise, reason, handled) {
		this.step(() => { this.realm.enter('rejected', promise, reason, handled); });
	}

	cancel() {
		this.stopped = true;
		this.step();
	}

	end(failure) {
		this.fail(failure);
		this.finish();
	}

	finish() {
		if (this.over) return;
		this.over = true;
		clearTimeout(this.timer);
		this.worker.remember(this.realm);
		this.worker.finished(this);
		this.realm = null;
	}

	// conclude sends the outcome that the realm has reported, with what scripts left on `global`.
	conclude() {
		const after = new Map();
		if (this.packed) for (const [name, value] of Object.entries(JSON.parse(this.packed))) after.set(name, JSON.stringify(value));
		if (!this.start.repeat) this.worker.keep(this.before || new Map(), after);
		this.last = Math.max(this.last, this.ahead + grace * 1000);
		this.deadline = Math.max(this.deadline, now() + grace);
		this.report(this.outcome);
	}

	fail(failure) {
		this.report({failure: Object.assign({code: 'access_denied'}, failure), timings: this.timings(failure.kind)});
	}

	// timings are those of a run that was ended from outside.
	timings(last) {
		return this.started.map((began, i) => {
			const more = i + 1 < this.started.length;
			return {rule: i, began: micros(began - this.started[0]), micros: micros((more ? this.started[i + 1] : now()) - began), outcome: more ? 'continued' : last};
		});
	}

	// report sends the outcome, once. user and context are JSON already, and so is the value of a call.
	report(outcome) {
		if (this.sent) return;
		this.sent = true;
		this.heard = now();
		const {user, context, value, ...rest} = outcome;
		let raw = JSON.stringify(rest);
		if (value !== undefined) raw = raw.slice(0, -1) + (raw === '{}' ? '' : ',') + '"value":' + value + '}';
		if (!this.worker.send({type: 'outcome', run: this.id}, {outcome: raw}, user !== undefined ? [user, context] : [])) {
			this.worker.send({type: 'outcome', run: this.id, outcome: {failure: {rule: 0, kind: 'exception', code: 'access_denied', message: said.large}}});
		}
	}

	// native answers the realm.
	native(op, args) {
		switch (op) {
		case 'rule':
			this.rule = args[0];
			this.started.push(now());
			return;
		case 'at':
			this.ahead = args[0];
			return;
		case 'random':
			if (!this.chance) this.chance = createCipheriv('aes-256-ctr', Buffer.from(this.start.seed, 'hex'), Buffer.alloc(16));
			return this.chance.update(Buffer.alloc(args[0])).toString('base64');
		case 'ticks':
			this.ticks = true;
			return;
		case 'log':
			return this.log(...args);
		case 'outcome':
			return this.take(...args);
		case 'call': {
			const id = this.ask(args[0], args[1]);
			this.pending++;
			return id;
		}
		case 'token':
			return this.token();
		case 'shake':
			return this.text('shake', String(args[0]));
		}
		throw new Error('unknown operation "' + op + '"');
	}

	ask(method, params) {
		if (!free.has(method)) {
			if (this.calls >= this.start.calls) throw new Error('too many outgoing calls: ' + this.start.calls + ' are allowed');
			this.calls++;
		}
		if (this.pending > this.start.calls + 256) throw new Error('too many calls at a time');
		const call = ++this.asked;
		if (method === 'read') this.reads.add(call);
		if (!this.worker.send({type: 'call', run: this.id, call, method}, params ? {params} : undefined)) throw new Error('The call is too large');
		return call;
	}

	token() { return this.text('token', ''); }

	// module is the text of a package that was added.
	module(hash) {
		const code = this.text('module', JSON.stringify({hash}));
		if (code === undefined) throw new Error('no text');
		return code;
	}

	// text asks the server for a text and waits for it, with the event loop standing.
	text(method, params) {
		const m = this.worker.waitForReply(this.id, this.ask(method, params), Date.now() + (this.deadline - now()));
		if (!m) throw new Error('no answer');
		if (m.error) throw new Error(m.error.message);
		return typeof m.result === 'string' ? m.result : undefined;
	}

	log(level, line, rule) {
		if (this.logged > this.start.logBytes) return;
		this.logged += Buffer.byteLength(line) + 16;
		if (this.logged > this.start.logBytes) [level, line] = ['warn', 'more console output than is kept'];
		this.worker.send({type: 'log', run: this.id, level, text: line, rule});
	}

	// take keeps the outcome that the realm reports; the loop sends it.
	take(json, user, context) {
		if (this.outcome) return;
		if ([json, user, context].reduce((n, s) => n + (typeof s === 'string' ? Buffer.byteLength(s) : 0), 0) > maxOutcome) {
			this.outcome = {failure: {rule: this.rule, kind: 'exception', code: 'access_denied', message: said.large}};
			return;
		}
		const out = JSON.parse(json);
		if (user !== undefined) Object.assign(out, {user, context});
		if (out.failure === null) delete out.failure;
		if (out.failure) {
			delete out.user;
			delete out.context;
			delete out.effects;
			delete out.value;
		} else if (!this.start.trigger && !this.start.call && ![out.user, out.context].every(s => typeof s === 'string' && s[0] === '{')) {
			delete out.user;
			delete out.context;
			out.failure = {rule: (this.start.rules || []).length - 1, kind: 'exception', code: 'access_denied', message: said.objects};
		}
		this.outcome = out;
	}
};

const require_wrong = e => part('worker').wrong(e);
const message = e => {
	try {
		return String(e && e.message || e);
	} catch (again) {
		return 'unknown error';
	}
};
