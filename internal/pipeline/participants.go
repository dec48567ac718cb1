package pipeline

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// askParticipants is the step of a stored way past clients of SAML 2.0 that are told of a session's end.
const askParticipants = "participants"

// participantsPath is where the door of SAML goes on with it.
const participantsPath = "/samlp/logout"

// TellParticipants is where the browser goes whose session has ended, so that the clients of SAML 2.0 that know the session hear of it (SAML profiles
// section 4.4); empty where there are none. In the end it goes where out says.
func (p *Pipeline) TellParticipants(ctx context.Context, v Visit, s *stagedoor.Session, but string, out stagedoor.SignOut) (string, error) {
	if s == nil {
		return "", nil
	}
	out.Session, out.Left = s.ID, maps.Clone(s.Participants)
	delete(out.Left, but)
	if len(out.Left) == 0 {
		return "", nil
	}
	return p.tellNext(ctx, v, &out)
}

func (p *Pipeline) tellNext(ctx context.Context, v Visit, out *stagedoor.SignOut) (string, error) {
	state := stagedoor.NewToken()
	tx := &stagedoor.Transaction{ID: state, Browser: hash(v.Browser), Step: askParticipants, ExpiresAt: v.Store.Clock().Now().Add(transactionLife), SignOut: out}
	return participantsPath + "?" + url.Values{"state": {state}}.Encode(), v.Store.SaveTransaction(ctx, tx)
}

// NextParticipant takes the next client off a way out that is under way. It returns the client's id, empty when all have been told; the rest of the way;
// and the address where it goes on, for which the state is the one of that address.
func (p *Pipeline) NextParticipant(ctx context.Context, v Visit, state string) (clientID string, who stagedoor.Participant, out *stagedoor.SignOut, next string, err error) {
	tx, err := p.take(ctx, v, state, askParticipants)
	if err != nil {
		return "", who, nil, "", err
	}
	out = tx.SignOut
	if len(out.Left) == 0 {
		return "", who, out, "", nil
	}
	clientID = slices.Sorted(maps.Keys(out.Left))[0]
	who = out.Left[clientID]
	delete(out.Left, clientID)
	next, err = p.tellNext(ctx, v, out)
	return clientID, who, out, next, err
}
