package saml

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Finish is the end of a login of this door: an answer that the browser posts to the client. out is nil where err says why there is no assertion.
func (d *Door) Finish(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, out *pipeline.Outcome, err error) {
	if req.Federation.Protocol == stagedoor.ProtocolWSFed {
		d.finishWSFed(w, r, st, req, out, err)
		return
	}
	text, relay := "", req.State
	if err == nil {
		text, relay, err = d.assertion(r.Context(), st, req, out)
	}
	if err != nil {
		text, err = d.refusal(r.Context(), st, req, err)
	}
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	fields := map[string]string{"SAMLResponse": text}
	if relay != "" {
		fields["RelayState"] = relay
	}
	if err := page.Post(w, r, st, template.URL(req.RedirectURI), fields, req.HasPrompt("none")); err != nil { //nolint:gosec // a registered http or https address
		web.WriterLogger(w).Error("a SAML response cannot be written", "error", err)
	}
}

// refusal is the answer that says why there is no assertion.
func (d *Door) refusal(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, err error) (string, error) {
	e := stagedoor.AsError(err)
	why, message := xmlsig.RequestDenied, e.Message
	switch {
	case e.Kind == stagedoor.Internal || e.Kind == stagedoor.Unavailable:
		web.Failed(ctx, web.Logger(ctx), "a SAML request failed", err, "tenant", st.Tenant().ID, "client", req.ClientID)
		message = "Internal error"
	case e.Code == xmlsig.BadNameIDPolicy, e.Code == xmlsig.UnknownPrincipal:
		why = e.Code
	case req.HasPrompt("none") && (e.Code == "login_required" || e.Code == "interaction_required" || e.Code == "consent_required"):
		why = xmlsig.NoPassive
	case e.Code == "unauthorized" || e.Code == "login_required":
		why = xmlsig.AuthnFailed
	}
	client, err := st.Client(ctx, req.ClientID)
	if err != nil {
		return "", err
	}
	addon, _ := addonOf(client, req.Federation.Protocol)
	who, err := d.issuer(ctx, st, addon)
	if err != nil {
		return "", err
	}
	return who.Refuse(addon.text("destination", req.RedirectURI), req.Federation.ID, why, message, st.Clock().Now())
}

// issuer is who signs answers.
func (d *Door) issuer(ctx context.Context, st *store.Store, s settings) (*xmlsig.Issuer, error) {
	key, err := d.Keys.Current(ctx, st)
	if err != nil {
		return nil, err
	}
	return &xmlsig.Issuer{EntityID: s.issuer(st), Key: key.Private, Cert: key.Cert, SHA1: s.text("signatureAlgorithm", "") == "rsa-sha1", Digest: s.text("digestAlgorithm", "")}, nil
}

// signer is who signs the answer of a login that succeeded: with the key of scripts, if they gave one with its certificate.
func (d *Door) signer(ctx context.Context, st *store.Store, s settings, out *pipeline.Outcome) (*xmlsig.Issuer, error) {
	who, err := d.issuer(ctx, st, s)
	if err != nil {
		return nil, err
	}
	own, err := pipeline.KeptKey(ctx, st, out.Result.Assertion)
	if err != nil || own == nil {
		return who, err
	}
	if who.Key, who.Cert, err = xmlsig.ReadPair(settings(own).text("cert", ""), settings(own).text("key", "")); err != nil {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The key and the cert that scripts set of the SAML response do not do: %s.", err)
	}
	return who, nil
}

// unspecified is the format of names that nobody says anything of.
const unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

// assertion makes the answer of a login that succeeded, and notes what the client was told, so that it can be told of the session's end.
func (d *Door) assertion(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, out *pipeline.Outcome) (text, relay string, err error) {
	s, told, name, err := said(req, out)
	if err != nil {
		return "", "", err
	}
	a := out.Result
	who, err := d.signer(ctx, st, s, out)
	if err != nil {
		return "", "", err
	}
	opened, err := st.Session(ctx, a.SessionID)
	if err != nil {
		return "", "", err
	}
	now := st.Clock().Now()
	x := xmlsig.Answer{
		Destination: s.text("destination", req.RedirectURI), Recipient: s.text("recipient", req.RedirectURI), Audience: s.text("audience", req.Federation.Issuer),
		InResponseTo: req.Federation.ID, NameID: name, Format: s.text("nameIdentifierFormat", unspecified), Attributes: s.written(told), At: now,
		Authenticated: opened.AuthenticatedAt, Life: s.life(), SessionIndex: sessionIndex(a.SessionID, out.Client.ID),
		Class: s.text("authnContextClassRef", "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"), SignResponse: s.flag("signResponse", false),
	}
	if x.Audience == "" { // nobody asked, and nobody says: whoever the address is of
		x.Audience = x.Recipient
	}
	if x.EncryptFor, err = s.encryptFor(); err != nil {
		return "", "", err
	}
	if text, err = who.Answer(x); err != nil {
		return "", "", err
	}
	participant := stagedoor.Participant{NameID: name, Format: x.Format, Index: x.SessionIndex, Issuer: who.EntityID, Name: req.Federation.Issuer}
	if opened.Participants[out.Client.ID] != participant {
		err = st.UpdateSession(ctx, a.SessionID, func(s *stagedoor.Session) {
			if s.Participants == nil {
				s.Participants = map[string]stagedoor.Participant{}
			}
			s.Participants[out.Client.ID] = participant
		})
	}
	return text, s.text("relayState", req.State), err
}

// said is what the client is told of a person, what it calls them, and the settings that say so.
func said(req *stagedoor.AuthorizationRequest, out *pipeline.Outcome) (s settings, told map[string]values, name string, err error) {
	addon, there := addonOf(out.Client, req.Federation.Protocol)
	if !there { // it went away meanwhile
		return nil, nil, "", stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The client has no addon %s.", req.Federation.Protocol)
	}
	profile, err := profileOf(out)
	if err != nil {
		return nil, nil, "", err
	}
	s = addon.with(out.Result.Assertion)
	told = s.claimsOf(profile, out.Result.IDClaims)
	name = s.nameID(told, profile)
	switch {
	case name == "":
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "No attribute was found to name the user by.")
	case req.Federation.Subject != "" && req.Federation.Subject != name:
		err = stagedoor.Errorf(stagedoor.Forbidden, xmlsig.UnknownPrincipal, "The user is not the one whom the request names.")
	}
	return s, told, name, err
}

// profileOf is the user as rules have left them.
func profileOf(out *pipeline.Outcome) (profile map[string]json.RawMessage, err error) {
	raw := out.Result.Profile
	if len(raw) == 0 {
		if raw, err = json.Marshal(out.User.Wire()); err != nil {
			return nil, err
		}
	}
	return profile, json.Unmarshal(raw, &profile)
}

// sessionIndex is what a client calls a session: no two clients can tell by it that a person is the same.
func sessionIndex(session, client string) string {
	sum := sha256.Sum256([]byte("saml session\x00" + session + "\x00" + client))
	return "_" + base64.RawURLEncoding.EncodeToString(sum[:])
}
