package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// SaveFlowExecution keeps the record of a run of a flow for as long as that of a run of actions.
func (s *Store) SaveFlowExecution(ctx context.Context, e *stagedoor.FlowExecution) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	until := s.db.clock.Now().Add(keptExecutionFor).UnixMilli()
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO flow_executions (tenant, id, flow, began, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			s.tenant.ID, e.ID, e.FlowID, e.StartedAt.UnixMicro(), document(doc), until)
		return err
	})
}

// FlowExecutionQuery is a page of the runs of a flow: by offset, or, if Take is not 0, behind From.
type FlowExecutionQuery struct {
	Page, PerPage int
	From          Position // its At is a number of microseconds
	Take          int
}

// FlowExecutions returns a page of the runs of a flow, the newest first, and how many there are; by checkpoint they are not counted.
func (s *Store) FlowExecutions(ctx context.Context, flow string, query FlowExecutionQuery) (page []stagedoor.FlowExecution, total int, err error) {
	where, args := " WHERE tenant = ? AND flow = ? AND expires_at > ?", []any{s.tenant.ID, flow, s.db.clock.Now().UnixMilli()}
	limit, offset := query.PerPage, query.Page*query.PerPage
	if query.Take == 0 {
		err = s.list().row(ctx, "SELECT COUNT(*) FROM flow_executions"+where, args, &total)
	} else {
		limit, offset = query.Take, 0
		if query.From.ID != "" {
			where, args = where+" AND (began, id) < (?, ?)", append(args, query.From.At, query.From.ID)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	page = []stagedoor.FlowExecution{}
	err = s.list().each(ctx, "SELECT doc FROM flow_executions"+where+" ORDER BY began DESC, id DESC LIMIT ? OFFSET ?", append(args, limit, offset), func(scan func(...any) error) error {
		e, err := scanFlowExecution(scan)
		if err == nil {
			page = append(page, *e)
		}
		return err
	})
	return page, total, err
}

// FlowExecution returns the record of a run of a flow.
func (s *Store) FlowExecution(ctx context.Context, flow, id string) (*stagedoor.FlowExecution, error) {
	e, err := scanFlowExecution(func(dest ...any) error {
		return s.read().row(ctx, "SELECT doc FROM flow_executions WHERE tenant = ? AND id = ? AND flow = ? AND expires_at > ?",
			[]any{s.tenant.ID, id, flow, s.db.clock.Now().UnixMilli()}, dest...)
	})
	if errors.Is(err, errNoRows) {
		return nil, errFlowExecutionMissing()
	}
	return e, err
}

// DeleteFlowExecution removes the record of a run of a flow.
func (s *Store) DeleteFlowExecution(ctx context.Context, flow, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM flow_executions WHERE tenant = ? AND id = ? AND flow = ?", s.tenant.ID, id, flow)
		if err == nil && n == 0 {
			err = errFlowExecutionMissing()
		}
		return err
	})
}

func errFlowExecutionMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "", "Flow execution not found")
}

func scanFlowExecution(scan func(...any) error) (*stagedoor.FlowExecution, error) {
	var doc string
	if err := scan(&doc); err != nil {
		return nil, err
	}
	e := &stagedoor.FlowExecution{}
	return e, json.Unmarshal([]byte(doc), e)
}
