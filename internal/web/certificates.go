package web

import (
	"net/http"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

func (f *front) certificates(x *exchange) error {
	certs, err := f.Service.Certificates(x.ctx, x.caller)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, certificatesOut(certs, x.caller))
}

func (f *front) clientCertificates(x *exchange) error {
	fp, err := escrow.ParseFingerprint(x.r.PathValue("fingerprint"))
	if err != nil {
		return err
	}
	certs, err := f.Service.ClientCertificates(x.ctx, x.caller, fp)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, certificatesOut(certs, x.caller))
}

func (f *front) addCertificate(x *exchange) error {
	var in api.NewCertificate
	if err := x.decode(&in); err != nil {
		return err
	}
	if err := f.Service.Admit(x.ctx, x.caller); err != nil { // before anything of it is verified
		return err
	}
	key, err := tlsconf.RequestKey([]byte(in.Request))
	if err != nil {
		return fault.New(fault.Invalid, "request: %v", err).WithHint("make one: openssl req -new -key client-key.pem -subj /CN=client")
	}
	cert, err := f.Service.AddCertificate(x.ctx, x.caller, escrow.NewCertificate{
		Key: key, PublicKey: []byte(in.PublicKey), Time: in.Time, Signature: in.Signature,
	})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, certificateOut(cert, x.caller))
}

func (f *front) retireCertificate(x *exchange) error {
	key, err := escrow.ParseKeyHash(x.r.PathValue("key"))
	if err != nil {
		return err
	}
	cert, err := f.Service.RetireCertificate(x.ctx, x.caller, key)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, certificateOut(cert, x.caller))
}

func (f *front) revokeCertificate(x *exchange) error {
	key, err := escrow.ParseKeyHash(x.r.PathValue("key"))
	if err != nil {
		return err
	}
	cert, reach, err := f.Service.RevokeCertificate(x.ctx, x.caller, key)
	if err != nil {
		return err
	}
	out := certificateOut(cert, x.caller)
	out.InForce = inForceOut(reach)
	return x.answer(http.StatusOK, out)
}

func certificatesOut(certs []escrow.Certificate, c escrow.Caller) api.Certificates {
	out := api.Certificates{Certificates: make([]api.Certificate, len(certs))}
	for i, cert := range certs {
		out.Certificates[i] = certificateOut(cert, c)
	}
	return out
}

func certificateOut(cert escrow.Certificate, c escrow.Caller) api.Certificate {
	return api.Certificate{
		Key: cert.Key.String(), Client: string(cert.Client), Created: cert.Created, Retired: timeOut(cert.Retired),
		Current: cert.Key == c.Certificate,
	}
}

func inForceOut(r escrow.Reach) *api.InForce {
	return &api.InForce{Node: r.Node, Everywhere: r.Everywhere}
}
