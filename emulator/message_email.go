package emulator

import (
	"context"
	"net/http"
	"strings"
)

var sendEmail = message{
	name:   "SendEmail",
	action: true,
	bound:  "email",
	parameters: []parameter{
		{name: "IssueSend", kind: "Edm.Boolean"},
		{name: "TrackingToken", kind: "Edm.String", optional: true},
	},
	result: "SendEmailResponse",
	act: func(ctx context.Context, a *acting) error {
		subject, err := a.send(ctx)
		if err != nil {
			return err
		}
		o := a.respond("SendEmailResponse")
		o.text("Subject", subject)
		return a.answer(http.StatusOK, o.bytes())
	},
}

// The status reasons of an e-mail that has left.
const (
	emailSent        = 3
	emailPendingSend = 6
)

// send gives the e-mail to the server that sends it, or notes that it went another way. As no server ever takes it
// here, it stays pending.
func (a *acting) send(ctx context.Context) (subject string, err error) {
	email, err := a.stands(ctx, a.bound)
	if err != nil {
		return "", err
	}
	if email["statecode"] != int64(0) {
		return "", invalidState()
	}
	addressed, err := exists(ctx, a.tx, "SELECT 1 FROM activityparty WHERE activityid = ? AND participationtypemask IN (2, 3, 4)", a.bound.id)
	if err != nil {
		return "", err
	}
	if !addressed {
		return "", fail(http.StatusBadRequest, "0x80040b04", "The e-mail must have at least one recipient before it can be sent")
	}
	subject, _ = email["subject"].(string)
	values := map[string]any{"statecode": int64(1), "statuscode": int64(emailPendingSend), "directioncode": int64(1)}
	if token := a.text("TrackingToken"); token != "" {
		subject = strings.TrimSpace(subject + " " + token)
		values["subject"], values["trackingtoken"] = subject, token
	}
	if !a.flag("IssueSend") {
		values["statuscode"], values["senton"] = int64(emailSent), a.at.Format(storedTime)
	}
	return subject, a.change(ctx, a.bound, values)
}
