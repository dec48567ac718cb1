package script

import "embed"

// Types are declarations for editors and for TypeScript's checker: globals.d.ts is what Node.js has, rules.d.ts, actions.d.ts, hooks.d.ts and
// connections.d.ts (with legacy.d.ts) what each kind of script has.
//
//go:embed types/*.d.ts
var Types embed.FS
