package web

import (
	"net/http"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// root answers ?a=fingerprint and ?a=pubkey, as the original does
// ("Verifying Key Trustee Server Operations"), and ?a=statement. All are public.
func (f *front) root(x *exchange) error {
	switch x.r.URL.Query().Get("a") {
	case "fingerprint":
		return x.text(http.StatusOK, f.Fingerprint)
	case "pubkey":
		return x.text(http.StatusOK, f.PublicKey)
	case "statement":
		if f.Statement == nil {
			break
		}
		statement, err := f.Statement()
		if err != nil {
			return err
		}
		return x.text(http.StatusOK, statement)
	}
	return fault.New(fault.NotFound, "no such resource").
		WithHint("/?a=fingerprint, /?a=pubkey and /?a=statement tell who this server is")
}

// health says that the process answers.
func (f *front) health(x *exchange) error { return x.text(http.StatusOK, "ok") }

// ready says whether changes can be made now.
func (f *front) ready(x *exchange) error {
	if err := f.Service.Ready(x.ctx); err != nil {
		if f := faultOf(err); f.Kind == fault.Unavailable {
			return err
		}
		return fault.New(fault.Unavailable, "the store does not answer").Because(err)
	}
	return x.text(http.StatusOK, "ready")
}

// openapi tells what the API is; every caller shares the bytes.
func (f *front) openapi(x *exchange) error {
	x.send(http.StatusOK, "application/json", f.document())
	return nil
}

func (f *front) register(x *exchange) error {
	var in api.Registration
	if err := x.decode(&in); err != nil {
		return err
	}
	client, err := f.Service.Register(x.ctx, x.caller, escrow.Registration{
		Organization: in.Organization, Name: in.Name, AuthCode: names.Secret(in.AuthCode),
		PublicKey: []byte(in.PublicKey), Time: in.Time, Signature: in.Signature,
	})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, clientOut(client))
}

func (f *front) self(x *exchange) error {
	client, err := f.Service.Self(x.ctx, x.caller)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, clientOut(client))
}

func clientOut(c escrow.Client) api.Client {
	return api.Client{
		Fingerprint: string(c.Fingerprint), Organization: string(c.Organization), Name: c.Name,
		State: c.State.String(), Created: c.Created,
	}
}
