package bundle

import (
	"context"
	"crypto/sha1" //nolint:gosec // packages of before 2017 have no other hash; what is bundled is pinned by SHA-256
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Limits of what is fetched, in bytes.
const (
	maxDocument = 64 << 20
	maxTarball  = 64 << 20
)

// Registry is where packages come from. URL has no slash at its end; Token is sent with each request if it is set.
type Registry struct {
	URL    string
	Token  string
	Client *http.Client
}

// document is what a registry tells of a package.
type document struct {
	Tags     map[string]string   `json:"dist-tags"`
	Versions map[string]struct { // the rest is read from the package: of old versions registries tell it in forms of all kinds
		Dist       dist
		Deprecated any
	}
}

type dist struct{ Tarball, Integrity, Shasum string }

// versions reads what the registry has of a package.
func (r *Registry) versions(ctx context.Context, name string) (*document, error) {
	body, err := r.get(ctx, r.URL+"/"+strings.Replace(url.PathEscape(name), "%40", "@", 1), "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8", maxDocument)
	if errors.Is(err, errAbsent) {
		return nil, fmt.Errorf("the registry has no package %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the registry for %s: %w", name, err)
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("what the registry tells of %s cannot be read: %w", name, err)
	}
	return &d, nil
}

// choose picks the version that a range means: a tag, the newest that fits, one that is not deprecated first.
func (d *document) choose(name, wanted string) (string, error) {
	if wanted == "" {
		wanted = "latest"
	}
	if version, ok := d.Tags[wanted]; ok {
		return version, nil
	}
	if _, ok := d.Versions[wanted]; ok {
		return wanted, nil
	}
	limits, err := constraint(wanted)
	if err != nil {
		return "", fmt.Errorf("%s@%s: only versions, ranges and tags of the registry can be added", name, wanted)
	}
	var best *semver.Version
	bestText, bestOld := "", false
	latest, _ := semver.NewVersion(d.Tags["latest"])
	if latest != nil && limits.Check(latest) {
		return d.Tags["latest"], nil
	}
	for text, v := range d.Versions {
		version, err := semver.NewVersion(text)
		if err != nil || !limits.Check(version) {
			continue
		}
		old := v.Deprecated != nil && v.Deprecated != false && v.Deprecated != ""
		if best == nil || bestOld && !old || bestOld == old && version.GreaterThan(best) {
			best, bestText, bestOld = version, text, old
		}
	}
	if best == nil {
		return "", fmt.Errorf("the registry has no version of %s that fits %s", name, wanted)
	}
	return bestText, nil
}

// constraint reads a range of the npm registry: its parts may be joined by blanks, with blanks after an operator too.
func constraint(text string) (*semver.Constraints, error) {
	var parts []string
	for part := range strings.SplitSeq(text, "||") {
		part = strings.TrimSpace(part)
		if part == "" {
			part = "*"
		}
		if !strings.Contains(part, " - ") {
			var joined []string
			for word := range strings.FieldsSeq(part) {
				if n := len(joined); n > 0 && strings.Trim(joined[n-1], "<>=~^") == "" {
					joined[n-1] += word
				} else {
					joined = append(joined, word)
				}
			}
			part = strings.Join(joined, ", ")
		}
		parts = append(parts, part)
	}
	return semver.NewConstraint(strings.Join(parts, " || "))
}

// tarball fetches a package and holds it against the hash that the registry tells.
func (r *Registry) tarball(ctx context.Context, name string, d dist) ([]byte, error) {
	u, err := url.Parse(d.Tarball)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the registry tells no address of %s", name)
	}
	own, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	token := r.Token
	if u.Host != own.Host { // the token is for the registry alone
		token = ""
	}
	b, err := (&Registry{Client: r.Client, Token: token}).get(ctx, d.Tarball, "*/*", maxTarball)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", name, err)
	}
	if err := checkIntegrity(b, d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func checkIntegrity(b []byte, d dist) error {
	for word := range strings.FieldsSeq(d.Integrity) {
		if text, is := strings.CutPrefix(word, "sha512-"); is {
			if text != Integrity(b)[len("sha512-"):] {
				return errors.New("what came is not what the registry says: its hash differs")
			}
			return nil
		}
	}
	sum := sha1.Sum(b) //nolint:gosec // see above
	if d.Shasum == "" || !strings.EqualFold(d.Shasum, hex.EncodeToString(sum[:])) {
		return errors.New("what came is not what the registry says: its hash differs")
	}
	return nil
}

// Integrity is the hash of a tarball as registries write it.
func Integrity(b []byte) string {
	sum := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

var errAbsent = errors.New("not there")

func (r *Registry) get(ctx context.Context, address, accept string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	res, err := r.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNotFound {
		return nil, errAbsent
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("the answer is larger than %d bytes", limit)
	}
	return b, err
}
