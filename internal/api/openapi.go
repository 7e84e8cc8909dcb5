package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ktsd/ktsd/internal/fault"
)

// object is a JSON object.
type object map[string]any

// OpenAPI returns the description of the API, a document of OpenAPI 3.1 in JSON,
// made of the route table, the types of requests and answers, and what
// describe.go and fields.go tell of both.
func OpenAPI() []byte {
	s := schemas{}
	s.add(Error{})
	paths := map[string]object{}
	for _, route := range Routes() {
		path := strings.TrimSuffix(route.Path, "{$}")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(route.Method)] = route.operation(s)
	}
	data, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "ktsd", "version": "1", "summary": "A key-escrow server", "description": overview,
			"license": object{"name": "Apache License 2.0", "identifier": "Apache-2.0"},
		},
		"servers": []object{publicServer()},
		"tags": []object{
			{"name": "anyone", "description": "For everybody who can reach the server."},
			{"name": "client", "description": "For the holder of a registered client certificate."},
			{"name": "host", "description": "For the server's own host: over its admin socket, or over TLS from one of its own addresses."},
			{"name": "operator", "description": "For root and the account that ktsd runs under, over the admin socket alone. Over TLS there is no such resource."},
		},
		"paths": paths,
		"components": object{
			"schemas": s, "headers": headers(),
			"securitySchemes": object{"certificate": object{
				"type": "mutualTLS",
				"description": "A client certificate. Its public key alone counts: it is bound to a client by registration, " +
					"and neither the chain nor the expiry of the certificate plays a part.",
			}},
		},
	})
	if err != nil {
		panic(fmt.Sprintf("the API's description is no JSON: %v", err)) // it is all of this package's own
	}
	return append(data, '\n')
}

func publicServer() object {
	return object{
		"url": "https://{host}:{port}",
		"variables": object{
			"host": object{"default": "localhost", "description": "The server's name."},
			"port": object{"default": "11371"},
		},
		"description": "The TLS listener.",
	}
}

func adminSocket() object {
	return object{"url": "http://ktsd", "description": "The admin socket: curl --unix-socket /run/keytrustee/admin.sock"}
}

// operation describes a route.
func (r Route) operation(s schemas) object {
	d := describe()[r.Name]
	op := object{
		"operationId": r.Name, "summary": d.summary, "security": []object{}, "responses": r.responses(d, s),
		"x-ktsd-timeout-seconds": r.Timeout.Seconds(),
	}
	if d.more != "" {
		op["description"] = d.more
	}
	if parameters := slices.Concat(r.pathParameters(), d.query, r.headerParameters()); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if d.body.media != "" {
		op["requestBody"] = object{
			"required": true, "description": fmt.Sprintf("At most %d bytes.", r.MaxBody),
			"content": d.body.object(s), "x-ktsd-max-bytes": r.MaxBody,
		}
	}
	switch r.Who {
	case ByAnyone, ByAll:
		op["tags"] = []string{"anyone"}
		if r.Who == ByAll {
			op["servers"] = []object{publicServer(), adminSocket()}
		}
		if slices.Contains(d.kinds, fault.Unauthenticated) {
			op["security"] = []object{{"certificate": []string{}}}
		}
	case ByClient:
		op["tags"], op["security"] = []string{"client"}, []object{{"certificate": []string{}}}
	case ByOperator:
		op["tags"], op["servers"] = []string{"operator"}, []object{adminSocket()}
	case ByHost:
		op["tags"], op["servers"] = []string{"host"}, []object{publicServer(), adminSocket()}
	}
	return op
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

func (r Route) pathParameters() []object {
	var all []object
	for _, found := range pathParameter.FindAllStringSubmatch(r.Path, -1) {
		all = append(all, object{
			"name": found[1], "in": "path", "required": true, "description": pathFields()[found[1]].says, "schema": pathFields()[found[1]].rule(),
		})
	}
	return all
}

// headerParameters are the headers that an operator's request may have.
func (r Route) headerParameters() []object {
	if r.Who != ByOperator {
		return nil
	}
	return []object{{
		"name": HeaderReason, "in": "header", "required": false, "schema": reasonForm,
		"description": "Why, for every audit record of the request: 1 to 255 bytes of printable UTF-8.",
	}}
}

// Kinds returns the kinds of error that the route may answer with, in the order of
// their names.
func (r Route) Kinds() []fault.Kind {
	kinds := append([]fault.Kind{fault.Internal, fault.Unavailable}, describe()[r.Name].kinds...)
	switch r.Who {
	case ByClient:
		kinds = append(kinds, fault.Unauthenticated)
	case ByOperator:
		kinds = append(kinds, fault.NotFound, fault.Invalid) // for other accounts; of a header
	case ByHost:
		kinds = append(kinds, fault.Denied) // for other hosts
	}
	if r.MaxBody > 0 {
		kinds = append(kinds, fault.Invalid, fault.TooLarge, fault.Timeout)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// responses describes a route's answers: its success, and its errors by status.
func (r Route) responses(d description, s schemas) object {
	all := object{}
	success := object{"description": d.answer, "headers": headerRefs(HeaderRequestID), "content": object{}}
	for _, c := range d.answers {
		maps.Copy(success["content"].(object), c.object(s))
		maps.Copy(success["headers"].(object), headerRefs(c.headers...))
	}
	all[strconv.Itoa(d.success())] = success

	kinds := map[int][]fault.Kind{}
	for _, kind := range r.Kinds() {
		kinds[Status(kind)] = append(kinds[Status(kind)], kind)
	}
	for status, those := range kinds {
		all[strconv.Itoa(status)] = refusal(status, those)
	}
	return all
}

// refusal describes an answer with an error of one of these kinds.
func refusal(status int, kinds []fault.Kind) object {
	names := []string{HeaderRequestID}
	if retryLater(status) {
		names = append(names, headerRetryAfter)
	}
	var says []string
	for _, kind := range kinds {
		says = append(says, fmt.Sprintf("%s: %s", kind, meanings()[kind]))
	}
	return object{
		"description": http.StatusText(status) + ". " + strings.Join(says, "; ") + ".",
		"headers":     headerRefs(names...),
		"content": object{"application/json": object{"schema": object{
			"$ref":       "#/components/schemas/Error",
			"properties": object{"error": object{"properties": object{"kind": object{"enum": kinds}}}},
		}}},
	}
}

// retryLater says whether an answer with that status names a time to wait.
func retryLater(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

const headerRetryAfter = "Retry-After"

func headerRefs(names ...string) object {
	all := object{}
	for _, name := range names {
		all[name] = object{"$ref": "#/components/headers/" + name}
	}
	return all
}
