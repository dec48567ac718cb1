package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor/internal/lucene"
)

// A Total is how many users match in all.
type Total struct {
	Count     int
	Estimated bool // it was not counted: that would have taken too long
	Margin    int  // of an estimate: with 95 % of certainty, Count is off by no more
}

// errSlowTotal is a total that takes longer to count than it may.
var errSlowTotal = errors.New("store: the total takes too long to count")

// bounded runs fn, which counts a total. It returns errSlowTotal if that takes longer than an exact total may; the transaction in which it ran is of no
// use then.
func (p *searcher) bounded(ctx context.Context, fn func(context.Context) error) error {
	most := min(p.s.db.search.exact, p.s.db.searchLimit*2/5)
	within := ctx
	if p.s.db.postgres { // a context that ends would end the connection, too
		limit, set := strconv.FormatInt(max(most.Milliseconds(), 1), 10), ""
		if err := p.q.row(ctx, "SELECT set_config('statement_timeout', ?, true)", []any{limit}, &set); err != nil {
			return err
		}
	} else {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	err := fn(within)
	if err != nil && ctx.Err() == nil && (within.Err() != nil || isTimeout(err)) {
		return errSlowTotal
	}
	return err
}

// estimate tells how many users match from a sample of them: places that lie evenly in the order of creation, and a few users from each on. Each
// part of that order has one, somewhere in it, so that every user has the same chance. Nobody knows where among the times of creation users are many:
// what lies between two places is counted off, in the index alone.
func (p *searcher) estimate(ctx context.Context) (Total, error) {
	start := time.Now()
	all, _, err := p.count(ctx, &lucene.Expr{Op: lucene.All})
	if err != nil {
		return Total{}, err
	}
	positions, size := []int{0}, all // few are asked all
	if n, block := p.s.db.search.blocks, p.s.db.search.block; all > n*block {
		positions, size = make([]int, n), block
		for i := range positions {
			from, to := i*all/n, (i+1)*all/n
			positions[i] = from + rand.IntN(to-from-size+1)
		}
	}
	blocks, err := p.blocks(ctx, positions, size)
	if err != nil {
		return Total{}, err
	}
	matched := map[string]bool{}
	sample := slices.Concat(blocks...)
	if err := p.loadAll(ctx, sample, p.where, func(f *found) { matched[f.text.User.ID] = true }); err != nil {
		return Total{}, err
	}
	t := Total{Count: len(matched)}
	if all > len(sample) {
		mean, margin := shares(blocks, matched)
		t = Total{Count: int(math.Round(mean * float64(all))), Estimated: true, Margin: int(math.Ceil(margin * float64(all)))}
	}
	p.why.Total = fmt.Sprintf("%d of %d users were asked, of whom %d match, as counting took more than %s: %.1f ms", len(sample), all, len(matched), p.s.db.search.exact,
		time.Since(start).Seconds()*1000)
	return t, nil
}

// blocks reads the places of users, a block from each of the positions in the order of creation.
func (p *searcher) blocks(ctx context.Context, positions []int, size int) ([][]place, error) {
	id := p.id("u.id")
	query := "SELECT u.created_at, " + id + " FROM users u WHERE u.tenant = ? AND (u.created_at, " + id + ") > (?, ?) ORDER BY u.created_at, " + id + " LIMIT ? OFFSET ?"
	var out [][]place
	last, passed := place{at: math.MinInt64}, 0
	for _, at := range positions {
		var block []place
		err := p.q.adhoc(ctx, query, []any{p.s.tenant.ID, last.at, last.id, size, at - passed}, func(scan func(...any) error) error {
			var pl place
			err := scan(&pl.at, &pl.id)
			block = append(block, pl)
			return err
		})
		if err != nil || len(block) == 0 { // nobody: users have gone since they were counted
			return out, err
		}
		out = append(out, block)
		last, passed = block[len(block)-1], at+len(block)
	}
	return out, nil
}

// shares returns which part of all users match, going by blocks of them, and by how much that may be off: twice the standard error, with blocks as clusters, for users
// who were created together are alike; and no less than three of those who were asked, as where none or all of them match (the rule of three).
func shares(blocks [][]place, matched map[string]bool) (mean, margin float64) {
	each, n := make([]float64, len(blocks)), 0
	for i, block := range blocks {
		for _, pl := range block {
			if matched[pl.id] {
				each[i]++
			}
		}
		each[i] /= float64(len(block))
		mean += each[i]
		n += len(block)
	}
	mean /= float64(max(len(blocks), 1))
	squares := 0.0
	for _, share := range each {
		squares += (share - mean) * (share - mean)
	}
	return mean, max(2*math.Sqrt(squares/float64(max(len(blocks)*(len(blocks)-1), 1))), 3/float64(max(n, 1)))
}
