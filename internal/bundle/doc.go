// Package bundle makes one file of a package of the npm registry and all that it depends on, for scripts to require.
//
//	Add    what an operator names: resolve ─▶ fetch, check the hash ─▶ unpack ─▶ Build
//	Build  a package that lies in node_modules: esbuild ─▶ one CommonJS file, what is in it, what it needs
//
// It never runs anything of a package: no install scripts, no Node. Packages that need either are refused, and so is machine code.
package bundle
