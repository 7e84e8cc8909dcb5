package api

import (
	"maps"
	"net/http"

	"github.com/ktsd/ktsd/internal/fault"
)

// description tells of a route what its row in the table does not.
type description struct {
	summary string
	more    string
	query   []object // parameters
	body    content  // no media: it has none
	status  int      // of success; 0: 200
	answer  string   // what success means
	answers []content

	// kinds are those of the errors that it may answer with, beside those that
	// Kinds adds: internal and unavailable for each route, and what follows from
	// its callers and its body.
	kinds []fault.Kind
}

func (d description) success() int {
	if d.status == 0 {
		return http.StatusOK
	}
	return d.status
}

const overview = `ktsd keeps small encrypted objects, deposits, for registered clients, and gives them back to nobody else. It never sees what they hold: clients encrypt and sign before they put.

Every refusal is an Error. Besides those named at each operation, any path may answer 404 for what is not there, for a path that is not in its plain form (with "//", "..", or a slash at its end), and for what is not for the caller; 405 where the path exists with other methods, with Allow. HEAD is taken where GET is. What is no HTTP at all is answered by 400, 413, 417, 431, 501 or 505 in plain text, and the connection closed.

No answer is a redirect. All of them have Cache-Control: no-store.`

// describe returns the descriptions by the names of the routes.
func describe() map[string]description {
	all := describePublic()
	for _, more := range []map[string]description{
		describeDeposits(), describeCertificates(), describeServer(), describeOrganizations(), describeClients(),
	} {
		maps.Copy(all, more)
	}
	return all
}

// The errors of what asks the store, what changes it, and what is for clients that
// are served.
var (
	stored  = []fault.Kind{fault.Corrupt}
	changes = []fault.Kind{fault.Corrupt, fault.OutcomeUnknown}
	served  = []fault.Kind{fault.Pending, fault.Disabled, fault.Limited}
)

func kinds(groups []fault.Kind, more ...fault.Kind) []fault.Kind {
	return append(append([]fault.Kind{}, groups...), more...)
}

func parameter(name string, required bool, f field) object {
	return object{"name": name, "in": "query", "required": required, "description": f.says, "schema": f.rule()}
}

func text(pattern string) content {
	return content{media: "text/plain", schema: object{"type": "string", "pattern": pattern}}
}

// done is the answer to what has nothing to tell.
func done() []content {
	return []content{{media: "application/json", schema: object{"type": "object", "maxProperties": 0}}}
}

func describePublic() map[string]description {
	return map[string]description{
		"root": {
			summary: "Tell the server's OpenPGP fingerprint or public key, or its statement over its TLS key",
			query:   []object{parameter("a", true, field{"What to tell.", object{"type": "string", "enum": []string{"fingerprint", "pubkey", "statement"}}})},
			answer: "The fingerprint with its algorithm, like 4096R/ and 40 hex digits; or the key, armored; " +
				"or what the server says of its TLS key, signed in the clear by its OpenPGP key.",
			answers: []content{text(`^([0-9]+[A-Z]/[0-9A-F]{40}\n|-----BEGIN PGP PUBLIC KEY BLOCK-----\n|-----BEGIN PGP SIGNED MESSAGE-----\n)`)},
			kinds:   []fault.Kind{fault.NotFound},
		},
		"health": {summary: "Tell that the process answers", answer: "It does.", answers: []content{text("^ok\n$")}},
		"ready":  {summary: "Tell whether changes can be made now", answer: "They can.", answers: []content{text("^ready\n$")}},
		"metrics": {
			summary: "Tell the metrics, for Prometheus", answer: "The metrics, in Prometheus' text format.",
			answers: []content{{media: "text/plain", schema: object{"type": "string"}}},
			kinds:   []fault.Kind{fault.NotFound},
		},
		"openapi": {
			summary: "Tell the API", answer: "This document.",
			answers: []content{{media: "application/json", schema: object{"type": "object", "required": []string{"openapi", "info", "paths", "components"}}}},
		},
		"register": {
			summary: "Register the connection's certificate and an OpenPGP key",
			more: "The client belongs to the organization from then on, and is let in as the organization says: at once with the right code, when a contact approves, or at once. " +
				"Registering again changes no state. A wrong code, a missing one and an unknown organization are answered alike.",
			body: jsonOf(Registration{}), answer: "The client, as the server knows it now.", answers: []content{jsonOf(Client{})},
			kinds: kinds(changes, fault.Unauthenticated, fault.Denied, fault.Pending, fault.Disabled, fault.Conflict, fault.Limited, fault.Quota),
		},
		"self": {
			summary: "Tell who the connection's certificate is bound to", more: "Also while that client is pending or disabled.",
			answer: "The client.", answers: []content{jsonOf(Client{})}, kinds: stored,
		},
	}
}

// contents are the answers that carry a deposit's bytes.
func contents() content {
	return content{
		media: "application/octet-stream", schema: octets(),
		headers: []string{HeaderUUID, HeaderHandle, HeaderVersion, HeaderCreated, HeaderNotAfter},
	}
}

// octets are a deposit's bytes, which no type of JSON tells of.
func octets() object { return object{"minLength": 1, "maxLength": MaxDeposit} }

func describeDeposits() map[string]description {
	one := []content{jsonOf(Deposit{})}
	return map[string]description{
		"purge": {
			summary: "Take the contents of a deleted deposit away for good",
			more:    "Only once it could have been undeleted for as long as the server's limits say. Its UUID and version stay taken. Purging it again changes nothing.",
			answer:  "Its contents are gone.", answers: one, kinds: kinds(changes, append(served, fault.Invalid, fault.NotFound, fault.Conflict)...),
		},
		"put": {
			summary: "Put a deposit",
			more: "It becomes a new version under its handle; nothing is ever overwritten. The same put sent again, with the same UUID, handle, not_after and bytes, is answered as before, " +
				"so an interrupted one is simply repeated. When the answer is 200, the deposit is on disk.",
			query: []object{
				parameter("handle", true, field{handleSays, handleForm}),
				parameter("not_after", false, field{"From then on it is not served (RFC 3339).", object{"type": "string", "format": "date-time"}}),
			},
			body: content{media: "application/octet-stream", schema: octets()}, answer: "It is kept.", answers: one,
			kinds: kinds(changes, append(served, fault.Conflict, fault.Gone, fault.Quota)...),
		},
		"get": {
			summary: "Get a deposit by its UUID", answer: "Its bytes, exactly as they were put.", answers: []content{contents()},
			kinds: kinds(stored, append(served, fault.Invalid, fault.NotFound, fault.Gone)...),
		},
		"find": {
			summary: "Get a deposit by its handle, or list deposits",
			more: "With handle: the bytes of the latest version, or of the version named; prefix, cursor, limit and show are not used then. " +
				"A handle whose latest version was deleted is not found. Without handle: descriptions.",
			query: []object{
				parameter("handle", false, field{handleSays, handleForm}),
				parameter("version", false, field{"With handle alone.", numberForm}),
				parameter("prefix", false, field{"Lists the handles that begin so.", object{"type": "string", "maxLength": 255}}),
				parameter("cursor", false, field{"Lists the page that an answer named.", object{"type": "string", "pattern": "^[0-9A-Za-z_-]*$"}}),
				parameter("limit", false, field{"How many to list; never more than 500.", numberForm}),
				parameter("show", false, field{"all: deleted deposits and older versions too.", object{"type": "string", "enum": []string{"all"}}}),
			},
			answer: "With handle, the deposit's bytes; without, descriptions.", answers: []content{contents(), jsonOf(Deposits{})},
			kinds: kinds(stored, append(served, fault.Invalid, fault.NotFound, fault.Gone)...),
		},
		"delete": {
			summary: "Delete a deposit", more: "It is hidden and can be brought back. Deleting it again changes nothing.",
			answer: "It is deleted.", answers: one, kinds: kinds(changes, append(served, fault.Invalid, fault.NotFound)...),
		},
		"undelete": {
			summary: "Bring a deleted deposit back", answer: "It is there.", answers: one,
			kinds: kinds(changes, append(served, fault.Invalid, fault.NotFound, fault.Gone)...),
		},
	}
}

func describeCertificates() map[string]description {
	one := []content{jsonOf(Certificate{})}
	key := kinds(changes, fault.Invalid, fault.NotFound)
	return map[string]description{
		"certificates": {
			summary: "List one's own certificates", more: "Retired ones too.", answer: "The certificates.",
			answers: []content{jsonOf(Certificates{})}, kinds: kinds(stored, served...),
		},
		"addCertificate": {
			summary: "Bind another TLS key to oneself",
			more:    "Beside those that are bound. The same key again is answered as before; a retired one is refused for good.",
			body:    jsonOf(NewCertificate{}), answer: "The key is bound.", answers: one,
			kinds: kinds(changes, append(served, fault.Conflict, fault.Quota)...),
		},
		"retireCertificate": {
			summary: "Retire one of one's own certificates", more: "But not the one of the connection. Retiring it again changes nothing.",
			answer: "It is retired.", answers: one, kinds: kinds(key, append(served, fault.Conflict)...),
		},
		"clientCertificates": {
			summary: "List a client's certificates", more: "Retired ones too.", answer: "The certificates.",
			answers: []content{jsonOf(Certificates{})}, kinds: kinds(stored, fault.Invalid),
		},
		"revokeCertificate": {
			summary: "Revoke a certificate",
			more:    "From its next request on, also while the database cannot be written: in_force tells where.",
			answer:  "It is revoked.", answers: one, kinds: key,
		},
	}
}

func describeServer() map[string]description {
	return map[string]description{
		"server": {summary: "Tell what ktsd runs with", answer: "What it runs with.", answers: []content{jsonOf(Server{})}},
		"status": {
			summary: "Tell how ktsd does",
			more:    "It is cheap to ask, is answered within seconds whatever hangs, and leaves no audit record. Counts may be a second old.",
			answer:  "How it does.", answers: []content{jsonOf(ServerStatus{})},
		},
		"reload": {
			summary: "Take up keytrustee.conf and the TLS certificate as they are now",
			more:    "Open connections are not disturbed.", answer: "What ktsd runs with from now on.", answers: []content{jsonOf(Server{})},
			kinds: []fault.Kind{fault.Conflict},
		},
		"check": {
			summary: "Tell whether keytrustee.conf.next would be taken up in the place of keytrustee.conf",
			more:    "With the certificate and all else that it names, and the addresses that are not served on yet. Nothing is changed. A refusal has the words of the reload's.",
			answer:  "It would.", answers: done(), kinds: []fault.Kind{fault.Conflict},
		},
	}
}

func describeOrganizations() map[string]description {
	return map[string]description{
		"organizations": {
			summary: "List the organizations", answer: "All of them, with their authorization codes.", answers: []content{jsonOf(Organizations{})}, kinds: stored,
		},
		"createOrganization": {
			summary: "Make an organization", body: jsonOf(NewOrganization{}), status: http.StatusCreated,
			answer: "It is made.", answers: done(), kinds: kinds(changes, fault.Conflict),
		},
		"addContacts": {
			summary: "Add contacts to an organization", more: "One that is there stays there.",
			body: jsonOf(Contacts{}), answer: "They are contacts.", answers: done(), kinds: changes,
		},
		"removeContact": {
			summary: "Remove a contact from an organization", more: "One that is not there is no error.",
			answer: "It is no contact.", answers: []content{jsonOf(Removed{})}, kinds: kinds(changes, fault.Invalid),
		},
		"setExpiration": {
			summary: "Set from when on an organization's clients are not served",
			more:    "At once, where that has passed. Nothing of their deposits is lost.",
			body:    jsonOf(Expiration{}), answer: "It is set.", answers: done(), kinds: changes,
		},
		"setManagement": {
			summary: "Set who has the last word on an organization", body: jsonOf(Management{}), answer: "It is set.", answers: done(), kinds: changes,
		},
		"usage": {
			summary: "Count what an organization holds", answer: "What it holds.", answers: []content{jsonOf(Usage{})}, kinds: stored,
		},
		"removeOrganization": {
			summary: "Remove an organization with its contacts, clients, their certificates and deposits",
			more: "For good, and only if it holds exactly as many deposits as are named. What is put meanwhile is either counted or refused. " +
				"Other changes wait until it is done, or are told to try again. The name is free then; TLS keys that were retired or revoked are never bound again.",
			query:  []object{parameter("deposits", true, field{"How many deposits it holds, as its usage tells.", object{"type": "integer", "format": "int64", "minimum": 0}})},
			answer: "It is gone.", answers: done(), kinds: kinds(changes, fault.Conflict),
		},
		"setAdmission": {
			summary: "Set how an organization lets clients in", body: jsonOf(Admission{}), answer: "It is set.", answers: done(), kinds: changes,
		},
	}
}

func describeClients() map[string]description {
	organization := parameter("organization", false, field{"Those of this organization alone.", organizationForm})
	one := []content{jsonOf(Client{})}
	return map[string]description{
		"clients": {
			summary: "List the clients", query: []object{organization}, answer: "The clients.", answers: []content{jsonOf(Clients{})},
			kinds: kinds(stored, fault.Invalid),
		},
		"enableClient": {
			summary: "Let a pending or disabled client in", answer: "It is active.", answers: one, kinds: kinds(changes, fault.Invalid),
		},
		"disableClient": {
			summary: "Shut a client out", more: "From its next request on, also while the database cannot be written: in_force tells where. Nothing of its deposits is lost.",
			answer: "It is disabled.", answers: one, kinds: kinds(changes, fault.Invalid),
		},
		"purgeNow": {
			summary: "Take the contents of a client's deleted deposit away for good, at once",
			body:    jsonOf(Purge{}), answer: "Its contents are gone.", answers: []content{jsonOf(Deposit{})},
			kinds: kinds(changes, fault.Conflict),
		},
	}
}
