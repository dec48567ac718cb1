package web

// Opt is a member of a body that may be absent, null or a value.
type Opt[T any] struct {
	Set   bool // the member was there, be it null
	Null  bool // it was null
	Value T    // the zero value unless Has
}

// Some returns an Opt that holds value.
func Some[T any](value T) Opt[T] { return Opt[T]{Set: true, Value: value} }

// Has tells whether the member was there with a value.
func (o Opt[T]) Has() bool { return o.Set && !o.Null }

// Or returns the value, or otherwise if there is none.
func (o Opt[T]) Or(otherwise T) T {
	if o.Has() {
		return o.Value
	}
	return otherwise
}

// Into copies the value to field if the member was there; null empties it.
func (o Opt[T]) Into(field *T) {
	if o.Set {
		*field = o.Value
	}
}

// optional is how a Schema fills an Opt.
type optional interface{ set(null bool) any }

func (o *Opt[T]) set(null bool) any {
	o.Set, o.Null = true, null
	return &o.Value
}
