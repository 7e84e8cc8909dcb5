package confdir

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ktsd/ktsd/internal/bounds"
)

// The keys whose values are objects of their own.
const (
	keyLimits = "LIMITS"
	keyAudit  = "AUDIT"
)

// LimitsInForce returns the limits with what is their default where c says nothing.
func (c Conf) LimitsInForce() bounds.Limits {
	if c.Limits == nil {
		return bounds.DefaultLimits()
	}
	return *c.Limits
}

// AuditInForce returns how the audit log is kept, with what is the default where c
// says nothing.
func (c Conf) AuditInForce() bounds.Audit {
	if c.Audit == nil {
		return bounds.DefaultAudit()
	}
	return *c.Audit
}

// takeBounds reads the keys of limits and audit, and takes them out of other.
func (c *Conf) takeBounds() error {
	limits, audit := c.LimitsInForce(), c.AuditInForce()
	for key, settings := range map[string][]bounds.Setting{keyLimits: limits.Settings(), keyAudit: audit.Settings()} {
		raw, ok := c.other[key]
		if !ok {
			continue
		}
		delete(c.other, key)
		if err := readSettings(settings, raw); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if limits != bounds.DefaultLimits() {
		c.Limits = &limits
	}
	if audit != bounds.DefaultAudit() {
		c.Audit = &audit
	}
	return nil
}

// readSettings sets what an object has. A name that is none is refused: mistyped,
// it would leave something unbounded that the operator wants bounded.
func readSettings(settings []bounds.Setting, raw json.RawMessage) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return fmt.Errorf(`it is no object such as {"%s": …}`, settings[0].Name)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := slices.IndexFunc(settings, func(s bounds.Setting) bool { return s.Name == name })
		if at < 0 {
			return fmt.Errorf("%.40q is no name that it has", name)
		}
		if err := settings[at].ReadJSON(object[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// addBounds adds the keys of limits and audit to what is written, as far as they
// differ from the defaults.
func (c Conf) addBounds(all map[string]any) {
	limits, defaultLimits := c.LimitsInForce(), bounds.DefaultLimits()
	audit, defaultAudit := c.AuditInForce(), bounds.DefaultAudit()
	if own := ownSettings(limits.Settings(), defaultLimits.Settings()); len(own) > 0 {
		all[keyLimits] = own
	}
	if own := ownSettings(audit.Settings(), defaultAudit.Settings()); len(own) > 0 {
		all[keyAudit] = own
	}
}

func ownSettings(settings, defaults []bounds.Setting) map[string]any {
	own := map[string]any{}
	for i, s := range settings {
		if s.Value() != defaults[i].Value() {
			own[s.Name] = s.JSON()
		}
	}
	return own
}
