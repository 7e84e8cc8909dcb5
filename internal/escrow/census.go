package escrow

import "time"

// Census is how much a Store holds, for those who watch it.
type Census struct {
	Clients int64 // registered, in whatever state
	Pending int64 // of these, those that wait to be let in
	Waiting []Waiting

	Organizations int64
	Expired       int64     // of these, those whose time has passed
	ExpiredNames  []OrgName // by name, at most CensusNames
}

// Waiting is how many clients wait to be let in to an organization.
type Waiting struct {
	Organization OrgName
	Clients      int64
}

// CensusNames is how many organizations a Census names at most: those with the most
// pending clients, and the first of those that are expired.
const CensusNames = 10

// Census tells how much the store holds. What it tells may be a second old. As Health
// it returns within seconds whatever hangs; the error is then that of a store that
// does not answer. It leaves no record: it names nobody but organizations, and the
// caller has to see to it that the operator alone gets it.
func (s *Service) Census() (Census, error) { return s.census.result(time.Now().Add(healthWait)) }
