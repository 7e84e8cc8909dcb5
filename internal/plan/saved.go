package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// savedFormat is the version of the layout of Saved.
const savedFormat = 1

// MaxSaved bounds a saved plan, in bytes.
const MaxSaved = 64 << 20

// Saved is a plan on its way to be carried out later, as it was looked at: what the
// file wanted, and what was shown. It holds no authorization code and no password
// of a database; the password script of a private key may hold one, so it is kept
// as a secret.
//
// Its form is JSON, with a newline at the end.
type Saved struct {
	Format  int    `json:"format"`
	Version string `json:"version"` // of the program that made it
	Origin
	Desired Desired         `json:"desired"` // without AuthCodes and Warnings
	Files   []Witness       `json:"files"`   // what Desired names on this host, by path
	Plan    json.RawMessage `json:"plan"`    // as Plan's MarshalJSON wrote it
}

// Origin is where a plan was made.
type Origin struct {
	Node        string `json:"node"`        // the host
	Fingerprint string `json:"fingerprint"` // of the server's OpenPGP key
}

// Witness tells whether a file is the one it was. It says nothing of the content.
type Witness struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`     // in bytes
	Modified int64  `json:"modified"` // the content, in nanoseconds since 1970
	Changed  int64  `json:"changed"`  // the file, its mode and names too
	Inode    uint64 `json:"inode"`
}

// Save returns a plan to be carried out later, and the files that it depends on.
func Save(version string, origin Origin, d Desired, p Plan, files []Witness) ([]byte, error) {
	view, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	d.AuthCodes, d.Warnings = nil, nil
	data, err := json.Marshal(Saved{savedFormat, version, origin, d, files, view})
	if err != nil {
		return nil, err
	}
	if len(data) >= MaxSaved {
		return nil, fmt.Errorf("the plan has %d bytes; at most %d can be saved", len(data), MaxSaved)
	}
	return append(data, '\n'), nil
}

// ParseSaved reads what Save wrote. Its errors show nothing of the content.
func ParseSaved(data []byte) (Saved, error) {
	var s Saved
	var head struct{ Format int }
	if len(data) > MaxSaved {
		return s, fmt.Errorf("it has %d bytes; a saved plan has at most %d", len(data), MaxSaved)
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Format == 0 {
		return s, errors.New("it is not a saved plan: make one with ktadmin plan --out")
	}
	if head.Format != savedFormat {
		return s, fmt.Errorf("it is a saved plan of format %d, and this ktadmin knows %d: make the plan anew", head.Format, savedFormat)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Saved{}, errors.New("it is a saved plan that was damaged: make the plan anew")
	}
	if _, err := s.view(); err != nil {
		return Saved{}, err
	}
	return s, nil
}

func (s Saved) view() (planView, error) {
	var v planView
	if err := json.Unmarshal(s.Plan, &v); err != nil {
		return v, errors.New("it is a saved plan that was damaged: make the plan anew")
	}
	return v, nil
}

// Render writes the plan as Render did when it was saved.
func (s Saved) Render(w io.Writer, opts Options) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	return render(w, v, opts)
}

// Still tells whether a plan, made now, is the one that was saved. Warnings do not
// count: some tell how many days are left.
func (s Saved) Still(now Plan) (bool, error) {
	was, err := s.view()
	if err != nil {
		return false, err
	}
	is := now.view()
	was.Warnings, is.Warnings = nil, nil
	before, err := json.Marshal(was)
	if err != nil {
		return false, err
	}
	after, err := json.Marshal(is)
	return bytes.Equal(before, after), err
}
