package site

// Database is what the servers of a site keep everything in.
type Database struct {
	Engine string // one of Engines; empty: DefaultEngine

	// Where EnginePostgres is, exactly one of the two. With EngineSQLite both are
	// empty: its file has its place in each server's state directory.
	URL     string // see CheckDatabaseURL; without a password
	URLFile string // absolute path of a file that holds the URL, and may hold a password
}

// The database engines.
const (
	EngineSQLite   = "sqlite"
	EnginePostgres = "postgres"

	DefaultEngine = EngineSQLite
)

// Engines returns the database engines, the default first.
func Engines() []string { return []string{EngineSQLite, EnginePostgres} }

// WithDefaults returns d with its engine spelled out, so that two databases that
// are the same compare as equal.
func (d Database) WithDefaults() Database {
	if d.Engine == "" {
		d.Engine = DefaultEngine
	}
	return d
}
