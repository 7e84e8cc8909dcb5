// Package escrow is the domain: organizations, clients and their deposits, who
// may do what to them, and the one door to it all, Service.
//
// Every change goes one way. A method of Service names the facts it needs and a
// pure decision over them; the writer gathers what waits into a group, the Store
// reads the facts of the group, each decision is taken in turn, and the Store
// writes all mutations and their audit records in one durable transaction. Only
// then is anybody answered. Every read is one query that brings the caller's
// standing along with what was asked for; policy decides over it, and the read
// is audited before it is answered.
//
// The package imports no transport, no SQL and no HCL. Stores, ciphers and
// OpenPGP reach it through the interfaces it declares.
package escrow
