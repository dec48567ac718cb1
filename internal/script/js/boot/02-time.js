// Time and chance.

// What scripts take for the time stands still while they run, and moves with what happens to them: a timer that is due, an answer that
// has come. So a run can be repeated, whatever the machine is doing. All times are microseconds since the run began.
let now = 0;
let epoch = -1;              // when the run began, in milliseconds since 1970; -1: none has begun
let looks = 0;               // how often scripts have looked at the clock since something happened
let strayed = 0;             // what was taken before the run began, while modules were being made ready: 1 the time, 2 random numbers
const patience = 100;        // looks after which the clock moves on by itself, for scripts that wait in a loop

function clock() {
	if (++looks > patience) now += 10;
	return now;
}

// happened moves the clock to when something is due or came.
function happened(at) {
	looks = 0;
	if (at > now) now = at;
}

const OwnDate = Date, ownNow = Date.now, ownRandom = Math.random, construct = Reflect.construct;
function today() {
	if (epoch >= 0) return epoch + Math.floor(clock() / 1000);
	strayed |= 1;
	return ownNow();
}
globalThis.Date = new Proxy(OwnDate, {
	apply: () => new OwnDate(today()).toString(),
	construct: (target, args, to) => construct(target, args.length === 0 ? [today()] : args, to),
});
hidden(globalThis, 'Date', globalThis.Date);
hidden(OwnDate.prototype, 'constructor', Date);
hidden(OwnDate, 'now', function now() { return today(); });

// The generator behind Math.random is sfc32, begun with the run's seed; it is not for secrets, and neither is Math.random.
let chanceA = 1, chanceB = 2, chanceC = 3, chanceD = 4, unsown = '';
function draw() {
	if (unsown !== '') sow();
	const b = chanceB, c = chanceC, out = (chanceA + b | 0) + chanceD | 0;
	chanceA = b ^ b >>> 9;
	chanceB = c + (c << 3) | 0;
	chanceC = (c << 21 | c >>> 11) + out | 0;
	chanceD = chanceD + 1 | 0;
	return out >>> 0;
}
const number = parseInt, slice = Function.prototype.call.bind(String.prototype.slice);
function sow() { // most runs draw nothing
	const seed = unsown, part = at => number(slice(seed, at, at + 8), 16) | 0;
	unsown = '';
	chanceA = part(0);
	chanceB = part(8);
	chanceC = part(16);
	chanceD = part(24);
	for (let i = 0; i < 12; i++) draw();
}
hidden(Math, 'random', function random() {
	if (epoch >= 0) return ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992;
	strayed |= 2;
	return ownRandom();
});
