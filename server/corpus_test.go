package main_test

import (
	"net/http"
	"strings"
)

// attack is a request that says of itself what is not so, and the statuses of the
// answers that it may have.
type attack struct {
	name, raw string
	want      []int
}

// What attacks are made of: the request that must not be executed, and one after
// it that is answered only on a connection that is still in order.
const (
	hidden   = "DELETE /v1/deposits/KEPT HTTP/1.1\r\nHost: localhost\r\n\r\n"
	probe    = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	undelete = "POST /v1/deposits/FRESH/undelete HTTP/1.1\r\nHost: localhost\r\n"
)

func framing() (all []attack) {
	return append(append(lengths(), chunks()...), forms()...)
}

// lengths are about Content-Length, alone and beside Transfer-Encoding (RFC 9112,
// 6.3).
func lengths() []attack {
	bad, absent := []int{http.StatusBadRequest}, []int{http.StatusNotFound}
	length := func(value string) string { return undelete + "Content-Length: " + value + "\r\n\r\n" + hidden + probe }
	return []attack{
		{"the plain form: a body is no request", undelete + "Content-Length: 98\r\n\r\n" + strings.Repeat(" ", 98) + probe, []int{404, 200}},
		{"CL.TE", undelete + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden + probe, absent},
		{"TE.CL", undelete + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden + probe, absent},
		{"two lengths", undelete + "Content-Length: 0\r\nContent-Length: 98\r\n\r\n" + hidden + probe, bad},
		{"two lengths, the other way round", undelete + "Content-Length: 98\r\nContent-Length: 0\r\n\r\n" + hidden + probe, bad},
		{"two lengths in one", length("0, 98"), bad},
		{"a list of one length twice", length("0, 0"), bad},
		{"a length with a sign", length("+0"), bad},
		{"a length below zero", length("-1"), bad},
		{"a length in hex", length("0x0"), bad},
		{"a length with a point", length("0.0"), bad},
		{"a length of letters", length("a"), bad},
		{"a length of nothing", length(""), bad},
		{"a length over 64 bits", length("18446744073709551616"), bad},
		{"a length over 63 bits", length("9223372036854775808"), bad},
		{"a length with a space", length("0 0"), bad},
		{"a length in other digits", length("٠"), bad},
		{"a length with a NUL", length("0\x00"), bad},
		{"a space before the colon", undelete + "Content-Length : 98\r\n\r\n" + hidden + probe, bad},
		{"a tab before the colon", undelete + "Content-Length\t: 98\r\n\r\n" + hidden + probe, bad},
		{"a length with an underscore", undelete + "Content_Length: 0\r\nContent-Length: x\r\n\r\n" + hidden + probe, bad},
	}
}

// chunks are about Transfer-Encoding (RFC 9112, 6.1 and 7.1).
func chunks() []attack {
	bad, unknown, absent := []int{http.StatusBadRequest}, []int{http.StatusNotImplemented}, []int{http.StatusNotFound}
	coding := func(lines string) string { return undelete + lines + "\r\n\r\n0\r\n\r\n" + hidden + probe }
	body := func(chunks string) string {
		return undelete + "Transfer-Encoding: chunked\r\n\r\n" + chunks + hidden + probe
	}
	return []attack{
		{"the plain form", body("2\r\n{}\r\n0\r\n\r\n"), absent},
		{"in other letters", coding("transfer-ENCODING: CHUNKED"), absent},
		{"chunked twice", coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), unknown},
		{"chunked and another", coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: x"), unknown},
		{"a list", coding("Transfer-Encoding: gzip, chunked"), unknown},
		{"chunked before the last", coding("Transfer-Encoding: chunked, identity"), unknown},
		{"identity", coding("Transfer-Encoding: identity"), unknown},
		{"an unknown one", coding("Transfer-Encoding: xchunked"), unknown},
		{"in quotes", coding(`Transfer-Encoding: "chunked"`), unknown},
		{"with a parameter", coding("Transfer-Encoding: chunked;x=1"), unknown},
		{"with a form feed", coding("Transfer-Encoding: \x0cchunked"), bad},
		{"with a NUL", coding("Transfer-Encoding: chunked\x00"), bad},
		{"a space before the colon", coding("Transfer-Encoding : chunked"), bad},
		{"on a line that goes on", coding("Transfer-Encoding:\r\n chunked"), absent},
		{"a header hidden in another", coding("X: y\rTransfer-Encoding: chunked"), bad},
		{"over HTTP/1.0", strings.Replace(coding("Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1), []int{http.StatusNotFound}},
		{"a size with an extension", body("2;x=y\r\n{}\r\n0\r\n\r\n"), absent},
		{"a size with a sign", body("+2\r\n{}\r\n0\r\n\r\n"), absent},
		{"a size with a prefix", body("0x2\r\n{}\r\n0\r\n\r\n"), absent},
		{"a size over 64 bits", body("10000000000000000\r\n{}\r\n0\r\n\r\n"), absent},
		{"a size below zero", body("-1\r\n{}\r\n0\r\n\r\n"), absent},
		{"a size and a bare line feed", body("2\n{}\n0\n\n"), absent},
		{"a chunk longer than its size", body("1\r\n{}\r\n0\r\n\r\n"), absent},
		{"no end", body("2\r\n{}\r\n"), absent},
		{"a trailer", body("0\r\nContent-Length: 98\r\n\r\n"), absent},
		{"an endless extension", body("2;" + strings.Repeat("x", 20<<10) + "\r\n{}\r\n0\r\n\r\n"), absent},
	}
}

// forms are requests in forms that are rare, or none.
func forms() []attack {
	bad := []int{http.StatusBadRequest}
	get := func(line, lines string) string { return line + "\r\n" + lines + "\r\n" + probe }
	self := "GET /v1/self HTTP/1.1"
	return []attack{
		{"no Host", get(self, ""), bad},
		{"two Hosts", get(self, "Host: localhost\r\nHost: evil.example\r\n"), bad},
		{"a Host with a space", get(self, "Host: local host\r\n"), bad},
		{"a Host with a path", get(self, "Host: localhost/v1/server\r\n"), bad},
		{"another Host", get(self, "Host: evil.example\r\n"), []int{200, 200}},
		{"an absolute target", get("GET https://evil.example/v1/self HTTP/1.1", "Host: localhost\r\n"), []int{200, 200}},
		{"an absolute target of another scheme", get("GET file:///v1/self HTTP/1.1", "Host: localhost\r\n"), []int{200, 200}},
		{"a target without a slash", get("GET v1/self HTTP/1.1", "Host: localhost\r\n"), bad},
		{"CONNECT", get("CONNECT localhost:22 HTTP/1.1", "Host: localhost\r\n"), []int{404, 200}},
		{"CONNECT with a path", get("CONNECT /v1/self HTTP/1.1", "Host: localhost\r\n"), []int{405, 200}},
		{"OPTIONS *", get("OPTIONS * HTTP/1.1", "Host: localhost\r\n"), []int{200, 200}},
		{"GET *", get("GET * HTTP/1.1", "Host: localhost\r\n"), bad},
		{"TRACE", get("TRACE /v1/self HTTP/1.1", "Host: localhost\r\n"), []int{405, 200}},
		{"HTTP/0.9", "GET /v1/self\r\n" + probe, bad},
		{"HTTP/1.0", get("GET /v1/self HTTP/1.0", "Host: localhost\r\n"), []int{200}},
		{"HTTP/1.0 that would go on", get("GET /v1/self HTTP/1.0", "Connection: keep-alive\r\n"), []int{200, 200}},
		{"HTTP/1.2", get("GET /v1/self HTTP/1.2", "Host: localhost\r\n"), []int{200, 200}},
		{"HTTP/3", get("GET /v1/self HTTP/3.0", "Host: localhost\r\n"), []int{505}},
		{"HTTP/01.1", get("GET /v1/self HTTP/01.1", "Host: localhost\r\n"), bad},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + probe, bad},
		{"an upgrade to HTTP/2", get(self, "Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), []int{200, 200}},
		{"an upgrade to WebSocket", get(self, "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), []int{200, 200}},
		{"an expectation that nobody has", get(self, "Host: localhost\r\nExpect: miracles\r\n"), []int{417}},
		{"a body announced and not read", undelete + "Expect: 100-continue\r\nContent-Length: 65\r\n\r\n" + hidden + probe, []int{404}},
		{"a body on a GET", "GET /v1/self HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" + probe, []int{200, 200}},
		{"bare line feeds", strings.ReplaceAll(get(self, "Host: localhost\r\n"), "\r\n", "\n"), []int{200, 200}},
		{"a bare carriage return in a header", get(self, "Host: localhost\r\nX: a\rb\r\n"), bad},
		{"a line that goes on", get(self, "Host: localhost\r\nX: a\r\n b\r\n"), []int{200, 200}},
		{"a first line that goes on", get(self, " X: a\r\nHost: localhost\r\n"), bad},
		{"a NUL in a header", get(self, "Host: localhost\r\nX: a\x00b\r\n"), bad},
		{"a NUL in a name", get(self, "Host: localhost\r\nX\x00: a\r\n"), bad},
		{"a name of nothing", get(self, "Host: localhost\r\n: a\r\n"), bad},
		{"no colon", get(self, "Host: localhost\r\nX\r\n"), bad},
		{"a method of spaces", get(" GET /v1/self HTTP/1.1", "Host: localhost\r\n"), bad},
		{"two spaces", get("GET  /v1/self HTTP/1.1", "Host: localhost\r\n"), bad},
		{"a space in the path", get("GET /v1/se lf HTTP/1.1", "Host: localhost\r\n"), bad},
		{"a line of its own first", "\r\n" + get(self, "Host: localhost\r\n"), bad},
		{"headers over their bound", get(self, "Host: localhost\r\n"+strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 40)), []int{431}},
		{"one header over their bound", get(self, "Host: localhost\r\nX: "+strings.Repeat("y", 100<<10)+"\r\n"), []int{431}},
	}
}

// paths lead nowhere, whatever they are made to look like. KEPT is a deposit that
// is there.
func paths() []string {
	all := []string{
		"/v1/deposits/../deposits/KEPT", "/v1/deposits/x/../KEPT", "/v1/./deposits/KEPT", "/./v1/deposits/KEPT", "//v1/deposits/KEPT", "/v1//deposits/KEPT",
		"/v1/deposits//KEPT", "/v1/deposits/KEPT/", "/v1/deposits/KEPT/.", "/v1/deposits/KEPT/..", "/v1/deposits/KEPT//", "/v1/deposits/KEPT/undelete/",
		"/v1/%2e%2e/v1/deposits/KEPT", "/v1/deposits/%2e%2e/deposits/KEPT", "/v1/%2e/deposits/KEPT", "/v1/deposits/%2e%2e%2fdeposits%2fKEPT", "/v1/deposits%2fKEPT",
		"/v1%2fdeposits%2fKEPT", "/v1/deposits/%2fKEPT", "/v1/deposits/KEPT%2f", "/v1/deposits/KEPT%2fundelete", "/v1/deposits/%252e%252e/deposits/KEPT",
		"/v1/deposits/%25%32%65/KEPT", "/v1/deposits/KEPT;x=1", "/v1/deposits;x=1/KEPT", "/v1;/deposits/KEPT", "/v1/..;/v1/deposits/KEPT", "/v1/deposits/..;/KEPT",
		"/v1/deposits/KEPT%00", "/v1/deposits/%00KEPT", "/v1/deposits/KEPT%0d%0aX:y", "/v1/deposits/KEPT%0a", "/v1/deposits/KEPT%20", "/v1/deposits/%20KEPT", "/v1/deposits/KEPT.",
		"/v1/deposits/KEPT.json", "/v1/deposits/KEPT..", "/v1/deposits/KEPT%2e", "/v1/deposits/KEPT~", "/v1/deposits/{KEPT}", "/v1/deposits/%7bKEPT%7d", "/v1/deposits/urn:uuid:KEPT",
		"/v1/deposits/%c0%ae%c0%ae/deposits/KEPT", "/v1/%c0%af/deposits/KEPT", "/v1/deposits/%e0%80%afKEPT", "/v1/deposits/%ffKEPT", "/v1/deposits/%u002e/KEPT",
		`/v1\deposits\KEPT`, `/v1/deposits\KEPT`, `/v1/deposits/..\KEPT`, "/v1/deposits%5cKEPT", "/v1/deposits/..%5cKEPT", `\v1\deposits\KEPT`,
		"/V1/deposits/KEPT", "/v1/Deposits/KEPT", "/v1/DEPOSITS/KEPT", "/v1/deposits/%", "/v1/deposits/%zz", "/v1/deposits/%2", "/v1/deposits/KEPT%",
		"/v1/deposits/FRESH/../KEPT", "/v1/clients/../deposits/KEPT", "/v1/deposits/../../v1/deposits/KEPT", "/../../../../etc/passwd", "/v1/deposits/..%2f..%2f..%2fetc%2fpasswd",
		"/%2e%2e/%2e%2e/etc/passwd", "/v1/organizations", "/v1/organizations/acme/admission", "/v1/server", "/v1/reload", "/v1/x/../reload", "/v1/deposits/../server", "/v1/server%2f", "/v1/server;",
		"/v1/deposits/KEPT/purge/..", "/v1/deposits/KEPT\x01", "/v1/deposits/KEPT\x7f", "/v1/deposits/*", "/v1/*", "/*", "/v1/deposits/KEPT#x", "/v1/deposits/KEPT%23x",
		"/v1/deposits/" + strings.Repeat("a", 8<<10), "/" + strings.Repeat("../", 5000), "/v1/deposits/" + strings.Repeat("%2e%2e%2f", 1000) + "KEPT",
		"/v1/deposits/" + strings.Repeat("a", 32<<10), "/" + strings.Repeat("a/", 6000),
	}
	return all
}

// queries are refused by what lists deposits and by what puts one.
func queries() []string {
	return []string{
		"handle=a&handle=b", "handle=kept&handle=kept", "handle=a&handle=", "handle=a;handle=b", "handle=a%26handle=b;x", "handle[]=a", "handle[0]=a", "handle.x=a", "Handle=a", "HANDLE=a", "handle%00=a",
		"%68andle%20=a", "+handle=a", "handle=a&x=1", "handle=a&_method=DELETE", "handle=%", "handle=%zz", "handle=%2", "handle=%00", "handle=%0a", "handle=a%00b",
		"handle=", "handle", "handle=.", "handle=..", "handle=../kept", "handle=a/../kept", "handle=a/..", "handle=%2e%2e%2fkept", "handle=./kept", "handle=%ff", "handle=%c0%ae%c0%ae/kept", "handle=%ed%a0%80",
		"handle=kept%00", "handle=kept%0d%0aX:y", "handle=%C2%85", "handle=" + strings.Repeat("a", 256), "handle=" + strings.Repeat("%C3%A4", 128), "handle=a&version=1&not_after=2099-01-01T00:00:00Z",
		"handle=a&not_after=2099-01-01T00:00:00Z&limit=1", "handle=a&cursor=x", strings.Repeat("&", 100) + "x=1", "handle=a&" + strings.Repeat("x=1&", 2000), "handle=a&x=" + strings.Repeat("y", 1<<20),
	}
}

// headers would make the caller, the source or the request another one, where a
// server believed them.
func headers() []string {
	return []string{
		"X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: 127.0.0.1, 10.1.2.3", "Forwarded: for=10.1.2.3;host=evil.example;proto=http", "X-Real-IP: 10.1.2.3", "True-Client-IP: 10.1.2.3",
		"X-Client-IP: 10.1.2.3", "CF-Connecting-IP: 10.1.2.3", "X-Cluster-Client-IP: 10.1.2.3", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Host: evil.example",
		"X-SSL-Client-Cert: CERTIFICATE", "X-Client-Cert: CERTIFICATE", "Client-Cert: :CERTIFICATE:", "X-Forwarded-Client-Cert: Cert=CERTIFICATE", "X-SSL-Client-Verify: SUCCESS",
		"X-ARR-ClientCert: CERTIFICATE", "SSL_CLIENT_CERT: CERTIFICATE", "X-SSL-Client-S-DN: CN=root", "X-Remote-User: root", "X-Remote-Uid: 0", "Remote-User: root", "Authorization: Basic cm9vdDpyb290",
		"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /v1/deposits/KEPT", "X-Rewrite-URL: /v1/deposits/KEPT", "X-Original-Method: DELETE",
		"X-Forwarded-Prefix: /v1/server", "X-Override-URL: /v1/server", "Connection: close, X-Real-IP", "Cookie: operator=1", "Origin: https://evil.example", "Referer: https://localhost/v1/server",
		"Range: bytes=0-0,0-0,0-0", "If-None-Match: *", "Accept: text/html", "Content-Type: application/x-www-form-urlencoded", "Ktsd-Request-Id: 0000000000000000",
	}
}
