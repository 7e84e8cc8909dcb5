package escrow

import (
	"fmt"
	"time"
)

// What the tests see of the package's inside: policy, which is pure, and the
// formats of what is bound and digested.

// The rules of policy.
var (
	Identify = identify
	Admit    = admit
	Serve    = serve
)

// AcceptPut is acceptPut.
func AcceptPut(f *Facts, client Fingerprint, put NewDeposit, now time.Time) (int64, *Deposit, error) {
	return acceptPut(f, client, put, now)
}

// Asked is a proven registration.
type Asked struct {
	Organization OrgName
	Name         string
	Key          PublicKey
	Certificate  KeyHash
}

// Admission is what acceptRegistration returns.
type Admission struct {
	Client      Client
	Known, Bind bool
}

// AcceptRegistration is acceptRegistration.
func AcceptRegistration(f *Facts, a Asked, codeRight bool, now time.Time) (Admission, error) {
	got, err := acceptRegistration(f, provenRegistration{a.Organization, a.Name, a.Key, a.Certificate}, codeRight, DefaultLimits(), now)
	return Admission{got.client, got.known, got.bind}, err
}

// The formats.
var (
	CodeBinding   = codeBinding
	DepositDigest = depositDigest
)

// DepositBinding is Deposit.binding.
func DepositBinding(d Deposit, org OrgName) Binding { return d.binding(org) }

// RowOf are the bindings of rows that decide over access.
func RowOf(row any, org OrgName) Binding {
	switch row := row.(type) {
	case Certificate:
		return row.row()
	case Client:
		return row.row()
	case Organization:
		return row.row()
	case Contact:
		return row.row(org)
	}
	return nil
}

// AcceptPurge is acceptPurge.
func AcceptPurge(d Deposit, wait time.Duration, now time.Time) error {
	return acceptPurge(&d, wait, now)
}

// Room is room.
var Room = room

// Queued returns the number of changes that wait for the writer.
func Queued(s *Service) int { return len(s.writer.queue) }

// Abandon ends a service as a crash does, as far as the store and the chain can
// tell: nothing is flushed.
func Abandon(s *Service) {
	s.stop()
	s.running.Wait()
}

// Remembered tells what a service has in memory of an organization.
func Remembered(s *Service, org OrgName) string {
	authentic, rates := 0, 0
	for _, who := range s.authenticated.all {
		if who.Organization.Name == org {
			authentic++
		}
	}
	for m := range s.rates.clients {
		if m.organization == org {
			rates++
		}
	}
	if s.rates.organizations[org] != nil {
		rates++
	}
	return fmt.Sprintf("%d authentic, %d rates", authentic, rates)
}
