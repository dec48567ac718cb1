package jose_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
)

func Example() {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key, _ := jose.NewECKey("tenant.example", now)
	signer, _ := key.Signer("JWT")
	token, _ := signer.Sign(map[string]any{"sub": "auth0|1", "aud": "api", "exp": now.Add(time.Hour).Unix()})

	keys := func(h jose.Header) (string, any, error) {
		if h.KeyID != key.KID {
			return "", nil, errors.New("unknown key")
		}
		return key.Algorithm, key.Public(), nil
	}
	claims, err := jose.Parse(token, now, keys)
	fmt.Println(claims.Subject, claims.Audience, err)
	_, err = jose.Parse(token, now.Add(2*time.Hour), keys)
	fmt.Println(errors.Is(err, jose.ErrExpired))
	// Output:
	// auth0|1 [api] <nil>
	// true
}

func ExampleSealer() {
	sealer, _ := jose.NewSealer(jose.MasterKey{1})
	place := jose.Place("tenant1", "client", "abc")
	sealed := sealer.Seal([]byte("client secret"), place)
	plain, _ := sealer.Open(sealed, place)
	fmt.Println(string(plain))
	_, err := sealer.Open(sealed, jose.Place("tenant2", "client", "abc"))
	fmt.Println(err)
	// Output:
	// client secret
	// jose: sealed value cannot be opened
}
