package form

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// maxTokenLife is how long a token that a flow signs may live.
const maxTokenLife = 366 * 24 * time.Hour

// jwtKeys are the algorithm and the keys of a connection of the type JWT: a secret for HS256 and HS512, PEM for RS256, PS256 and ES256, where one
// of the two keys may be missing.
type jwtKeys struct {
	algorithm       string
	signs, verifies any
}

func (r *running) jwtKeys(ctx context.Context, params map[string]any) (*jwtKeys, error) {
	v, err := r.vault(ctx, params)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, failed("it names no connection")
	}
	if kind := Text(v.Setup["type"]); kind != "JWT" {
		return nil, errorf("A connection of the type %q is not supported by this server for tokens.", kind)
	}
	k := &jwtKeys{algorithm: Text(v.Setup["algorithm"])}
	switch secret := Text(v.Setup["secret"]); {
	case k.algorithm == "HS256" && secret != "":
		k.signs, k.verifies = []byte(secret), []byte(secret)
	case k.algorithm == "HS512" && secret != "":
		k.signs, k.verifies = jose.HS512Secret(secret), jose.HS512Secret(secret)
	case k.algorithm == "HS256" || k.algorithm == "HS512":
		return nil, failed("its connection has no secret")
	case slices.Contains(jose.Asymmetric, k.algorithm):
		if text := Text(v.Setup["private_key"]); text != "" {
			private, err := jose.ParsePrivatePEM(text)
			if err != nil {
				return nil, failed("the private key of its connection cannot be read")
			}
			k.signs, k.verifies = private, private.Public()
		}
		if text := Text(v.Setup["public_key"]); text != "" {
			public, err := jose.ParsePublicPEM([]byte(text))
			if err != nil {
				return nil, failed("the public key of its connection cannot be read")
			}
			k.verifies = public.Key
		}
	default:
		return nil, errorf("Tokens of the algorithm %q are not supported by this server in flows.", k.algorithm)
	}
	return k, nil
}

// signJWT is JWT SIGN_JWT. What subject, issuer, audience and expires_in say goes before the payload.
func signJWT(ctx context.Context, r *running, params map[string]any) (any, error) {
	k, err := r.jwtKeys(ctx, params)
	if err != nil {
		return nil, err
	}
	if k.signs == nil {
		return nil, failed("its connection has no private key")
	}
	claims := maps.Clone(nonNil(asMap(params["payload"])))
	if _, there := claims["iat"]; !there {
		claims["iat"] = r.walk.Now.Unix()
	}
	for claim, name := range map[string]string{"sub": "subject", "iss": "issuer", "aud": "audience"} {
		if text := word(params, name); text != "" {
			claims[claim] = text
		}
	}
	if text := word(params, "expires_in"); text != "" {
		life, ok := lifetime(text)
		if !ok {
			return nil, failed("expires_in is no time of up to 366 days, such as 3600 or 1h")
		}
		claims["exp"] = r.walk.Now.Add(life).Unix()
	}
	signer, err := jose.NewSigner(k.algorithm, "", k.signs, "JWT")
	if err != nil {
		return nil, failed("the key of its connection is none of its algorithm") // errors of keys stay here
	}
	token, err := signer.Sign(claims)
	if err != nil || len(token) > jose.MaxTokenSize {
		return nil, failed("the token cannot be made")
	}
	return map[string]any{"token": token}, nil
}

// lifetime reads a number of seconds, or one with a unit of s, m, h or d.
func lifetime(text string) (time.Duration, bool) {
	unit := time.Second
	for letter, of := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if number, cut := strings.CutSuffix(text, letter); cut {
			text, unit = strings.TrimSpace(number), of
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > int64(maxTokenLife/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// verifyJWT is JWT VERIFY_JWT. A token that is not valid is no failure: the result says so, and why.
func verifyJWT(ctx context.Context, r *running, params map[string]any) (any, error) {
	k, err := r.jwtKeys(ctx, params)
	if err != nil {
		return nil, err
	}
	if k.verifies == nil {
		return nil, failed("its connection has no public key")
	}
	claims, err := jose.ParseObject(word(params, "token"), r.walk.Now, func(jose.Header) (string, any, error) { return k.algorithm, k.verifies, nil })
	issuer, audience := word(params, "issuer"), word(params, "audience")
	cause := ""
	switch {
	case errors.Is(err, jose.ErrExpired):
		cause = "jwt expired"
	case errors.Is(err, jose.ErrNotYetValid):
		cause = "jwt not active"
	case errors.Is(err, jose.ErrAlgorithm):
		cause = "invalid algorithm"
	case errors.Is(err, jose.ErrSignature):
		cause = "invalid signature"
	case err != nil:
		cause = "jwt malformed"
	case issuer != "" && claims.Issuer != issuer:
		cause = "jwt issuer invalid"
	case audience != "" && !slices.Contains(claims.Audience, audience):
		cause = "jwt audience invalid"
	}
	if cause != "" {
		return map[string]any{"valid": false, "cause": cause, "payload": nil}, nil
	}
	return map[string]any{"valid": true, "cause": nil, "payload": claims.Raw}, nil
}

// decodeJWT is JWT DECODE_JWT: what a token says, which nobody has verified.
func decodeJWT(_ context.Context, _ *running, params map[string]any) (any, error) {
	token := word(params, "token")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > jose.MaxTokenSize {
		return nil, failed("the text is no token")
	}
	out := map[string]any{"signature": parts[2]}
	for i, name := range []string{"header", "payload"} {
		var members map[string]any
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, &members) != nil || members == nil {
			return nil, failed("the text is no token")
		}
		out[name] = members
	}
	return out, nil
}
