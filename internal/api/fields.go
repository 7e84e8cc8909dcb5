package api

import (
	"maps"

	"github.com/ktsd/ktsd/internal/fault"
)

// field tells of a parameter, or of a field of a type, what its Go type does not.
type field struct {
	says  string
	rules object // of JSON Schema
}

// rule returns the rules, for the caller to add to.
func (f field) rule() object { return maps.Clone(f.rules) }

// The forms of values. Lengths are counted in characters, as JSON Schema does,
// where the server counts bytes of UTF-8: a value of more bytes is refused too.
var (
	uuidForm         = object{"type": "string", "format": "uuid", "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"}
	handleForm       = object{"type": "string", "minLength": 1, "maxLength": 255, "pattern": `^[^\x00-\x1f\x7f-\x9f]+$`}
	organizationForm = object{"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"}
	contactForm      = object{"type": "string", "minLength": 3, "maxLength": 254, "pattern": `^[^ ,]+@[^ ,]+$`}
	fingerprintForm  = object{"type": "string", "pattern": "^[0-9A-F]{40}$"}
	qualifiedForm    = object{"type": "string", "pattern": "^[0-9]+[A-Z]/[0-9A-F]{40}$"}
	approvalForm     = object{"type": "string", "enum": []string{"auth_code", "contacts", "automatic"}}
	managementForm   = object{"type": "string", "enum": []string{"tenant", "file"}}
	reasonForm       = object{"type": "string", "pattern": `^[^\x00-\x1f\x7f-\x9f]{1,255}$`}
	codeForm         = object{"type": "string", "maxLength": 255}
	nameForm         = object{"type": "string", "maxLength": 128}
	keyForm          = object{"type": "string", "pattern": "^[0-9a-f]{64}$"}
	countForm        = object{"minimum": 1}
	numberForm       = object{"type": "integer", "format": "int64", "minimum": 1}
)

const (
	keySays    = "The certificate's TLS key: SHA-256 of its SubjectPublicKeyInfo, in hex."
	handleSays = "The client's name for the deposit: 1 to 255 bytes of UTF-8 without control characters, and no . or .. between slashes."
	uuidSays   = "Names the deposit within its client, which chose it."
)

// pathFields are the parameters of paths.
func pathFields() map[string]field {
	return map[string]field{
		"uuid":         {uuidSays, uuidForm},
		"organization": {"The organization's name.", organizationForm},
		"contact":      {"The contact's mail address.", contactForm},
		"fingerprint": {
			"The client's OpenPGP fingerprint.", object{"type": "string", "pattern": "^([^/]*/)?[0-9A-Fa-f]{40}$"},
		},
		"key": {keySays, object{"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}},
	}
}

// fields are the types, and their fields by the names they have in JSON.
func fields() map[string]field {
	all := map[string]field{
		"Error":                  {"What every refusal answers with.", nil},
		"Error.error":            {},
		"ErrorDetail":            {"What happened, to what, and what to do next.", nil},
		"ErrorDetail.kind":       {"The kind of error, for programs to tell apart.", object{"enum": Kinds()}},
		"ErrorDetail.message":    {"What happened, for people.", object{"minLength": 1}},
		"ErrorDetail.hint":       {"What to do next, for people.", nil},
		"ErrorDetail.request_id": {"Names the request in the server's log and audit log, as the header " + HeaderRequestID + " does.", nil},
	}
	for _, more := range []map[string]field{depositFields(), clientFields(), certificateFields(), organizationFields(), serverFields(), statusFields(), settingFields()} {
		maps.Copy(all, more)
	}
	return all
}

func depositFields() map[string]field {
	return map[string]field{
		"Deposit":           {"Describes a deposit.", nil},
		"Deposit.uuid":      {uuidSays, uuidForm},
		"Deposit.handle":    {handleSays, handleForm},
		"Deposit.version":   {"Its number under its handle, never used twice.", countForm},
		"Deposit.size":      {"Of its contents, in bytes.", object{"minimum": 1, "maximum": MaxDeposit}},
		"Deposit.created":   {"When it was put.", nil},
		"Deposit.not_after": {"From then on it is not served. Absent: it is served without end.", nil},
		"Deposit.deleted":   {"When it was deleted. Absent: it was not.", nil},
		"Deposit.purged":    {"When its contents were taken away for good. Absent: they were not.", nil},
		"Purge":             {"Says why a deposit is purged at once.", nil},
		"Purge.reason":      {"For the audit log: 1 to 255 bytes without control characters.", object{"minLength": 1, "maxLength": 255, "pattern": `^[^\x00-\x1f\x7f-\x9f]+$`}},
		"Deposits":          {"One page of descriptions.", nil},
		"Deposits.deposits": {"In the order of handles, and of versions from the latest down.", nil},
		"Deposits.cursor":   {"Names the next page. Absent: this is the last one.", nil},
	}
}

func clientFields() map[string]field {
	return map[string]field{
		"Registration":              {"Asks to be registered, with the TLS key that made the connection.", nil},
		"Registration.organization": {"The organization to belong to.", organizationForm},
		"Registration.name":         {"For people.", nameForm},
		"Registration.auth_code":    {"The organization's authorization code, where it asks for one.", codeForm},
		"Registration.public_key":   {"The client's OpenPGP key, armored, at most 64 KiB.", object{"minLength": 1, "maxLength": 64 << 10}},
		"Registration.time":         {"When the signature was made: within 5 minutes of the server's clock.", nil},
		"Registration.signature":    {"A detached OpenPGP signature over the text of the proof: " + proofSays, nil},
		"Client":                    {"Describes a client.", nil},
		"Client.fingerprint":        {"Its OpenPGP fingerprint, by which it is known.", fingerprintForm},
		"Client.organization":       {"The organization that it belongs to; empty where the database could not be asked.", object{"pattern": "^[0-9A-Za-z_-]{0,64}$"}},
		"Client.name":               {"For people.", nameForm},
		"Client.state":              {"Only an active client is served.", object{"enum": []string{"pending", "active", "disabled"}}},
		"Client.created":            {"When it was registered.", nil},
		"Client.in_force":           {"Where its disabling is in force, in the answer to that alone.", nil},
		"InForce":                   {"Tells where it is in force that access was taken away.", nil},
		"InForce.node":              {"The host where it is in force at once.", nil},
		"InForce.everywhere":        {"Whether the database has it. If not, it is told as soon as it can be.", nil},
		"Clients":                   {"A list of clients.", nil},
		"Clients.clients":           {},
	}
}

func certificateFields() map[string]field {
	return map[string]field{
		"Certificate":               {"Describes a TLS key that is, or was, bound to a client.", nil},
		"Certificate.key":           {keySays, keyForm},
		"Certificate.client":        {"The client's OpenPGP fingerprint.", object{"pattern": "^([0-9A-F]{40})?$"}},
		"Certificate.created":       {"When it was bound.", nil},
		"Certificate.retired":       {"From then on it is not taken any more. Absent: it is in force.", nil},
		"Certificate.current":       {"Whether it is that of the connection.", nil},
		"Certificate.in_force":      {"Where its revocation is in force, in the answer to that alone.", nil},
		"Certificates":              {"A list of certificates.", nil},
		"Certificates.certificates": {"The oldest first.", nil},
		"NewCertificate":            {"Asks for another TLS key to be bound to the caller.", nil},
		"NewCertificate.request":    {"A certification request of the new key (PKCS #10), PEM.", object{"minLength": 1}},
		"NewCertificate.public_key": {"The client's OpenPGP key, armored, at most 64 KiB.", object{"minLength": 1, "maxLength": 64 << 10}},
		"NewCertificate.time":       {"When the signature was made: within 5 minutes of the server's clock.", nil},
		"NewCertificate.signature":  {"A detached OpenPGP signature over the text of the proof: " + certificateSays, nil},
	}
}

const certificateSays = `"ktsd-certificate/1", "organization: NAME", "server: FINGERPRINT", "client: FINGERPRINT", ` +
	`"certificate-key: SHA-256 of the new TLS key's SubjectPublicKeyInfo in hex" and "time: TIME" in UTC and whole seconds, each a line that ends with a line feed.`

const proofSays = `"ktsd-registration/1", "organization: NAME", "server: FINGERPRINT", "certificate-key: SHA-256 of the TLS key's SubjectPublicKeyInfo in hex" and ` +
	`"time: TIME" in UTC and whole seconds, each a line that ends with a line feed.`

const neverSays = "9999-12-31T18:59:59Z is never."

func organizationFields() map[string]field {
	contacts := object{"items": contactForm, "maxItems": 1000}
	return map[string]field{
		"NewOrganization":             {"Asks for an organization.", nil},
		"NewOrganization.name":        {"Its name.", organizationForm},
		"NewOrganization.contacts":    {"Mail addresses of its administrators.", contacts},
		"NewOrganization.approval":    {"How it lets clients in; auth_code if absent.", approvalForm},
		"NewOrganization.auth_code":   {"Its authorization code, with auth_code alone. Absent: one is made.", codeForm},
		"NewOrganization.expires":     {"From then on, from 1970 to 9999, none of its clients is served. Absent: never.", nil},
		"NewOrganization.managed_by":  {"Who has the last word on it; tenant if absent.", managementForm},
		"Organization":                {"Describes an organization.", nil},
		"Organization.name":           {"Its name.", organizationForm},
		"Organization.uuid":           {"A name of its own, as the original server gives one.", object{"pattern": "^[0-9A-Za-z]{43}$"}},
		"Organization.contacts":       {"Mail addresses of its administrators.", object{"items": contactForm}},
		"Organization.approval":       {"How it lets clients in.", approvalForm},
		"Organization.auth_code":      {"Its authorization code, where it has one.", codeForm},
		"Organization.created":        {"When it was made.", nil},
		"Organization.expires":        {"From then on none of its clients is served; " + neverSays, nil},
		"Organization.managed_by":     {"Who has the last word on it: its tenant, or the site's file, which every apply restores.", managementForm},
		"Organization.foreign":        {"What of it in the database this server did not write, and therefore does not follow.", nil},
		"Removed":                     {"Answers the removal of a contact.", nil},
		"Removed.in_force":            {"Where it is in force.", nil},
		"Expiration":                  {"Asks for another expiration of an organization.", nil},
		"Expiration.expires":          {"From then on, from 1970 to 9999, none of its clients is served; " + neverSays, nil},
		"Management":                  {"Asks for another management of an organization.", nil},
		"Management.managed_by":       {"Who is to have the last word.", managementForm},
		"Usage":                       {"What an organization holds, counted one by one.", nil},
		"Usage.clients":               {"Its clients, pending and disabled ones included.", nil},
		"Usage.deposits":              {"Their deposits: deleted ones are counted, purged ones are not.", nil},
		"Usage.bytes":                 {"Of the contents of these.", nil},
		"Organizations":               {"A list of organizations.", nil},
		"Organizations.organizations": {},
		"Contacts":                    {"Asks for contacts to be added.", nil},
		"Contacts.contacts":           {"Mail addresses.", contacts},
		"Admission":                   {"Asks for another way to let clients in.", nil},
		"Admission.approval":          {"The way.", approvalForm},
		"Admission.auth_code":         {"The authorization code, with auth_code alone. Absent: the one that is set, or a new one.", codeForm},
	}
}

func serverFields() map[string]field {
	return map[string]field{
		"Server":                  {"Tells what ktsd runs with.", nil},
		"Server.version":          {"Of ktsd.", nil},
		"Server.fingerprint":      {"Of the server's OpenPGP key, with its algorithm.", qualifiedForm},
		"Server.node":             {"This host's name.", nil},
		"Server.hostname":         {"The name by which clients reach it.", nil},
		"Server.listen":           {"The addresses served on, with commas between.", nil},
		"Server.tls_min_version":  {"The least version of TLS.", object{"enum": []string{"tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"}}},
		"Server.ciphers":          {"The cipher suites up to TLS 1.2, in OpenSSL's notation; empty: Go's own choice.", nil},
		"Server.certificate":      {"The file of the TLS certificate.", nil},
		"Server.private_key":      {"The file of its private key.", nil},
		"Server.ca_chain":         {"The file of its chain, which is used where its own file has none.", nil},
		"Server.password_script":  {"The program, with its arguments, that prints the password of the private key, which the arguments may hold; empty: it has none.", nil},
		"Server.loaded":           {"SHA-256 of the certificate in use and its chain.", nil},
		"Server.expires":          {"When the certificate in use ends.", nil},
		"Server.self_signed":      {"Whether the certificate in use is signed by its own key, so that no CA vouches for it.", nil},
		"Server.started":          {"When ktsd started.", nil},
		"Server.database":         {"sqlite, or where the PostgreSQL database is; never its password.", nil},
		"Server.limits":           {"The block limits, as it is in force.", nil},
		"Server.audit":            {"The block audit, as it is in force.", nil},
		"Server.database_changed": {"Whether keytrustee.conf names another database than the one in use.", nil},
	}
}

// settingFields are those of the blocks limits and audit. Sizes are in bytes, times
// as 168h0m0s.
func settingFields() map[string]field {
	return map[string]field{
		"Limits":                         {"Bounds on what clients and organizations may keep and ask for.", nil},
		"Limits.client_deposits":         {"Deposits of a client, deleted ones included, purged ones not.", nil},
		"Limits.client_bytes":            {"Bytes of these together.", nil},
		"Limits.client_rate":             {"Requests of a client, a second.", nil},
		"Limits.organization_deposits":   {"Deposits of all clients of an organization.", nil},
		"Limits.organization_bytes":      {"Bytes of these together.", nil},
		"Limits.organization_rate":       {"Requests of these together, a second.", nil},
		"Limits.pending_clients":         {"Clients of an organization that wait for approval.", nil},
		"Limits.pending_expiry":          {"How long a registration waits for it.", nil},
		"Limits.purge_after":             {"From a delete to when its client may purge.", nil},
		"Limits.connections":             {"Connections of clients at once; 0: as many as descriptors allow.", nil},
		"Limits.connections_per_address": {"Of these, from one address; 0: half of them.", nil},
		"Limits.bodies":                  {"Bytes of large request bodies held at once.", nil},
		"Limits.answers":                 {"Bytes of large answers held at once.", nil},
		"Limits.verifications":           {"OpenPGP signatures verified at once.", nil},
		"AuditSettings":                  {"How the audit log is kept.", nil},
		"AuditSettings.segment_size":     {"A segment is full from here on, in bytes.", nil},
		"AuditSettings.segment_age":      {"Or this old.", nil},
		"AuditSettings.reserve":          {"Bytes set aside for what is read while the disk is full.", nil},
		"AuditSettings.low_water":        {"Free bytes below which changes stop; 0: never.", nil},
		"AuditSettings.heads":            {"Whether a signed head is sent to the journal every minute.", nil},
	}
}

// headers are those of answers. One that is not required comes with a deposit's
// bytes alone, or where there is something to tell.
func headers() map[string]object {
	header := func(required bool, f field) object {
		return object{"description": f.says, "required": required, "schema": f.rule()}
	}
	instant := object{"type": "string", "format": "date-time"}
	return map[string]object{
		HeaderRequestID:  header(true, field{"Names the request in the server's log and in its audit log.", object{"type": "string", "pattern": "^[0-9a-f]{16}$"}}),
		headerRetryAfter: header(true, field{"Seconds to wait before trying again.", object{"type": "integer", "minimum": 1}}),
		HeaderUUID:       header(false, field{"The deposit's UUID.", uuidForm}),
		HeaderHandle:     header(false, field{"Its handle, percent-encoded as in a query.", object{"type": "string", "minLength": 1}}),
		HeaderVersion:    header(false, field{"Its version.", numberForm}),
		HeaderCreated:    header(false, field{"When it was put.", instant}),
		HeaderNotAfter:   header(false, field{"From then on it is not served. Absent: it is served without end.", instant}),
	}
}

// meanings are what the kinds of error mean to whoever is answered with one.
func meanings() map[fault.Kind]string {
	return map[fault.Kind]string{
		fault.Invalid:         "the request cannot be understood, and sending it again does not help",
		fault.Unauthenticated: "the connection has no client certificate, or one that is bound to nobody",
		fault.Denied:          "not for this caller",
		fault.Pending:         "the client waits for approval",
		fault.Disabled:        "the client was disabled, or its organization has expired",
		fault.NotFound:        "absent, or not the caller's: these look alike",
		fault.Method:          "the path exists, with other methods",
		fault.Timeout:         "the request did not arrive in time",
		fault.Conflict:        "it would replace or contradict what exists",
		fault.Gone:            "it was purged, or its not_after has passed",
		fault.TooLarge:        "over a limit of size",
		fault.Limited:         "over a limit of rate or number; try later",
		fault.Quota:           "over a limit of what may be kept; trying again does not help",
		fault.Corrupt:         "stored data was changed behind the server's back and is not served",
		fault.Internal:        "an error of the server's, told in full in its log",
		fault.Unavailable:     "refused for now, and nothing was changed; try later, or another server",
		fault.OutcomeUnknown:  "it may have been done: repeat exactly the same request",
	}
}
