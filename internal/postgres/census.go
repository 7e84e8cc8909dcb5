package postgres

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Census implements escrow.Store. Clients are counted in an index, the pending ones
// in one that holds no others; organizations are few.
func (s *Store) Census(ctx context.Context, now time.Time) (c escrow.Census, err error) {
	const what = "counting clients and organizations"
	err = s.query(ctx, what, `SELECT (SELECT count(*) FROM clients), (SELECT count(*) FROM clients WHERE state = 1),
		(SELECT count(*) FROM organizations), (SELECT count(*) FROM organizations WHERE expires BETWEEN 1 AND $1)`,
		[]any{now.UnixMicro()}, func(r *row) bool {
			c.Clients, c.Pending, c.Organizations, c.Expired = r.number(), r.number(), r.number(), r.number()
			return true
		})
	if err == nil && c.Pending > 0 {
		err = s.query(ctx, what, `SELECT organization, count(*) FROM clients WHERE state = 1
			GROUP BY organization ORDER BY count(*) DESC, organization LIMIT $1`, []any{int64(escrow.CensusNames)}, func(r *row) bool {
			c.Waiting = append(c.Waiting, escrow.Waiting{Organization: escrow.OrgName(r.text()), Clients: r.number()})
			return true
		})
	}
	if err == nil && c.Expired > 0 {
		err = s.query(ctx, what, `SELECT name FROM organizations WHERE expires BETWEEN 1 AND $1 ORDER BY name LIMIT $2`,
			[]any{now.UnixMicro(), int64(escrow.CensusNames)}, func(r *row) bool {
				c.ExpiredNames = append(c.ExpiredNames, escrow.OrgName(r.text()))
				return true
			})
	}
	if err != nil {
		return escrow.Census{}, err
	}
	return c, nil
}
