package sqlite

import (
	"context"
	"time"

	"github.com/ktsd/ktsd/internal/escrow"
)

// Census implements escrow.Store. Clients are counted in an index, the pending ones
// in one that holds no others; organizations are few.
func (s *Store) Census(ctx context.Context, now time.Time) (c escrow.Census, err error) {
	err = s.each(ctx, `SELECT (SELECT count(*) FROM clients), (SELECT count(*) FROM clients WHERE state = 1),
		(SELECT count(*) FROM organizations), (SELECT count(*) FROM organizations WHERE expires BETWEEN 1 AND $1)`,
		[]any{micros(now)}, func(r *row) error {
			c.Clients, c.Pending, c.Organizations, c.Expired = r.number(), r.number(), r.number(), r.number()
			return r.err()
		})
	if err == nil && c.Pending > 0 {
		err = s.each(ctx, `SELECT organization, count(*) FROM clients WHERE state = 1
			GROUP BY organization ORDER BY count(*) DESC, organization LIMIT $1`, []any{escrow.CensusNames}, func(r *row) error {
			c.Waiting = append(c.Waiting, escrow.Waiting{Organization: escrow.OrgName(r.text()), Clients: r.number()})
			return r.err()
		})
	}
	if err == nil && c.Expired > 0 {
		err = s.each(ctx, `SELECT name FROM organizations WHERE expires BETWEEN 1 AND $1 ORDER BY name LIMIT $2`,
			[]any{micros(now), escrow.CensusNames}, func(r *row) error {
				c.ExpiredNames = append(c.ExpiredNames, escrow.OrgName(r.text()))
				return r.err()
			})
	}
	if err != nil {
		return escrow.Census{}, readError("counting clients and organizations", err)
	}
	return c, nil
}
