// Package ui holds what a browser or a mailbox receives from Stagedoor: the hosted pages as
// typed structs and templates, their stylesheet, and the bodies of mails.
//
// It never reads a request, a database or a setting: a door fills a page struct and calls
// [Render]. Every page works without scripts, carries no inline style or script (see [CSP]),
// and takes its words from texts/<language>.json, so that one more file is one more language.
//
//	page struct ──▶ Render ──▶ templates/layout.html + templates/pages/<page>.html ──▶ HTML
//	                              └▶ Frame.T ──▶ texts/<lang>.json
//	MailData ─────▶ Mail ────▶ mail/body.txt, mail/body.html ──▶ subject, text, HTML
//	[Dashboard] ──▶ dashboard/index.html + its modules, which ask the Management API from the browser
//
// All fields of all pages may hold hostile input: html/template escapes them by context,
// addresses that are neither http nor https nor a local path are dropped, and names are
// isolated so that a right-to-left override cannot rewrite the sentence around them.
//
// The heading typeface, Fraunces, is shipped with the pages under the SIL Open Font License
// (assets/fraunces-OFL.txt).
package ui
