package floor

import "github.com/google/uuid"

// Put puts contents in one group.
func Put(s Store, contents map[uuid.UUID][]byte) error {
	var group []job
	for id, c := range contents {
		group = append(group, job{id: id, contents: c})
	}
	return s.put(group)
}
