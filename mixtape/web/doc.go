// Package web serves Mixtape's web client: a single-page app for phones, on the official SDK for
// single-page apps.
//
// The app's source is in src/ and is bundled by build.mjs; the built files in dist/ are committed and
// embedded, so that serving them needs no Node. [Handler] adds what the files cannot know: the
// addresses of the identity server and of Mixtape's API, in /config.json and in the Content-Security-Policy.
//
// This package holds no secret and sees no token: tokens go from the identity server to the browser's
// memory, and from there to the APIs.
package web
