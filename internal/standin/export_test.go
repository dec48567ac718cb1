package standin

import (
	"maps"
	"slices"
)

// Codes are the codes that were not redeemed.
func (s *Server) Codes() []string { return slices.Collect(maps.Keys(s.codes)) }
