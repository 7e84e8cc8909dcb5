package sqlite

import (
	"github.com/ktsd/ktsd/internal/escrow"
)

// facts reads, within the transaction of a change, what its decisions need.
// Organizations come after certificates: what these bring along of theirs, without
// contacts and code, gives way to the whole.
func (s *Store) facts(keys escrow.Keys) (*escrow.Facts, error) {
	f := factFinder{conn: s.writer, facts: escrow.NewFacts(), holders: map[escrow.KeyHash]escrow.Fingerprint{}}
	for _, key := range keys.Certificates {
		if err := f.certificate(key); err != nil {
			return nil, err
		}
	}
	for _, fp := range keys.Clients {
		if err := f.client(fp); err != nil {
			return nil, err
		}
	}
	for _, name := range keys.Organizations {
		if err := f.organization(name); err != nil {
			return nil, err
		}
	}
	for _, key := range keys.Deposits {
		if err := f.deposit(key); err != nil {
			return nil, err
		}
	}
	for _, key := range keys.Owned {
		if err := f.description(key.Client, key.UUID); err != nil {
			return nil, err
		}
	}
	for _, org := range keys.Holdings {
		if err := f.holding(org); err != nil {
			return nil, err
		}
	}
	for _, key := range keys.Spent {
		if err := f.spent(key); err != nil {
			return nil, err
		}
	}
	return f.facts, nil
}

// factFinder reads the facts of one group.
type factFinder struct {
	conn    *conn
	facts   *escrow.Facts
	holders map[escrow.KeyHash]escrow.Fingerprint // of certificates looked up so far; "" for none
}

// certificate is looked up once for a group, in which one client may have many
// changes.
func (f *factFinder) certificate(key escrow.KeyHash) error {
	if _, known := f.holders[key]; known {
		return nil
	}
	f.holders[key] = ""
	_, err := f.conn.find(`SELECT `+standingColumns+`, `+usageColumns+` `+standingTables+usageTables+` WHERE c.key_hash = $1`, []any{key[:]}, func(r *row) error {
		who := r.standing(key)
		f.facts.AddUsage(who.Client.Fingerprint, r.usage(), who.Organization.Name, r.usage())
		f.facts.AddCertificate(*who.Certificate)
		f.facts.AddClient(*who.Client)
		f.facts.AddOrganization(*who.Organization)
		f.holders[key] = who.Client.Fingerprint
		return r.err()
	})
	return err
}

// holder returns the client that a certificate is bound to; "" for none.
func (f *factFinder) holder(key escrow.KeyHash) (escrow.Fingerprint, error) {
	if client, known := f.holders[key]; known {
		return client, nil
	}
	var client escrow.Fingerprint
	_, err := f.conn.find(`SELECT client FROM certificates WHERE key_hash = $1`, []any{key[:]}, func(r *row) error {
		client = escrow.Fingerprint(r.text())
		return r.err()
	})
	return client, err
}

func (f *factFinder) client(fp escrow.Fingerprint) error {
	_, err := f.conn.find(`SELECT `+clientColumns+`, `+usageColumns+`, (SELECT count(*) FROM certificates c WHERE c.client = k.fingerprint)
		FROM clients k`+usageTables+` WHERE k.fingerprint = $1`, []any{fp}, func(r *row) error {
		c := r.client()
		f.facts.AddClient(c)
		f.facts.AddUsage(c.Fingerprint, r.usage(), c.Organization, r.usage())
		f.facts.AddBound(c.Fingerprint, r.number())
		return r.err()
	})
	return err
}

// organization does the same work whether or not the organization exists: a
// registration must not tell by its time.
func (f *factFinder) organization(name escrow.OrgName) error {
	var contacts []escrow.Contact
	err := f.conn.each(`SELECT `+contactColumns+` FROM contacts WHERE organization = $1 ORDER BY contact`, []any{name}, func(r *row) error {
		contacts = append(contacts, r.contact())
		return r.err()
	})
	if err != nil {
		return err
	}
	_, err = f.conn.find(`SELECT (SELECT count(*) FROM clients WHERE organization = $1 AND state = 1), coalesce(sum(deposits), 0), coalesce(sum(bytes), 0)
		FROM usage WHERE holder = '`+organizationHolder+`' || $1`, []any{name}, func(r *row) error {
		f.facts.AddPending(name, r.number())
		f.facts.AddOrganizationUsage(name, r.usage())
		return r.err()
	})
	if err != nil {
		return err
	}
	_, err = f.conn.find(`SELECT `+organizationColumns+` FROM organizations o WHERE o.name = $1`, []any{name}, func(r *row) error {
		org := r.organization()
		org.Contacts = contacts
		f.facts.AddOrganization(org)
		return r.err()
	})
	return err
}

func (f *factFinder) deposit(key escrow.DepositKey) error {
	client, err := f.holder(key.Certificate)
	if err != nil || client == "" {
		return err
	}
	err = f.description(client, key.UUID)
	if err != nil || key.Handle == "" {
		return err
	}
	_, err = f.conn.find(`SELECT d.version FROM deposits d WHERE d.client = $1 AND d.handle = $2 ORDER BY d.version DESC LIMIT 1`,
		[]any{client, key.Handle}, func(r *row) error {
			f.facts.AddLatest(client, key.Handle, r.number())
			return r.err()
		})
	return err
}

func (f *factFinder) holding(org escrow.OrgName) error {
	_, err := f.conn.find(holdingQuery, []any{org}, func(r *row) error {
		f.facts.AddHolding(org, r.holding())
		return r.err()
	})
	return err
}

func (f *factFinder) spent(key escrow.KeyHash) error {
	_, err := f.conn.find(`SELECT 1 FROM spent_keys WHERE key_hash = $1`, []any{key[:]}, func(*row) error {
		f.facts.AddSpent(key)
		return nil
	})
	return err
}

func (f *factFinder) description(client escrow.Fingerprint, id escrow.UUID) error {
	_, err := f.conn.find(`SELECT `+descriptionColumns+` FROM deposits d WHERE d.client = $1 AND d.uuid = $2`, []any{client, id}, func(r *row) error {
		d, _ := r.description()
		f.facts.AddDeposit(d)
		return r.err()
	})
	return err
}
