package store

import "github.com/stagedoor/stagedoor"

// Place tells where an address is; nil if that is not known.
func (s *Store) Place(ip string) *stagedoor.Place { return s.db.places.Place(ip) }

// PlaceIn is [Store.Place] with names of a language, where they are known.
func (s *Store) PlaceIn(ip, lang string) *stagedoor.Place { return s.db.places.PlaceIn(ip, lang) }

// PlacesKnown is what can be told of addresses.
func (s *Store) PlacesKnown() stagedoor.PlacesKnown { return s.db.places.Known() }
