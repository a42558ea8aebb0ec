package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// transferred is the token and the id that a message for files in blocks answered with.
func transferred(t *testing.T, r reply) (token, id string) {
	t.Helper()
	var answer struct{ FileContinuationToken, AnnotationID, ActivityMimeAttachmentID string }
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.FileContinuationToken, answer.AnnotationID + answer.ActivityMimeAttachmentID
}

func TestTheFileOfANoteComesInBlocks(t *testing.T) {
	for kind, table := range map[string]string{"Annotation": "annotation", "Attachment": "activitymimeattachment"} {
		s := emulator.Start(t, emulator.Rows("emails", emulator.Row{"activityid": one, "subject": "Offer"}))
		target := fmt.Sprintf(`"Target":{"@odata.type":"Microsoft.Dynamics.CRM.%s",%%s"filename":"a.txt","mimetype":"text/plain"}`, table)
		described := fmt.Sprintf(target, "")
		if kind == "Attachment" {
			described = fmt.Sprintf(target, `"objectid_activitypointer@odata.bind":"activitypointers(`+one+`)","objecttypecode":"email",`)
		}
		upload := func(target, text string) string {
			t.Helper()
			token, _ := transferred(t, must(t, s, http.StatusOK, "POST", "Initialize"+kind+"BlocksUpload", `{`+target+`}`))
			block := base64.StdEncoding.EncodeToString([]byte(text))
			must(t, s, http.StatusNoContent, "POST", "UploadBlock", fmt.Sprintf(`{"BlockId":"QQ==","BlockData":%q,"FileContinuationToken":%q}`, block, token))
			must(t, s, http.StatusBadRequest, "POST", "CommitFileBlocksUpload", fmt.Sprintf(`{"FileName":"a","MimeType":"a","BlockList":["QQ=="],"FileContinuationToken":%q}`, token))
			done := must(t, s, http.StatusOK, "POST", "Commit"+kind+"BlocksUpload", fmt.Sprintf(`{%s,"BlockList":["QQ=="],"FileContinuationToken":%q}`, target, token))
			if want := fmt.Sprintf(`,"FileSizeInBytes":%d}`, len(text)); !strings.HasSuffix(done.body, want) {
				t.Errorf("%s: got %s, want %s", kind, done.body, want)
			}
			_, id := transferred(t, done)
			return id
		}
		id := upload(described, "hello")
		key := fmt.Sprintf(`"%sid":%q,`, table, id)
		if again := upload(fmt.Sprintf(target, key), "hello world"); again != id {
			t.Errorf("%s: got %s, want the row that was there, %s", kind, again, id)
		}
		begun := must(t, s, http.StatusOK, "POST", "Initialize"+kind+"BlocksDownload", `{`+fmt.Sprintf(target, key)+`}`)
		if !strings.HasSuffix(begun.body, `,"FileSizeInBytes":11,"FileName":"a.txt"}`) {
			t.Errorf("%s: got %s", kind, begun.body)
		}
		token, _ := transferred(t, begun)
		block := must(t, s, http.StatusOK, "POST", "DownloadBlock", fmt.Sprintf(`{"Offset":6,"BlockLength":100,"FileContinuationToken":%q}`, token))
		if !strings.HasSuffix(block.body, `"Data":"d29ybGQ="}`) {
			t.Errorf("%s: got %s", kind, block.body)
		}
		if size := emulator.Stored(t, s, table, id)["filesize"]; fmt.Sprint(size) != "11" {
			t.Errorf("%s: filesize %v, want 11", kind, size)
		}
		must(t, s, http.StatusNotFound, "POST", "Initialize"+kind+"BlocksDownload", `{`+fmt.Sprintf(target, fmt.Sprintf(`"%sid":%q,`, table, two))+`}`)
	}
}
