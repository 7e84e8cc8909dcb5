package load

// ClientOf tells which client a connection is of.
func ClientOf(t *Target, connection, connections int) int { return t.clientOf(connection, connections) }
