package oauth

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// codeLife is how long a code may be redeemed (RFC 6749 section 4.1.2 allows ten minutes).
const codeLife = 5 * time.Minute

// strictCodeLife is how long, for clients that comply with FAPI (FAPI 2.0 Security Profile 5.3.2.1-10).
const strictCodeLife = time.Minute

// issue makes the response of a login that succeeded.
func (d *Door) issue(ctx context.Context, st *store.Store, out *pipeline.Outcome) (params, error) {
	req, a := &out.Request, out.Result
	p := params{}
	beside := token.Beside{Nonce: a.Nonce, Straight: true}
	if req.Has("code") {
		code, life := stagedoor.NewToken(), codeLife
		if out.Client.Complies("fapi") {
			life = strictCodeLife
		}
		err := st.SaveCode(ctx, code, &stagedoor.Code{
			Authorization: *a, RedirectURI: req.RedirectURI, RedirectGiven: req.RedirectGiven,
			CodeChallenge: req.CodeChallenge, CodeMethod: req.CodeMethod, DPoPJKT: req.DPoPJKT, Asked: req.Scope, ExpiresAt: st.Clock().Now().Add(life),
		})
		if err != nil {
			return nil, err
		}
		p["code"], beside.Code = code, code
	}
	front := frontChannel(a)
	if req.Has("token") {
		access, life, err := d.Minter.AccessToken(ctx, st, front, token.Access{Client: out.Client, API: out.API, Web: true})
		if err != nil {
			return nil, err
		}
		p["access_token"], p["expires_in"], p["token_type"] = access, life, "Bearer"
		beside.AccessToken = access
		if !slices.Equal(front.Scope, req.Scope) {
			p["scope"] = strings.Join(front.Scope, " ")
		}
	}
	legacy := !req.Conformant && req.Has("token") && front.HasScope("openid")
	if req.Has("id_token") || legacy {
		id, err := d.Minter.IDToken(ctx, st, out.Client, out.User, front, beside)
		if err != nil {
			return nil, err
		}
		p["id_token"] = id
	}
	access, _ := p["access_token"].(string)
	id, _ := p["id_token"].(string)
	d.countTokens("implicit", access, id, "")
	return p, nil
}

// frontChannel is an authorization without offline_access: refresh tokens never come straight
// from /authorize.
func frontChannel(a *stagedoor.Authorization) *stagedoor.Authorization {
	front := *a
	front.Scope = slices.DeleteFunc(slices.Clone(a.Scope), func(s string) bool { return s == "offline_access" })
	return &front
}
