package web

import (
	"net/http"
	"strings"
)

// A Route is one row of a door's table of contents.
type Route struct {
	Method  string   `json:"method"`
	Pattern string   `json:"path"`             // of http.ServeMux, without the method: /clients/{id}
	Scopes  []string `json:"scopes,omitempty"` // any one of them is enough; none means that the door checks in another way
	Status  int      `json:"status,omitempty"` // of success
	Title   string   `json:"title"`            // what the operation does: Create a User
}

// Mux finds the row that a request belongs to and sets the request's path values. It is http.ServeMux, in two layers: a row
// that is ambiguous among the others goes to the first layer, which is asked before. The path is split before it is decoded,
// so that a segment may hold %2F.
type Mux[T any] struct{ first, second *http.ServeMux }

// NewMux returns an empty Mux.
func NewMux[T any]() *Mux[T] { return &Mux[T]{http.NewServeMux(), http.NewServeMux()} }

// Add adds a row. It panics if the pattern is malformed or was added before.
func (m *Mux[T]) Add(method, pattern string, row T) { add(m.second, method, pattern, row) }

// AddFirst adds a row that is looked at before all of Add.
func (m *Mux[T]) AddFirst(method, pattern string, row T) { add(m.first, method, pattern, row) }

func add[T any](mux *http.ServeMux, method, pattern string, row T) {
	mux.HandleFunc(method+" "+pattern, func(w http.ResponseWriter, _ *http.Request) {
		f := w.(*finding[T])
		f.row, f.found = row, true
	})
}

// Find returns the row of a request, if there is one.
func (m *Mux[T]) Find(r *http.Request) (row T, found bool) {
	mux := m.first
	if _, pattern := mux.Handler(r); pattern == "" { // which writes no answer, as to serve what is not there does
		mux = m.second
	}
	f := &finding[T]{}
	mux.ServeHTTP(f, r)
	return f.row, f.found
}

// Allowed names the methods that the address of a request takes, as the header Allow has them; "" if nothing is there.
func (m *Mux[T]) Allowed(r *http.Request) string {
	for _, mux := range []*http.ServeMux{m.first, m.second} {
		f := &finding[T]{}
		if mux.ServeHTTP(f, r); f.header.Get("Allow") != "" {
			return f.header.Get("Allow")
		}
	}
	return ""
}

// finding is a ResponseWriter that takes a row instead of an answer; what ServeMux writes when it finds none is dropped.
type finding[T any] struct {
	row    T
	found  bool
	header http.Header
}

func (f *finding[T]) Header() http.Header {
	if f.header == nil {
		f.header = http.Header{}
	}
	return f.header
}
func (f *finding[T]) Write(b []byte) (int, error) { return len(b), nil }
func (f *finding[T]) WriteHeader(int)             {}

// Wildcards returns the names in a pattern's braces.
func Wildcards(pattern string) []string {
	var names []string
	for _, part := range strings.Split(pattern, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}
