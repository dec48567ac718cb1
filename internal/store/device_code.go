package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// What has become of a device code.
const (
	devicePending = "pending"
	deviceDecided = "decided"
)

// CreateDeviceCode keeps a device's request; userCode is what people type, without anything that only makes it readable. A user code that is
// in use is Conflict.
func (s *Store) CreateDeviceCode(ctx context.Context, deviceCode, userCode string, d *stagedoor.DeviceCode) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	d.ID = jose.HashToken(deviceCode)
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, `INSERT INTO device_codes (tenant, hash, user_code, status, doc, polled_at, expires_at) VALUES (?, ?, ?, ?, ?, 0, ?)
			ON CONFLICT (tenant, user_code) DO NOTHING`, s.tenant.ID, d.ID, jose.HashToken(userCode), devicePending, document(doc), millis(d.ExpiresAt))
		if err == nil && n == 0 {
			err = stagedoor.Errorf(stagedoor.Conflict, "user_code_in_use", "The user code is in use.")
		}
		return err
	})
}

// DeviceByUserCode returns the request that waits for somebody to sign in; NotFound if there is none, or no longer.
func (s *Store) DeviceByUserCode(ctx context.Context, userCode string) (*stagedoor.DeviceCode, error) {
	return s.pendingDevice(ctx, "user_code", jose.HashToken(userCode))
}

// Device returns the request with an id, like DeviceByUserCode.
func (s *Store) Device(ctx context.Context, id string) (*stagedoor.DeviceCode, error) {
	return s.pendingDevice(ctx, "hash", id)
}

func (s *Store) pendingDevice(ctx context.Context, column, value string) (*stagedoor.DeviceCode, error) {
	var id, doc string
	err := s.read().row(ctx, "SELECT hash, doc FROM device_codes WHERE tenant = ? AND "+column+" = ? AND status = ? AND expires_at > ?",
		[]any{s.tenant.ID, value, devicePending, millis(s.db.clock.Now())}, &id, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("device code")
	}
	if err != nil {
		return nil, err
	}
	d := &stagedoor.DeviceCode{ID: id}
	return d, json.Unmarshal([]byte(doc), d)
}

// DecideDevice says what a request has led to. Of many answers the first one counts; the others are NotFound, and so is one of a person all of whose access has ended meanwhile.
func (s *Store) DecideDevice(ctx context.Context, d *stagedoor.DeviceCode) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	var user *string
	if d.Authorization != nil {
		user = &d.Authorization.UserID
	}
	return s.write(ctx, func(q querier) error {
		if user != nil {
			if err := s.checkAccessEnded(ctx, q, *user, d.Authorization.AccessEnded); err != nil {
				return err
			}
		}
		n, err := q.exec(ctx, "UPDATE device_codes SET status = ?, doc = ?, user_id = ? WHERE tenant = ? AND hash = ? AND status = ? AND expires_at > ?",
			deviceDecided, document(doc), user, s.tenant.ID, d.ID, devicePending, millis(s.db.clock.Now()))
		if err == nil && n == 0 {
			err = errNotFound("device code")
		}
		return err
	})
}

// Polled is how a device finds its request.
type Polled struct {
	Device  *stagedoor.DeviceCode
	Pending bool // nobody has decided yet
	TooFast bool // the device asked less than the interval ago
	Expired bool
}

// PollDevice lets a device of the client ask what has become of its request. One that is decided or expired is told once: of many callers one
// gets it, to the others it is NotFound.
func (s *Store) PollDevice(ctx context.Context, deviceCode, clientID string, interval time.Duration) (p Polled, err error) {
	hash, now := jose.HashToken(deviceCode), millis(s.db.clock.Now())
	err = s.write(ctx, func(q querier) error {
		p = Polled{}
		lock := ""
		if s.db.postgres {
			lock = " FOR UPDATE"
		}
		var status, doc string
		var polled, expires int64
		var ended *int64
		err := q.row(ctx, "SELECT status, doc, polled_at, expires_at, "+accessEndedOf("device_codes")+" FROM device_codes WHERE tenant = ? AND hash = ?"+lock, []any{s.tenant.ID, hash}, &status, &doc, &polled, &expires, &ended)
		if errors.Is(err, errNoRows) {
			return errNotFound("device code")
		}
		if err != nil {
			return err
		}
		p.Device = &stagedoor.DeviceCode{ID: hash}
		if err := json.Unmarshal([]byte(doc), p.Device); err != nil {
			return err
		}
		if p.Device.Authorization != nil && ended != nil {
			p.Device.Authorization.AccessEnded = *ended
		}
		if p.Device.ClientID != clientID {
			return errNotFound("device code")
		}
		p.Expired, p.TooFast, p.Pending = expires <= now, polled > now-interval.Milliseconds(), status == devicePending
		if p.Expired || !p.TooFast && !p.Pending {
			_, err = q.exec(ctx, "DELETE FROM device_codes WHERE tenant = ? AND hash = ?", s.tenant.ID, hash)
		} else {
			_, err = q.exec(ctx, "UPDATE device_codes SET polled_at = ? WHERE tenant = ? AND hash = ?", now, s.tenant.ID, hash)
		}
		return err
	})
	return p, err
}
