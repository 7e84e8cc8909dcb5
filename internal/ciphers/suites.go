package ciphers

import (
	"crypto/tls"
	"strings"
)

// algorithms are what suites are made of, by category, as sets of bits: of a suite
// the one bit that it has, of a word those that it selects, where none selects all.
type algorithms struct {
	exchange, auth, cipher, mac, class uint32

	notDefault bool   // of a word: those that OpenSSL's default leaves out
	version    uint16 // the least version of the protocol, of a word 0 for any
}

// Key exchange.
const (
	kRSA uint32 = 1 << iota
	kDHE
	kECDHE
	kPSK
	kRSAPSK
	kDHEPSK
	kECDHEPSK
	kSRP
)

// Authentication of the server.
const (
	aRSA uint32 = 1 << iota
	aECDSA
	aDSS
	aPSK
	aSRP
	aNULL
)

// Encryption.
const (
	aes128 uint32 = 1 << iota // CBC
	aes256
	aes128GCM
	aes256GCM
	aes128CCM
	aes256CCM
	aes128CCM8
	aes256CCM8
	camellia128 // CBC
	camellia256
	aria128GCM
	aria256GCM
	chacha20
	tripleDES // CBC
	rc4
	eNULL
)

// Integrity.
const (
	md5 uint32 = 1 << iota
	sha1
	sha256
	sha384
	aead
)

// Classes of strength, as OpenSSL counts them.
const (
	none uint32 = 1 << iota
	low
	medium
	high
	fips
)

// ssl30 is the version that keyword SSLv3 stands for: suites of its time, which later
// versions go on with. Nobody speaks it.
const ssl30 = 0x0300

// suite is a cipher suite that Go has.
type suite struct {
	id   uint16
	name string // OpenSSL's
	bits int    // of strength
	algorithms
}

// suites returns the suites that Go has up to TLS 1.2 in OpenSSL's order: ephemeral
// keys before RSA key exchange, AEAD before the rest, TLS 1.2 before what older
// versions have; then strength; GCM before ChaCha20, ECDSA before RSA, RC4 last.
func suites() []suite {
	const tls10, tls12 = tls.VersionTLS10, tls.VersionTLS12
	of := func(exchange, auth, cipher, mac, class uint32, version uint16) algorithms {
		return algorithms{exchange, auth, cipher, mac, class, class&medium != 0, version}
	}
	return []suite{
		{0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", 256, of(kECDHE, aECDSA, aes256GCM, aead, high|fips, tls12)},
		{0xc030, "ECDHE-RSA-AES256-GCM-SHA384", 256, of(kECDHE, aRSA, aes256GCM, aead, high|fips, tls12)},
		{0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", 256, of(kECDHE, aECDSA, chacha20, aead, high, tls12)},
		{0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", 256, of(kECDHE, aRSA, chacha20, aead, high, tls12)},
		{0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", 128, of(kECDHE, aECDSA, aes128GCM, aead, high|fips, tls12)},
		{0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", 128, of(kECDHE, aRSA, aes128GCM, aead, high|fips, tls12)},
		{0xc023, "ECDHE-ECDSA-AES128-SHA256", 128, of(kECDHE, aECDSA, aes128, sha256, high|fips, tls12)},
		{0xc027, "ECDHE-RSA-AES128-SHA256", 128, of(kECDHE, aRSA, aes128, sha256, high|fips, tls12)},
		{0xc00a, "ECDHE-ECDSA-AES256-SHA", 256, of(kECDHE, aECDSA, aes256, sha1, high|fips, tls10)},
		{0xc014, "ECDHE-RSA-AES256-SHA", 256, of(kECDHE, aRSA, aes256, sha1, high|fips, tls10)},
		{0xc009, "ECDHE-ECDSA-AES128-SHA", 128, of(kECDHE, aECDSA, aes128, sha1, high|fips, tls10)},
		{0xc013, "ECDHE-RSA-AES128-SHA", 128, of(kECDHE, aRSA, aes128, sha1, high|fips, tls10)},
		{0xc007, "ECDHE-ECDSA-RC4-SHA", 128, of(kECDHE, aECDSA, rc4, sha1, medium, tls10)},
		{0xc011, "ECDHE-RSA-RC4-SHA", 128, of(kECDHE, aRSA, rc4, sha1, medium, tls10)},
		{0xc012, "ECDHE-RSA-DES-CBC3-SHA", 112, of(kECDHE, aRSA, tripleDES, sha1, medium|fips, tls10)},
		{0x009d, "AES256-GCM-SHA384", 256, of(kRSA, aRSA, aes256GCM, aead, high|fips, tls12)},
		{0x009c, "AES128-GCM-SHA256", 128, of(kRSA, aRSA, aes128GCM, aead, high|fips, tls12)},
		{0x003c, "AES128-SHA256", 128, of(kRSA, aRSA, aes128, sha256, high|fips, tls12)},
		{0x0035, "AES256-SHA", 256, of(kRSA, aRSA, aes256, sha1, high|fips, ssl30)},
		{0x002f, "AES128-SHA", 128, of(kRSA, aRSA, aes128, sha1, high|fips, ssl30)},
		{0x0005, "RC4-SHA", 128, of(kRSA, aRSA, rc4, sha1, medium, ssl30)},
		{0x000a, "DES-CBC3-SHA", 112, of(kRSA, aRSA, tripleDES, sha1, medium|fips, ssl30)},
	}
}

// weakness is what is insecure about a suite, as a set of bits.
type weakness uint8

// The reasons for which Go calls a suite insecure.
const (
	weakExchange weakness = 1 << iota
	weakRC4
	weak3DES
	weakCBC
)

// weaknesses returns what is insecure about the suite, or, of a word, what it names.
func (a algorithms) weaknesses() weakness {
	var w weakness
	if a.exchange == kRSA {
		w |= weakExchange
	}
	if a.cipher == rc4 {
		w |= weakRC4
	}
	if a.cipher == tripleDES {
		w |= weak3DES
	}
	if a.mac == sha256 {
		w |= weakCBC
	}
	return w
}

// String returns the reasons.
func (w weakness) String() string {
	var says []string
	for _, reason := range []struct {
		bit  weakness
		text string
	}{
		{weakExchange, "RSA key exchange has no forward secrecy"}, {weakRC4, "RC4 is broken"},
		{weak3DES, "3DES has blocks of 64 bits"}, {weakCBC, "CBC with SHA-256 is open to timing attacks in Go"},
	} {
		if w&reason.bit != 0 {
			says = append(says, reason.text)
		}
	}
	return strings.Join(says, ", ")
}

// selects says whether a suite is among those that a term stands for.
func (a algorithms) selects(s suite) bool {
	meets := func(want, has uint32) bool { return want == 0 || want&has != 0 }
	return meets(a.exchange, s.exchange) && meets(a.auth, s.auth) && meets(a.cipher, s.cipher) && meets(a.mac, s.mac) &&
		meets(a.class, s.class) && (!a.notDefault || s.notDefault) && (a.version == 0 || a.version == s.version)
}

// and narrows a down to what b stands for too. It fails if the two have nothing in
// common in one of the categories. OpenSSL forgets of a that it is about what is not
// in the default when it comes to b's class, and so does this.
func (a algorithms) and(b algorithms) (algorithms, bool) {
	ok := true
	narrow := func(x, y uint32) uint32 {
		if x == 0 || y == 0 {
			return x | y
		}
		ok = ok && x&y != 0
		return x & y
	}
	both := algorithms{
		exchange: narrow(a.exchange, b.exchange), auth: narrow(a.auth, b.auth), cipher: narrow(a.cipher, b.cipher),
		mac: narrow(a.mac, b.mac), class: narrow(a.class, b.class), version: max(a.version, b.version),
		notDefault: b.notDefault || a.notDefault && (a.class != 0 || b.class == 0),
	}
	if a.version != 0 && b.version != 0 && a.version != b.version {
		ok = false
	}
	return both, ok
}
