package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stamp is a moment in the life of the organization, from which a client asks for changes: 919042!08/22/2017 08:10:44.
type stamp struct {
	version int64
	at      time.Time
}

// stampLayout is how a stamp writes its time, in UTC.
const stampLayout = "01/02/2006 15:04:05"

// String writes the stamp as the service does.
func (s stamp) String() string {
	return strconv.FormatInt(s.version, 10) + "!" + s.at.UTC().Format(stampLayout)
}

func parseStamp(text string) (stamp, error) {
	number, clock, _ := strings.Cut(text, "!")
	version, err := strconv.ParseInt(number, 10, 64)
	at, bad := time.Parse(stampLayout, clock)
	if err != nil || bad != nil {
		return stamp{}, fail(http.StatusBadRequest, codeInvalidArgument, "The version stamp '%s' is not valid.", text)
	}
	return stamp{version, at}, nil
}

// expiredStamp is the answer to a stamp that is too old, and to one of another organization.
func expiredStamp() *Error {
	return fail(http.StatusBadRequest, codeExpiredVersionStamp,
		"Version stamp associated with the client has expired. Please perform a full sync.")
}
