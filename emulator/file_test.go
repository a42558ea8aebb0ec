package emulator_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// withFileColumn is an emulator whose accounts have a file column, and the path of the column on one of them.
func withFileColumn(t *testing.T) (s *emulator.Server, row, column string) {
	t.Helper()
	s = start(t)
	must(t, s, http.StatusNoContent, "POST", "EntityDefinitions(LogicalName='account')/Attributes",
		`{"@odata.type":"Microsoft.Dynamics.CRM.FileAttributeMetadata","SchemaName":"sample_FileColumn","MaxSizeInKB":1,
		  "DisplayName":{"LocalizedLabels":[{"Label":"File","LanguageCode":1033}]}}`)
	row = "accounts(" + add(t, s, "accounts", `{"name":"Contoso"}`) + ")"
	return s, row, row + "/sample_filecolumn"
}

// headersOf are some headers of an answer, one a line.
func headersOf(r reply, names ...string) string {
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = r.header.Get(name)
	}
	return strings.Join(lines, "\n")
}

func TestAFileGoesIntoItsColumnAndComesBack(t *testing.T) {
	s, row, column := withFileColumn(t)
	must(t, s, http.StatusNoContent, "GET", column+"/$value", "")
	must(t, s, http.StatusNoContent, "PATCH", column, "hello world", "Content-Type: application/octet-stream", "x-ms-file-name: gr%C3%BC%C3%9Fe.txt")

	whole := must(t, s, http.StatusOK, "GET", column+"/$value", "")
	if diff := cmp.Diff("11\ngr%C3%BC%C3%9Fe.txt\ntext/plain", headersOf(whole, "x-ms-file-size", "x-ms-file-name", "mimetype")); diff != "" || whole.body != "hello world" {
		t.Errorf("%q, headers %s", whole.body, diff)
	}
	part := must(t, s, http.StatusPartialContent, "GET", column+"/$value", "", "Range: bytes=6-99")
	if got := headersOf(part, "x-ms-file-size", "x-ms-chunk-size"); got != "11\n4194304" || part.body != "world" {
		t.Errorf("part %q, headers %q", part.body, got)
	}
	must(t, s, http.StatusPartialContent, "GET", column+"/$value", "", "Range: bytes=11-99")
	must(t, s, http.StatusRequestedRangeNotSatisfiable, "GET", column+"/$value", "", "Range: bytes=12-99")

	encoded := must(t, s, http.StatusPartialContent, "GET", column+"?size=full", "", "Range: bytes=0-4")
	want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#` + column + `","value":"aGVsbG8="}`
	if got := headersOf(encoded, "Content-Disposition"); encoded.body != want || !strings.HasPrefix(got, "attachment; filename") {
		t.Errorf("got %s with %q, want %s", encoded.body, got, want)
	}

	must(t, s, http.StatusNoContent, "PATCH", row, `{"sample_filecolumn":"00000000-0000-0000-0000-000000000001","sample_filecolumn_name":"b"}`)
	if r := must(t, s, http.StatusOK, "GET", row+"?$select=sample_filecolumn,sample_filecolumn_name", ""); !strings.Contains(r.body, `"sample_filecolumn_name":"grüße.txt"`) ||
		strings.Contains(r.body, "00000000-0000") {
		t.Errorf("a file column is not written with the row: %s", r.body)
	}
	must(t, s, http.StatusNoContent, "DELETE", column, "")
	must(t, s, http.StatusNoContent, "GET", column+"/$value", "")
}

func TestAFileComesInChunks(t *testing.T) {
	s, _, column := withFileColumn(t)
	octets := []string{"Content-Type: application/octet-stream", "x-ms-transfer-mode: chunked"}
	begun := must(t, s, http.StatusOK, "PATCH", column+"?x-ms-file-name=a.bin", "", octets...)
	if got := headersOf(begun, "x-ms-chunk-size", "Accept-Ranges"); got != "4194304\nbytes" {
		t.Errorf("headers %q", got)
	}
	session := strings.TrimPrefix(begun.header.Get("Location"), s.URL)
	chunk := func(status int, body, stands string) {
		t.Helper()
		must(t, s, status, "PATCH", session, body, append(octets, "Content-Range: "+stands, "If-None-Match: null")...)
	}
	chunk(http.StatusPartialContent, "0123", "bytes 0-3/8")
	chunk(http.StatusBadRequest, "4567", "bytes 5-8/9")
	chunk(http.StatusBadRequest, "4567", "4-7")
	chunk(http.StatusBadRequest, "4567", "bytes 4-7/99999999999999999999")
	chunk(http.StatusNoContent, "4567", "bytes 4-7/8")
	chunk(http.StatusNoContent, "", "bytes 8-7/8") // from clients that count whole chunks
	chunk(http.StatusBadRequest, "8", "bytes 8-8/9")
	if r := must(t, s, http.StatusOK, "GET", column+"/$value", ""); r.body != "01234567" {
		t.Errorf("got %q", r.body)
	}
	must(t, s, http.StatusBadRequest, "PATCH", column+"?sessiontoken=other", "x", octets...)
}

func TestAnEmptyFileComesInChunks(t *testing.T) {
	s, _, column := withFileColumn(t)
	begun := must(t, s, http.StatusOK, "PATCH", column+"?x-ms-file-name=a.bin", "", "x-ms-transfer-mode: chunked")
	session := strings.TrimPrefix(begun.header.Get("Location"), s.URL)
	must(t, s, http.StatusNoContent, "PATCH", session, "", "Content-Range: bytes 0--1/0")
	if r := must(t, s, http.StatusOK, "GET", column+"/$value", ""); r.body != "" || r.header.Get("x-ms-file-name") != "a.bin" {
		t.Errorf("got %q as %s", r.body, r.header.Get("x-ms-file-name"))
	}
	if r := must(t, s, http.StatusOK, "GET", column, ""); !strings.HasSuffix(r.body, `"value":""}`) {
		t.Errorf("got %s, want an empty value", r.body)
	}
}

func TestAFileComesInBlocks(t *testing.T) {
	s, row, _ := withFileColumn(t)
	target := fmt.Sprintf(`"Target":{"@odata.type":"Microsoft.Dynamics.CRM.account","@odata.id":%q},"FileAttributeName":"sample_filecolumn"`, row)
	token := func(r reply) string {
		_, rest, _ := strings.Cut(r.body, `"FileContinuationToken":"`)
		name, _, _ := strings.Cut(rest, `"`)
		return name
	}
	upload := token(must(t, s, http.StatusOK, "POST", "InitializeFileBlocksUpload", `{`+target+`,"FileName":"a.txt"}`))
	for id, text := range map[string]string{"QQ==": "hello ", "Qg==": "world"} {
		must(t, s, http.StatusNoContent, "POST", "UploadBlock", fmt.Sprintf(`{"BlockId":%q,"BlockData":%q,"FileContinuationToken":%q}`,
			id, base64.StdEncoding.EncodeToString([]byte(text)), upload))
	}
	commit := fmt.Sprintf(`{"FileName":"a.txt","MimeType":"text/plain","BlockList":["QQ==","Qg=="],"FileContinuationToken":%q}`, upload)
	done := must(t, s, http.StatusOK, "POST", "CommitFileBlocksUpload", commit)
	if !strings.HasSuffix(done.body, `","FileSizeInBytes":11}`) {
		t.Errorf("got %s", done.body)
	}
	must(t, s, http.StatusBadRequest, "POST", "CommitFileBlocksUpload", commit)

	begun := must(t, s, http.StatusOK, "POST", "InitializeFileBlocksDownload", `{`+target+`}`)
	if !strings.HasSuffix(begun.body, `,"FileSizeInBytes":11,"FileName":"a.txt","IsChunkingSupported":true}`) {
		t.Errorf("got %s", begun.body)
	}
	block := must(t, s, http.StatusOK, "POST", "DownloadBlock", fmt.Sprintf(`{"Offset":6,"BlockLength":100,"FileContinuationToken":%q}`, token(begun)))
	if !strings.HasSuffix(block.body, `DownloadBlockResponse","Data":"d29ybGQ="}`) {
		t.Errorf("got %s", block.body)
	}
	_, rest, _ := strings.Cut(done.body, `"FileId":"`)
	must(t, s, http.StatusNoContent, "POST", "DeleteFile", `{"FileId":"`+rest[:36]+`"}`)
	must(t, s, http.StatusNotFound, "POST", "InitializeFileBlocksDownload", `{`+target+`}`)
}

func TestAFileGoesWithItsRow(t *testing.T) {
	for _, gone := range []string{"row", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='sample_filecolumn')"} {
		s, row, column := withFileColumn(t)
		must(t, s, http.StatusNoContent, "PATCH", column, "hello", "x-ms-file-name: a.txt")
		must(t, s, http.StatusNoContent, "DELETE", strings.Replace(gone, "row", row, 1), "")
		if n := emulator.Ask[int](t, s, `SELECT count(*) FROM "$file"`); n != 0 {
			t.Errorf("after %s: %d files", gone, n)
		}
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	s, row, column := withFileColumn(t)
	r := must(t, s, http.StatusBadRequest, "PATCH", column, strings.Repeat("x", 1025), "x-ms-file-name: a.txt")
	if want := failure("0x80044a02", "Attachment file size is too big."); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
	must(t, s, http.StatusBadRequest, "PATCH", column, "nameless")
	must(t, s, http.StatusMethodNotAllowed, "PATCH", row+"/name", "x", "x-ms-file-name: a.txt")
}

func TestAnImageIsUploadedAsAFile(t *testing.T) {
	s, row, _ := withFileColumn(t)
	must(t, s, http.StatusNoContent, "PATCH", row+"/entityimage", "pixels", "Content-Type: application/octet-stream")
	if r := must(t, s, http.StatusOK, "GET", row+"/entityimage/$value?size=full", ""); r.body != "pixels" || r.header.Get("x-ms-file-size") != "6" {
		t.Errorf("got %q, headers %v", r.body, r.header)
	}
	must(t, s, http.StatusNoContent, "PATCH", row+"/entityimage", "\x89PNG\x0D\x0A\x1A\x0A", "Content-Type: application/octet-stream")
	got := headersOf(must(t, s, http.StatusOK, "GET", row+"/entityimage", ""), "x-ms-file-name", "mimetype", "Content-Disposition")
	if want := "entityimage.png\nimage/png\nattachment; filename=entityimage.png"; got != want {
		t.Errorf("headers: got %q, want %q", got, want)
	}
	must(t, s, http.StatusNoContent, "PATCH", row+"/entityimage", "pixels", "Content-Type: application/octet-stream")
	r := must(t, s, http.StatusOK, "GET", row+"?$select=entityimage,entityimageid", "")
	if !strings.Contains(r.body, `"entityimage":"cGl4ZWxz"`) || strings.Contains(r.body, `"entityimageid":null`) {
		t.Errorf("got %s", r.body)
	}
}

func TestAnImageIsReadInBlocks(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso","entityimage":"aGVsbG8="}`)
	body := `{"Target":{"accountid":"` + id + `","@odata.type":"Microsoft.Dynamics.CRM.account"},"FileAttributeName":"entityimage"}`
	if r := must(t, s, http.StatusOK, "POST", "InitializeFileBlocksDownload", body); !strings.Contains(r.body, `"FileSizeInBytes":5`) {
		t.Errorf("got %s", r.body)
	}
}

func TestBlocksAreNoMoreThanTheColumnTakes(t *testing.T) {
	s, row, _ := withFileColumn(t)
	target := `"Target":{"accountid":"` + row[len("accounts("):len(row)-1] + `","@odata.type":"Microsoft.Dynamics.CRM.account"},"FileName":"a","FileAttributeName":"sample_filecolumn"}`
	begun := must(t, s, http.StatusOK, "POST", "InitializeFileBlocksUpload", `{`+target)
	token := begun.body[strings.Index(begun.body, `"FileContinuationToken":`) : len(begun.body)-1]
	block := func(id string, size int) string {
		return `{"BlockId":"` + id + `","BlockData":"` + base64.StdEncoding.EncodeToString(make([]byte, size)) + `",` + token + `}`
	}
	must(t, s, http.StatusNoContent, "POST", "UploadBlock", block("a", 800))
	must(t, s, http.StatusBadRequest, "POST", "UploadBlock", block("b", 800))
	must(t, s, http.StatusNoContent, "POST", "UploadBlock", block("a", 600)) // in place of what it was
	commit := `{"FileName":"a","MimeType":"text/plain",` + token + `,"BlockList":[%s]}`
	must(t, s, http.StatusBadRequest, "POST", "CommitFileBlocksUpload", fmt.Sprintf(commit, `"a","a"`))
	must(t, s, http.StatusOK, "POST", "CommitFileBlocksUpload", fmt.Sprintf(commit, `"a"`))
}
