package store

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// rounded completes an event with what it says itself. Hosts have no port in logs.
func rounded(e stagedoor.LogEvent) stagedoor.LogEvent {
	if host, _, err := net.SplitHostPort(e.Hostname); err == nil {
		e.Hostname = host
	}
	for _, word := range []string{"Mobi", "Android", "iPhone", "iPad"} {
		e.IsMobile = e.IsMobile || strings.Contains(e.UserAgent, word)
	}
	e.UserAgent, e.Hostname = stagedoor.Clip(e.UserAgent, stagedoor.MaxAgent), stagedoor.Clip(e.Hostname, maxLogHost)
	e.StrategyType = stagedoor.StrategyType(e.Strategy)
	return e
}

// logText is an event as it is kept: without its id, and without characters that PostgreSQL does not keep.
func logText(e stagedoor.LogEvent) (document, error) {
	e.ID = ""
	doc, err := json.Marshal(e)
	return document(strings.ReplaceAll(string(doc), `\u0000`, `\ufffd`)), err
}

// logNames are what events of a batch say of clients and connections, read once for all of them.
type logNames struct {
	clients     map[[2]string]string               // names, by tenant and id
	connections map[[2]string]stagedoor.Connection // by tenant and name
}

// complete adds what whoever logs an event leaves out: what its client is called, and which connection it is that it names. What is gone
// stays away.
func (l *logQueue) complete(ctx context.Context, q querier, batch []queuedLog) error {
	names := logNames{map[[2]string]string{}, map[[2]string]stagedoor.Connection{}}
	for i := range batch {
		e := &batch[i].event
		before := *e
		if e.ClientID != "" && e.ClientName == "" {
			name, err := names.client(ctx, q, batch[i].tenant, e.ClientID)
			if err != nil {
				return err
			}
			e.ClientName = name
		}
		if e.Connection != "" && (e.ConnID == "" || e.Strategy == "") {
			c, err := names.connection(ctx, q, batch[i].tenant, e.Connection)
			if err != nil {
				return err
			}
			if c.ID != "" {
				e.ConnID, e.Strategy = c.ID, c.Strategy
			}
		}
		if e.ClientName == before.ClientName && e.ConnID == before.ConnID && e.Strategy == before.Strategy {
			continue
		}
		*e = rounded(*e)
		var err error
		if batch[i].doc, err = logText(*e); err != nil {
			return err
		}
	}
	return nil
}

func (n *logNames) client(ctx context.Context, q querier, tenant, id string) (string, error) {
	key := [2]string{tenant, id}
	name, known := n.clients[key]
	if known {
		return name, nil
	}
	err := q.row(ctx, "SELECT COALESCE(doc ->> 'name', '') FROM clients WHERE tenant = ? AND id = ?", []any{tenant, id}, &name)
	if err != nil && !errors.Is(err, errNoRows) {
		return "", err
	}
	n.clients[key] = name
	return name, nil
}

func (n *logNames) connection(ctx context.Context, q querier, tenant, name string) (stagedoor.Connection, error) {
	key := [2]string{tenant, name}
	c, known := n.connections[key]
	if known {
		return c, nil
	}
	err := q.row(ctx, "SELECT id, COALESCE(doc ->> 'strategy', '') FROM connections WHERE tenant = ? AND name = ?", []any{tenant, name}, &c.ID, &c.Strategy)
	if err != nil && !errors.Is(err, errNoRows) {
		return c, err
	}
	n.connections[key] = c
	return c, nil
}
