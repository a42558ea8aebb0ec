package dataverse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"
)

// outcome says what is known of a request that brought no answer.
type outcome int

const (
	unknown  outcome = iota // it may have been carried out
	notSent                 // it never left: any verb may be repeated
	tooSlow                 // it may have been carried out, and had all its time
	noHost                  // nobody was there to send it to: repeated too, but people wait for the answer
	hopeless                // it never left, and repeating changes nothing
)

// signInError is the error of a transport that could not get a token. Its text is safe to show.
type signInError interface {
	error
	Denied() bool // nothing changes until somebody acts
}

// networkError makes the Error of a request without an answer. The text never holds the URL: *url.Error would put the
// query there.
func (c *Client) networkError(r request, err error) (*Error, outcome) {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e := &Error{Op: r.op, Kind: Unavailable, Err: err}
	if failed, ok := errors.AsType[signInError](err); ok { // no token, so nothing was sent
		e.Message = failed.Error()
		switch {
		case failed.Denied():
			e.Kind = Denied
			return e, hopeless
		case isContext(err): // a program that hung once hangs again, and who has left does not wait
			return e, hopeless
		}
		return e, notSent
	}
	if own, ok := errors.AsType[*Error](err); ok {
		own.Op = r.op
		return own, hopeless
	}
	return e, e.blameNetwork(c.host(), max(c.timeout, r.timeout))
}

// blameNetwork says what went wrong on the way to the host and back, of an e that has the cause.
func (e *Error) blameNetwork(host string, timeout time.Duration) outcome {
	err := e.Err
	dns, isDNS := errors.AsType[*net.DNSError](err)
	dial, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isDNS && dns.IsNotFound:
		e.Message = "host " + host + " does not exist: check the environment URL"
		return hopeless
	case isDNS:
		e.Message = "host " + host + " could not be looked up"
		return noHost
	case isTLS(err):
		e.Message = "the connection to " + host + " is not secure: " + tlsReason(err)
		return hopeless
	case isOp && connecting(dial) && errors.Is(err, syscall.ECONNREFUSED):
		e.Message = host + " refused the connection"
		return noHost
	case isOp && connecting(dial) && dial.Timeout():
		e.Message = host + " could not be reached in time"
		return hopeless
	case isOp && connecting(dial):
		e.Message = host + " could not be reached"
		return noHost
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = host + " did not answer within " + timeout.String()
		return tooSlow
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Message = host + " broke the connection off"
	case isOp:
		e.Message = "the connection to " + host + " failed"
	default: // made by the transport that was given to New, such as a sign-in that failed
		e.Message = err.Error()
	}
	return unknown
}

// connecting says whether there was no connection yet, and so nothing was sent.
func connecting(e *net.OpError) bool {
	return e.Op == "dial" || e.Op == "proxyconnect" || e.Op == "socks connect"
}

func (c *Client) host() string {
	u, err := url.Parse(c.root)
	if err != nil {
		return c.root
	}
	return u.Host
}

func isTLS(err error) bool {
	_, cert := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return cert || record || alert
}

func tlsReason(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another host"
	}
	if ce, ok := errors.AsType[x509.CertificateInvalidError](err); ok && ce.Reason == x509.Expired {
		return "its certificate has expired or is not yet valid"
	}
	return "the TLS handshake failed"
}
