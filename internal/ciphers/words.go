package ciphers

import (
	"crypto/tls"
	"strings"
)

// word is what a string may be made of: a keyword, or the name of a suite.
type word struct {
	algorithms
	gone bool // OpenSSL 3 knows it no more, or knows it only with its legacy algorithms
}

// dictionary returns all words.
func dictionary() map[string]word {
	words := keywords()
	for _, f := range families() {
		for name := range strings.FieldsSeq(f.suites) {
			a := bulk(name)
			a.exchange, a.auth = f.exchange, f.auth
			words[f.prefix+name] = word{algorithms: a}
		}
	}
	for name := range strings.FieldsSeq(legacy) {
		words[name] = word{gone: true}
	}
	for _, s := range suites() {
		w := word{algorithms: s.algorithms}
		w.version, w.notDefault = 0, false // which a name does not narrow down
		words[s.name] = w
		words[tls.CipherSuiteName(s.id)] = w
	}
	return words
}

// legacy are keywords and suites that OpenSSL knew, or knows only in builds of their
// own.
const legacy = `DES EXP EXPORT EXPORT40 EXPORT56 RC2 IDEA SEED SSLv2 FZA kFZA aFZA eFZA KRB5 kKRB5 aKRB5
	kDHr kDHd kDH aDH kECDHr kECDHe kECDH aECDH GOST GOST89 GOST94 GOST12 GOST89MAC kGOST kGOST18 aGOST aGOST01 aGOST12
	RC4-MD5 ADH-RC4-MD5 AECDH-RC4-SHA PSK-RC4-SHA RSA-PSK-RC4-SHA DHE-PSK-RC4-SHA ECDHE-PSK-RC4-SHA
	DHE-RSA-DES-CBC3-SHA DHE-DSS-DES-CBC3-SHA ADH-DES-CBC3-SHA AECDH-DES-CBC3-SHA ECDHE-ECDSA-DES-CBC3-SHA
	PSK-3DES-EDE-CBC-SHA RSA-PSK-3DES-EDE-CBC-SHA DHE-PSK-3DES-EDE-CBC-SHA ECDHE-PSK-3DES-EDE-CBC-SHA
	SRP-3DES-EDE-CBC-SHA SRP-RSA-3DES-EDE-CBC-SHA SRP-DSS-3DES-EDE-CBC-SHA
	DES-CBC-SHA EDH-RSA-DES-CBC-SHA EDH-DSS-DES-CBC-SHA ADH-DES-CBC-SHA EXP-DES-CBC-SHA EXP-RC4-MD5 EXP-RC2-CBC-MD5
	IDEA-CBC-SHA SEED-SHA DHE-RSA-SEED-SHA DHE-DSS-SEED-SHA ADH-SEED-SHA
	GOST2012-GOST8912-GOST8912 GOST2001-GOST89-GOST89 GOST2012-NULL-GOST12 GOST2001-NULL-GOST94`

// keywords returns the words that select suites by what these are made of.
func keywords() map[string]word {
	exchange := func(bits uint32) word { return word{algorithms: algorithms{exchange: bits}} }
	auth := func(bits uint32) word { return word{algorithms: algorithms{auth: bits}} }
	both := func(exchange, auth uint32) word {
		return word{algorithms: algorithms{exchange: exchange, auth: auth}}
	}
	cipher := func(bits uint32) word { return word{algorithms: algorithms{cipher: bits}} }
	mac := func(bits uint32) word { return word{algorithms: algorithms{mac: bits}} }
	class := func(bits uint32) word { return word{algorithms: algorithms{class: bits}} }
	version := func(v uint16) word { return word{algorithms: algorithms{version: v}} }
	const (
		all128, all256 = aes128 | aes128GCM | aes128CCM | aes128CCM8, aes256 | aes256GCM | aes256CCM | aes256CCM8
		cbc            = aes128 | aes256 | camellia128 | camellia256 | tripleDES
	)
	return map[string]word{
		"ALL": cipher(^eNULL), "COMPLEMENTOFALL": cipher(eNULL),
		"COMPLEMENTOFDEFAULT": {algorithms: algorithms{notDefault: true}},

		"kRSA": exchange(kRSA), "kEDH": exchange(kDHE), "kDHE": exchange(kDHE), "DH": exchange(kDHE),
		"kEECDH": exchange(kECDHE), "kECDHE": exchange(kECDHE), "ECDH": exchange(kECDHE),
		"kPSK": exchange(kPSK), "kRSAPSK": exchange(kRSAPSK), "kDHEPSK": exchange(kDHEPSK), "kECDHEPSK": exchange(kECDHEPSK),
		"PSK": exchange(kPSK | kRSAPSK | kDHEPSK | kECDHEPSK), "kSRP": exchange(kSRP), "SRP": exchange(kSRP),

		"aRSA": auth(aRSA), "aECDSA": auth(aECDSA), "ECDSA": auth(aECDSA), "aDSS": auth(aDSS), "DSS": auth(aDSS),
		"aPSK": auth(aPSK), "aSRP": auth(aSRP), "aNULL": auth(aNULL),

		"RSA": both(kRSA, aRSA), "EDH": both(kDHE, ^aNULL), "DHE": both(kDHE, ^aNULL), "EECDH": both(kECDHE, ^aNULL),
		"ECDHE": both(kECDHE, ^aNULL), "ADH": both(kDHE, aNULL), "AECDH": both(kECDHE, aNULL),

		"AES": cipher(all128 | all256), "AES128": cipher(all128), "AES256": cipher(all256), "AESGCM": cipher(aes128GCM | aes256GCM),
		"AESCCM": cipher(aes128CCM | aes256CCM | aes128CCM8 | aes256CCM8), "AESCCM8": cipher(aes128CCM8 | aes256CCM8),
		"CAMELLIA": cipher(camellia128 | camellia256), "CAMELLIA128": cipher(camellia128), "CAMELLIA256": cipher(camellia256),
		"ARIA": cipher(aria128GCM | aria256GCM), "ARIAGCM": cipher(aria128GCM | aria256GCM), "ARIA128": cipher(aria128GCM), "ARIA256": cipher(aria256GCM),
		"CHACHA20": cipher(chacha20), "3DES": cipher(tripleDES), "RC4": cipher(rc4), "NULL": cipher(eNULL), "eNULL": cipher(eNULL), "CBC": cipher(cbc),

		"MD5": mac(md5), "SHA1": mac(sha1), "SHA": mac(sha1), "SHA256": mac(sha256), "SHA384": mac(sha384),

		"SSLv3": version(ssl30), "TLSv1": version(tls.VersionTLS10), "TLSv1.0": version(tls.VersionTLS10), "TLSv1.2": version(tls.VersionTLS12),
		"LOW": class(low), "MEDIUM": class(medium), "HIGH": class(high), "FIPS": class(fips),

		// Old names of suites, which are keywords to OpenSSL.
		"EDH-RSA-DES-CBC3-SHA": {algorithms: algorithms{exchange: kDHE, auth: aRSA, cipher: tripleDES, mac: sha1, class: medium | fips}},
		"EDH-DSS-DES-CBC3-SHA": {algorithms: algorithms{exchange: kDHE, auth: aDSS, cipher: tripleDES, mac: sha1, class: medium | fips}},
	}
}

// family are suites with the same key exchange, whose names begin alike.
type family struct {
	prefix         string
	exchange, auth uint32
	suites         string // the rest of the names
}

// families returns the suites that OpenSSL 3 has up to TLS 1.2. Those that Go has
// are in suites, too.
func families() []family {
	const (
		gcm      = " AES256-GCM-SHA384 AES128-GCM-SHA256"
		ccm      = " AES256-CCM8 AES256-CCM AES128-CCM8 AES128-CCM"
		aria     = " ARIA256-GCM-SHA384 ARIA128-GCM-SHA256"
		camellia = " CAMELLIA256-SHA256 CAMELLIA128-SHA256 CAMELLIA256-SHA CAMELLIA128-SHA"
		sha      = " AES256-SHA AES128-SHA"
		cbc256   = " AES256-SHA256 AES128-SHA256"
		cbc384   = " AES256-SHA384 AES128-SHA256 CAMELLIA256-SHA384 CAMELLIA128-SHA256"
		chacha   = " CHACHA20-POLY1305"
		psk      = " AES256-CBC-SHA384 AES256-CBC-SHA AES128-CBC-SHA256 AES128-CBC-SHA CAMELLIA256-SHA384 CAMELLIA128-SHA256 NULL-SHA384 NULL-SHA256 NULL-SHA"
		srp      = " AES-256-CBC-SHA AES-128-CBC-SHA"
	)
	return []family{
		{"", kRSA, aRSA, gcm + ccm + aria + cbc256 + camellia + sha + " NULL-SHA256 NULL-SHA NULL-MD5"},
		{"ECDHE-ECDSA-", kECDHE, aECDSA, gcm + chacha + ccm + aria + cbc384 + sha + " NULL-SHA"},
		{"ECDHE-RSA-", kECDHE, aRSA, gcm + chacha + cbc384 + sha + " NULL-SHA"},
		{"ECDHE-", kECDHE, aRSA, aria},
		{"DHE-RSA-", kDHE, aRSA, gcm + chacha + ccm + aria + cbc256 + camellia + sha},
		{"DHE-DSS-", kDHE, aDSS, gcm + aria + cbc256 + camellia + sha},
		{"ADH-", kDHE, aNULL, gcm + cbc256 + camellia + sha},
		{"AECDH-", kECDHE, aNULL, sha + " NULL-SHA"},
		{"PSK-", kPSK, aPSK, gcm + chacha + ccm + aria + psk},
		{"RSA-PSK-", kRSAPSK, aRSA, gcm + chacha + aria + psk},
		{"DHE-PSK-", kDHEPSK, aPSK, gcm + chacha + ccm + aria + psk},
		{"ECDHE-PSK-", kECDHEPSK, aPSK, chacha + psk},
		{"SRP-", kSRP, aSRP, srp}, {"SRP-RSA-", kSRP, aRSA, srp}, {"SRP-DSS-", kSRP, aDSS, srp},
	}
}

// bulk returns the encryption and integrity that the rest of a name stands for.
func bulk(name string) algorithms {
	cipher, hash := name, sha1
	for suffix, bits := range map[string]uint32{"-SHA": sha1, "-SHA256": sha256, "-SHA384": sha384, "-MD5": md5, "-POLY1305": aead, "-CCM": aead, "-CCM8": aead} {
		if rest, ok := strings.CutSuffix(name, suffix); ok {
			hash = bits
			if bits != aead {
				cipher = strings.TrimSuffix(rest, "-CBC")
			}
		}
	}
	if strings.HasSuffix(cipher, "-GCM") {
		hash = aead
	}
	return algorithms{mac: hash, cipher: map[string]uint32{
		"AES128": aes128, "AES256": aes256, "AES-128": aes128, "AES-256": aes256,
		"AES128-GCM": aes128GCM, "AES256-GCM": aes256GCM, "AES128-CCM": aes128CCM, "AES256-CCM": aes256CCM,
		"AES128-CCM8": aes128CCM8, "AES256-CCM8": aes256CCM8, "CAMELLIA128": camellia128, "CAMELLIA256": camellia256,
		"ARIA128-GCM": aria128GCM, "ARIA256-GCM": aria256GCM, "CHACHA20-POLY1305": chacha20, "NULL": eNULL,
	}[cipher], class: classOf(cipher)}
}

// classOf returns the classes of what OpenSSL encrypts with.
func classOf(cipher string) uint32 {
	switch {
	case cipher == "NULL":
		return none | fips
	case strings.HasPrefix(cipher, "AES") && !strings.Contains(cipher, "CCM"):
		return high | fips
	}
	return high
}
