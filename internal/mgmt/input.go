package mgmt

import (
	"bytes"
	"mime"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxBody bounds the body of a request in bytes (Management API fact sheet 1.1).
const maxBody = 1 << 20

// maxQuery bounds the query string of a request in bytes.
const maxQuery = 16 << 10

// none is the query of operations that take no parameters.
type none struct{}

// operation is what a row runs, with a description of what it takes.
type operation struct {
	run   func(*call) (any, error)
	query web.Shape // the parameters of the query
	body  web.Shape // the body; nil = none is looked at
	media string    // of the body; empty = application/json
	gives string    // the media type of the answer; empty = application/json

	needs [][]string // the groups of scopes of the row, taken apart once
	names []string   // of the wildcards in its pattern
}

// custom makes an operation that reads its body itself; shape describes it.
func custom(media string, shape web.Shape, run func(*call) (any, error)) operation {
	o := plain(run)
	o.body, o.media = shape, media
	return o
}

// query makes an operation whose parameters are those of In.
func query[In any](run func(*call, In) (any, error)) operation {
	schema := web.NewSchema[In]()
	return operation{query: schema.Shape(), run: func(c *call) (any, error) {
		if len(c.r.URL.RawQuery) > maxQuery {
			return nil, stagedoor.Errorf(stagedoor.URITooLong, "", "The query string is longer than %d bytes.", maxQuery)
		}
		in, err := schema.Query(c.r.URL.RawQuery)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	}}
}

// plain makes an operation without parameters. A body is not looked at.
func plain(run func(*call) (any, error)) operation {
	return query(func(c *call, _ none) (any, error) { return run(c) })
}

// body makes an operation whose body is an In.
func body[In any](run func(*call, In) (any, error)) operation {
	return bodyUpTo(func(*call) int64 { return maxBody }, run)
}

// optionalBody makes an operation whose body is an In, or nothing or null, which mean the same as {}.
func optionalBody[In any](run func(*call, In) (any, error)) operation {
	schema := web.NewSchema[In]()
	o := query(func(c *call, _ none) (any, error) {
		var in In
		if c.r.ContentLength != 0 {
			var err error
			if c.body, err = readBody(c, maxBody); err != nil {
				return nil, err
			}
		}
		if text := string(bytes.TrimSpace(c.body)); text == "" || text == "null" {
			c.body = []byte("{}")
			return run(c, in)
		}
		in, err := schema.Decode(c.body)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	})
	o.body = schema.Shape()
	return o
}

// readBody is web.ReadBody that also takes JSON which is said to be a form: curl says so wherever nobody says what it sends, as in many
// examples of the wire. Pages of other origins gain nothing by it: who asks is told by Authorization, and never by a cookie.
func readBody(c *call, limit int64) ([]byte, error) {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return web.ReadBody(c.w, c.r, limit)
	}
	r := c.r.Clone(c.r.Context())
	r.Header.Del("Content-Type")
	body, err := web.ReadBody(c.w, r, limit)
	if text := bytes.TrimSpace(body); err == nil && (len(text) == 0 || text[0] != '{' && text[0] != '[') {
		return nil, web.NotJSON()
	}
	return body, err
}

// userBody makes an operation whose body may hold both metadata objects of a user in the largest size that the tenant allows.
func userBody[In any](run func(*call, In) (any, error)) operation {
	return bodyUpTo(func(c *call) int64 {
		return maxBody + 2*int64(c.store.Tenant().Settings.MetadataLimit())
	}, run)
}

func bodyUpTo[In any](limit func(*call) int64, run func(*call, In) (any, error)) operation {
	schema := web.NewSchema[In]()
	o := query(func(c *call, _ none) (any, error) {
		var err error
		if c.body, err = readBody(c, limit(c)); err != nil {
			return nil, err
		}
		in, err := schema.Decode(c.body)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	})
	o.body = schema.Shape()
	return o
}

// listed answers a page of a configuration noun that is small enough to be read whole: by checkpoint if one was asked for,
// else by offset, with a Link header where no totals are shown.
func listed[T any](c *call, paging web.Paging, at web.Checkpoint, key string, all []T, id func(T) string, show func(T) (any, error)) (any, error) {
	page, next := web.Cut(paging, all), ""
	if at.Asked() {
		var v *web.Violation
		if page, next, v = web.After(at, all, id); v != nil {
			return nil, bad("invalid_paging", v.Reason)
		}
	}
	return shownPage(c, paging, at, key, page, len(all), next, show)
}

// listedPages is listed where nothing is left out: the database reads the page alone.
func listedPages[T any](c *call, paging web.Paging, at web.Checkpoint, key string, all store.Pages[T], show func(T) (any, error)) (any, error) {
	if !at.Asked() {
		page, total, err := all.Page(c.ctx(), paging.Start(), paging.Size())
		if err != nil {
			return nil, err
		}
		return shownPage(c, paging, at, key, page, total, "", show)
	}
	last, following := at.Around()
	if at.From != "" && last == "" {
		return nil, bad("invalid_paging", web.WrongCheckpoint().Reason)
	}
	more, err := all.Behind(c.ctx(), last, following, at.Take.Or(50)+1)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, bad("invalid_paging", web.WrongCheckpoint().Reason)
	}
	if err != nil {
		return nil, err
	}
	page, next := web.First(at, more, all.ID)
	return shownPage(c, paging, at, key, page, 0, next, show)
}

// shownPage answers a page of total items; next is the checkpoint behind it.
func shownPage[T any](c *call, paging web.Paging, at web.Checkpoint, key string, page []T, total int, next string, show func(T) (any, error)) (any, error) {
	shown := make([]any, len(page))
	for i, item := range page {
		var err error
		if shown[i], err = show(item); err != nil {
			return nil, err
		}
	}
	if at.Asked() {
		return web.CheckpointEnvelope(key, shown, next), nil
	}
	if link := paging.Link(c.r.URL, total); !paging.IncludeTotals && link != "" {
		c.w.Header().Set("Link", link)
	}
	return web.Envelope(paging, key, shown, total), nil
}

// unsupported is the answer to a setting that would change what the server does, and that it does not know yet: better than to
// keep it and do nothing.
func unsupported(what string) error {
	return stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s is not supported by this server.", what)
}

// bad is a 400 in the words that clients know.
func bad(code, message string) error { return stagedoor.Errorf(stagedoor.Invalid, code, "%s", message) }

// shortMetadata refuses a name or a value of metadata that is longer than 255 characters (Management API fact sheet 3.21).
func shortMetadata(path, name, value string) error {
	const most = 255
	if n := max(utf8.RuneCountInString(name), utf8.RuneCountInString(value)); n > most {
		return badProperty(path+"."+bounded(name, 40), "String is too long ("+itoa(n)+" chars), maximum "+itoa(most))
	}
	return nil
}

// metadataIn is metadata of texts that replaces what was there; null stands for a key that is not to be.
type metadataIn map[string]web.Opt[string]

// texts returns the metadata to keep, nil where there is none.
func texts(in metadataIn) (map[string]string, error) {
	if in == nil {
		return nil, nil
	}
	out := map[string]string{}
	for name, value := range in {
		if err := shortMetadata("metadata", name, value.Value); err != nil {
			return nil, err
		}
		if value.Has() {
			out[name] = value.Value
		}
	}
	return out, nil
}

// badProperty is the violation of one property of the body.
func badProperty(path, reason string) error {
	return (&web.Violation{Path: path, Reason: reason}).Body()
}
