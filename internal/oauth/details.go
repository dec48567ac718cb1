package oauth

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of authorization details: people are to read them.
const (
	maxDetails      = 10
	maxDetailsBytes = 8 << 10
	maxExponent     = 308
)

// errDetails is the answer to authorization details that do not hold (RFC 9396 section 5).
func errDetails(why string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_authorization_details", "Invalid authorization_details: %s", why)
}

// authorizationDetails reads what a client asks for beyond scopes: a list of objects, each of a type that the API knows and, where people's tokens need
// a client grant, that the grant names. It returns them as they will stand in the token.
func authorizationDetails(ctx context.Context, st *store.Store, client *stagedoor.Client, api *stagedoor.ResourceServer, raw string) (json.RawMessage, error) {
	if raw == "" {
		return nil, nil
	}
	var all []map[string]any
	if len(raw) > maxDetailsBytes || unreadable(raw) || web.CheckJSON([]byte(raw)) != nil || !plainNumbers(raw) || exactly(raw, &all) != nil {
		return nil, errDetails("they are not a list of objects, or too long")
	}
	if len(all) == 0 || len(all) > maxDetails {
		return nil, errDetails("there must be 1 to 10")
	}
	refused, err := refusedDetails(ctx, st, client, api)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		kind, _ := one["type"].(string)
		if why := refused(kind); why != "" {
			return nil, errDetails(why + cut(kind))
		}
	}
	return json.Marshal(all)
}

// refusedDetails tells of a type why the client may not ask for it; nothing if it may.
func refusedDetails(ctx context.Context, st *store.Store, client *stagedoor.Client, api *stagedoor.ResourceServer) (func(kind string) string, error) {
	var granted *stagedoor.ClientGrant // nil: the client needs none
	if api != nil && api.UserPolicy() == "require_client_grant" {
		var err error
		if granted, err = st.ClientGrantFor(ctx, client, api.Identifier, stagedoor.SubjectUser); err != nil {
			return nil, err
		}
	}
	return func(kind string) string {
		switch {
		case api == nil || !api.TakesDetails(kind):
			return "the API does not know the type "
		case granted != nil && !slices.Contains(granted.AuthorizationDetailsTypes, kind):
			return "the client may not ask for the type "
		}
		return ""
	}, nil
}

// stillDetails leaves of what somebody agreed to those types that the client may ask for now.
func stillDetails(ctx context.Context, st *store.Store, client *stagedoor.Client, api *stagedoor.ResourceServer, agreed json.RawMessage) (json.RawMessage, error) {
	if len(agreed) == 0 {
		return agreed, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(agreed, &all); err != nil {
		return nil, err
	}
	refused, err := refusedDetails(ctx, st, client, api)
	if err != nil {
		return nil, err
	}
	left := slices.DeleteFunc(all, func(one json.RawMessage) bool {
		var is struct {
			Type string `json:"type"`
		}
		return json.Unmarshal(one, &is) != nil || refused(is.Type) != ""
	})
	if len(left) == 0 {
		return nil, nil
	}
	return json.Marshal(left)
}

// narrowedDetails leaves of the details that were agreed to those that the client asks for now (RFC 9396 section 6.1). What an API takes for less than something
// else only the API knows: each must be one of those, member by member.
func narrowedDetails(agreed json.RawMessage, asked string) (json.RawMessage, error) {
	if asked == "" {
		return agreed, nil
	}
	var all, wanted []any
	if len(asked) > maxDetailsBytes || unreadable(asked) || web.CheckJSON([]byte(asked)) != nil || exactly(asked, &wanted) != nil {
		return nil, errDetails("they are not a list of objects, or too long")
	}
	if len(wanted) == 0 || len(wanted) > maxDetails {
		return nil, errDetails("there must be 1 to 10")
	}
	if len(agreed) > 0 {
		if err := exactly(string(agreed), &all); err != nil {
			return nil, err
		}
	}
	for _, one := range wanted {
		if !slices.ContainsFunc(all, func(had any) bool { return reflect.DeepEqual(had, one) }) {
			return nil, errDetails("they go beyond what was agreed to")
		}
	}
	return json.Marshal(wanted)
}

// exactly reads JSON with its numbers as they are written: a float64 does not hold all of them.
func exactly(raw string, into any) error {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

// plainNumbers tells whether no number is beyond what people could be shown without its exponent.
func plainNumbers(raw string) bool {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	for {
		t, err := dec.Token()
		if err != nil {
			return err == io.EOF
		}
		n, is := t.(json.Number)
		if _, exponent, has := strings.Cut(strings.ToLower(n.String()), "e"); is && has {
			if e, err := strconv.Atoi(exponent); err != nil || e < -maxExponent || e > maxExponent {
				return false
			}
		}
	}
}
