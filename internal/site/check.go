package site

import (
	"fmt"
	"slices"
	"strings"
)

// MinVersions returns the TLS versions that a server can be told to require at
// least, the weakest first.
func MinVersions() []string { return []string{"tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"} }

// Approvals returns the ways to admit clients, the default first.
func Approvals() []Approval {
	return []Approval{ApprovalAuthCode, ApprovalContacts, ApprovalAutomatic}
}

// CheckMinVersion refuses what is not one of MinVersions.
func CheckMinVersion(version string) error {
	if !slices.Contains(MinVersions(), version) {
		return fmt.Errorf("the version must be one of %s", strings.Join(MinVersions(), ", "))
	}
	return nil
}

// CheckApproval refuses what is not one of Approvals.
func CheckApproval(approval Approval) error {
	if !slices.Contains(Approvals(), approval) {
		return fmt.Errorf("the approval must be %q, %q or %q", ApprovalAuthCode, ApprovalContacts, ApprovalAutomatic)
	}
	return nil
}

// CheckManagedBy refuses what is neither ManagedByFile nor ManagedByTenant.
func CheckManagedBy(managedBy ManagedBy) error {
	if managedBy != ManagedByFile && managedBy != ManagedByTenant {
		return fmt.Errorf("an organization is managed by %q or %q", ManagedByFile, ManagedByTenant)
	}
	return nil
}
