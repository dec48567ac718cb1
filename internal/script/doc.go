// Package script runs tenants' JavaScript outside of the server: rules, actions, hooks and the scripts of connections, in worker processes that can be limited and killed.
//
// The server side is [Host]: it starts workers (its own binary, run as `stagedoor script-worker`), hands each to one tenant at a time,
// answers what scripts ask for, and ends workers that hang, grow, or wait too long. The worker side is [WorkerMain]: it serves one small
// protocol on stdin and stdout, described in PROTOCOL.md, with a pure Go QuickJS. Nothing of the engine is ever loaded in the server.
//
//	Host.Rules   ──run──▶ process ──stdin──▶ worker: one realm per run, a spare one always ready
//	Host.Trigger            │◀──stdout── calls: http, metadata, token · lines of console · outcome · done
//	   ▲                    │
//	   └── Outcome, Effects ┘
//
// call.go is the table of what connections let scripts do: the scripts of databases and of custom social connections; Host.Call calls one.
// triggers.go is the table of the places at which actions and hooks run. What they ask for comes back as [Effects] and is applied by the
// caller: nothing here changes a user or a token.
//
// What a script can do is what the protocol lets it ask for. A worker has no environment, no inherited descriptors, little memory and no
// files to write, and on Linux no network of its own where the kernel lets it be started so; its calls to the outside are made by the
// server, through the client that the server was given. The JavaScript side (js/) keeps scripts convenient, not safe: the process is the wall.
//
// # State between runs
//
// Every run gets a realm of its own, so prototypes and globals cannot leak from one login into another. (A realm that has served a run serves
// another when all of its memory has been made what it was before the first; see heap.go.) The one exception is what the
// surface documents: properties that a script puts on `global` are seen by later runs of the same tenant in the same worker. They are kept
// whole or not at all: strings, numbers, booleans, null, undefined, BigInts, dates, regular expressions, arrays, plain objects, maps, sets,
// byte arrays and buffers, in any nesting, cycles included. A property that holds a function, a promise, an accessor or an instance of a
// class anywhere inside is left out, and scripts make it anew, as they must after any recycling of a worker.
//
// # Divergences that scripts can notice
//
// Error texts of the engine are QuickJS's, not V8's; there is no Intl, and texts for another locale than en-US are refused; a rule that can never call back (nothing is pending that could)
// ends at once with the text of the time limit instead of after it; options of `request` that have no effect are logged. docs/divergences.md
// has those of Node's modules.
package script
