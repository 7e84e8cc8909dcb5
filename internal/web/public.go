package web

import (
	"net/http"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
)

// root answers ?a=fingerprint and ?a=pubkey, as the original does (seed,
// "Verifying Key Trustee Server Operations").
func (s *site) root(x *exchange) error {
	switch x.r.URL.Query().Get("a") {
	case "fingerprint":
		return x.text(http.StatusOK, s.Fingerprint)
	case "pubkey":
		return x.text(http.StatusOK, s.PublicKey)
	}
	return fault.New(fault.NotFound, "no such resource").
		WithHint("/?a=fingerprint and /?a=pubkey tell who this server is")
}

// health says that the process answers.
func (s *site) health(x *exchange) error { return x.text(http.StatusOK, "ok") }

// ready says whether changes can be made now.
func (s *site) ready(x *exchange) error {
	if err := s.Service.Ready(x.ctx); err != nil {
		if f := faultOf(err); f.Kind == fault.Unavailable {
			return err
		}
		return fault.New(fault.Unavailable, "the store does not answer").Because(err)
	}
	return x.text(http.StatusOK, "ready")
}

func (s *site) register(x *exchange) error {
	var in api.Registration
	if err := x.decode(&in); err != nil {
		return err
	}
	client, err := s.Service.Register(x.ctx, x.caller, escrow.Registration{
		Organization: in.Organization, Name: in.Name, AuthCode: names.Secret(in.AuthCode),
		PublicKey: []byte(in.PublicKey), Time: in.Time, Signature: in.Signature,
	})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, clientOut(client))
}

func (s *site) self(x *exchange) error {
	client, err := s.Service.Self(x.ctx, x.caller)
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
