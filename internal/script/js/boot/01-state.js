// The script room. The files of this folder are one function, in the order of their names. It is evaluated once in every fresh realm, before
// any tenant's code, and gives enter(op, ...), through which the worker drives the realm. Whatever a script does to the prototypes it sees dies
// with the realm.

const native = globalThis.__native, load = globalThis.__load;
delete globalThis.__native;
delete globalThis.__load;

const parse = JSON.parse, stringify = JSON.stringify;
const keysOf = Object.keys, define = Object.defineProperty, describe = Object.getOwnPropertyDescriptor;
const hidden = (target, name, value) => define(target, name, {value, writable: true, configurable: true, enumerable: false});
const stopwatch = () => native('now'); // how long rules take; scripts never see it

// What is going on.
let input = {};              // what the host sent
let rules = [];              // the rules' functions, in order
let current = -1;            // index of the rule that is running
let phase = 'idle';          // idle | ready (the next rule may start) | waiting (for a callback) | ended (the outcome is out)
let user, context;           // the live objects
let eventText = '';          // the event of a trigger, as JSON
let merged = [];             // [key, value] pairs that came from app_metadata
let projected = new Set();   // those of them that a rule has set
let began = 0;               // when the current rule started
let start = 0;               // when the run did
let runner = null;           // calls actions and hooks; null: rules
const timings = [];
let timing = null;           // the last of them, while it lacks how long it took
const old = [];              // what rules used that newer runtimes of theirs do not have: {rule, what}
