package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// answerGet answers a request that changes nothing. The answer gets a tag of its
// content, and is empty where the client has that content already; a client that
// accepts text/csv gets rows.
func (s *Server) answerGet(w http.ResponseWriter, r *http.Request, next http.Handler) {
	rows := wantsCSV(r.Header.Get("Accept"))
	asked := r
	if rows {
		asked = r.Clone(r.Context())
		asked.Header.Set("Accept", jsonType)
	}
	b := &buffered{header: w.Header(), status: http.StatusOK}
	next.ServeHTTP(b, asked)
	r.Pattern = asked.Pattern
	if rows && b.status == http.StatusOK && strings.HasPrefix(w.Header().Get("Content-Type"), jsonType) {
		s.sendRows(w, r, b)
	}
	if b.status == http.StatusOK {
		tag := w.Header().Get("ETag")
		if tag == "" {
			tag = tagOf(b.body.Bytes())
			w.Header().Set("ETag", tag)
		}
		w.Header().Add("Vary", "Accept")
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(b.status)
	_, _ = b.body.WriteTo(w) // the client may be gone
}

// alsoAnswers says of every operation that changes nothing what answerGet makes of its
// answers.
func alsoAnswers(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		if item.Get == nil {
			continue
		}
		item.Get.Responses["304"] = &huma.Response{Description: "The client has this answer, by the tag in If-None-Match."}
		if ok := item.Get.Responses["200"]; ok != nil {
			ok.Content["text/csv"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
	}
}

// jsonType is what answers are written in, unless somebody wants rows.
const jsonType = "application/json"

// sendRows makes rows of an answer. The address of the next page goes into a header:
// rows have no place for it.
func (s *Server) sendRows(w http.ResponseWriter, r *http.Request, b *buffered) {
	rows, next, err := rowsOf(b.body.Bytes())
	if err == nil {
		b.body.Reset()
		err = writeRows(&b.body, rows)
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "an answer was not written as CSV", "err", err)
		b.body.Reset()
		b.status = http.StatusInternalServerError
		return
	}
	w.Header().Del("ETag")
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if next != "" {
		q := r.URL.Query()
		q.Set("cursor", next)
		w.Header().Set("Link", "<"+s.URL+r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
	}
}

// wantsCSV says whether a client asks for rows before anything else.
func wantsCSV(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	kind, _, err := mime.ParseMediaType(first)
	return err == nil && kind == "text/csv"
}

// tagOf is the tag of a content.
func tagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return strconv.Quote(hex.EncodeToString(sum[:12]))
}

// matches says whether a list of tags, as a client sends it, has a tag.
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}

// A buffered is an answer that is not sent yet.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(status int)      { b.status = status }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
