package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// spoil makes something of a request other than the document has it.
func (g *generator) spoil(r *generated, op *operation) {
	ways := []func(*generated, *operation) string{
		g.spoilPath, g.spoilPath, g.spoilQuery, g.spoilQuery, g.spoilMethod, g.spoilHeader, g.spoilBody,
	}
	if len(r.body) > 0 {
		ways = append(ways, g.spoilBody, g.spoilBody, g.spoilBody)
	}
	r.spoiled = append(r.spoiled, choose(g, ways)(r, op))
}

func (g *generator) spoilPath(r *generated, op *operation) string {
	path := r.target.EscapedPath()
	switch g.IntN(5) {
	case 0, 1:
		if segments := strings.Split(op.path, "/"); strings.Contains(op.path, "{") {
			for i, segment := range segments {
				if strings.HasPrefix(segment, "{") {
					segments[i] = url.PathEscape(g.odd())
				}
			}
			path = strings.Join(segments, "/")
		}
	case 2:
		path += choose(g, []string{"/", "//", "/.", "/..", "%2f", "%00", ";x=1", "%20", ".json", "/x", "\\", "%5c"})
	case 3:
		path = choose(g, []string{"/", "//", "/.", "/x/..", "/v1/..", "/%2e%2e"}) + strings.TrimPrefix(path, "/")
	case 4:
		path = strings.ToUpper(path)
	}
	r.setPath(path)
	return "path"
}

func (g *generator) spoilQuery(r *generated, _ *operation) string {
	query := r.target.Query()
	names := slices.Sorted(maps.Keys(query))
	name := "x"
	if len(names) > 0 {
		name = choose(g, names)
	}
	switch g.IntN(7) {
	case 0:
		query.Del(name)
	case 1:
		query.Add(name, query.Get(name))
	case 2, 3:
		query.Set(name, g.odd())
	case 4:
		query.Set(g.odd(), g.odd())
	case 5:
		r.target.RawQuery = choose(g, []string{"%", "%zz", "a;b", "&&&", "=", "?", "a=b=c", "a[]=1&a[]=2", "handle=a&Handle=b", "%00=%00"})
		return "query"
	case 6:
		r.target.RawQuery += "&" + strings.Repeat("a=b&", 1+g.IntN(50_000))
		return "long query"
	}
	r.target.RawQuery = query.Encode()
	return "query"
}

func (g *generator) spoilMethod(r *generated, _ *operation) string {
	r.method = choose(g, []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "X"})
	return "method " + r.method
}

func (g *generator) spoilHeader(r *generated, _ *operation) string {
	switch g.IntN(3) {
	case 0:
		r.header.Set("Content-Type", choose(g, []string{"", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "x"}))
	case 1:
		r.header.Set(choose(g, []string{"Accept", "Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since", "Expect", "Authorization", "Cookie", "Origin"}),
			choose(g, []string{"*", "x", "bytes=0-1", "text/html", "gzip", "application/openmetrics-text", "100-continue", "Basic eDp5"}))
	case 2:
		r.header.Set(choose(g, []string{"X-HTTP-Method-Override", "X-Original-URL", "X-Forwarded-For", "Content-Encoding"}),
			choose(g, []string{"DELETE", "/v1/server", "127.0.0.1", "gzip"}))
	}
	return fmt.Sprintf("header %v", r.header)
}

func (g *generator) spoilBody(r *generated, op *operation) string {
	var object map[string]any
	if json.Unmarshal(r.body, &object) == nil && len(object) > 0 && g.IntN(3) > 0 {
		return g.spoilObject(r, object)
	}
	switch g.IntN(8) {
	case 0:
		r.body = nil
	case 1:
		r.body = r.body[:g.IntN(len(r.body)+1)]
	case 2:
		r.body = []byte(choose(g, []string{"null", "[]", "{}", "0", `""`, "{", `{"a":`, "[[[[", "nul", "{}{}", "{} x", "\xef\xbb\xbf{}", "<x/>", `{"\ud800":1}`}))
	case 3:
		r.body = []byte(strings.Repeat(choose(g, []string{"[", `{"a":`, " "}), 1+g.IntN(20_000)))
	case 4:
		r.body = append(slices.Clone(r.body), r.body...)
	case 5:
		if len(r.body) > 0 {
			r.body = slices.Clone(r.body)
			r.body[g.IntN(len(r.body))] = byte(g.IntN(256))
		}
	case 6:
		r.body = g.bytes(g.IntN(4000))
	case 7:
		if op.RequestBody != nil {
			r.body = []byte(strings.Repeat("x", op.RequestBody.MaxBytes+g.IntN(3)-1))
		}
	}
	return "body"
}

func (g *generator) spoilObject(r *generated, object map[string]any) string {
	name := choose(g, slices.Sorted(maps.Keys(object)))
	switch g.IntN(5) {
	case 0:
		delete(object, name)
	case 1:
		object[name] = g.odd()
	case 2:
		object[name] = choose(g, []any{nil, true, 0, -1, 1.5, 1e300, []any{}, []any{nil}, map[string]any{}, map[string]any{"a": 1}, ""})
	case 3:
		object[choose(g, []string{"x", "", "Name", "NAME", "\x00", "__proto__", strings.ToUpper(name)})] = g.odd()
	case 4:
		r.body = []byte(strings.Replace(string(marshal(object)), "{", fmt.Sprintf("{%q:%q,", name, "twice"), 1))
		return "field " + name + " twice"
	}
	r.body = marshal(object)
	return "field " + name
}
