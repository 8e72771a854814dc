package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// start is a hub and the spool of an agent with three readings in one batch.
func start(t *testing.T) (*hub, *spool.Spool, []wire.Record) {
	t.Helper()
	h, sp := newHub(t, t), newSpool(t)
	t.Cleanup(h.Close)
	records := []wire.Record{reading(0, 1), reading(5, 2), reading(10, 3)}
	for _, r := range records {
		keep(t, sp, r)
	}
	if n := pack(t, sp); n != 1 {
		t.Fatalf("three readings became %d batches", n)
	}
	return h, sp, records
}

func TestEveryReceiptEndsABatch(t *testing.T) {
	for _, status := range []string{wire.ReceiptStored, wire.ReceiptKnown, wire.ReceiptDiscarded} {
		t.Run(status, func(t *testing.T) {
			h, sp, _ := start(t)
			h.says = func(w http.ResponseWriter, _ string, b *wire.Batch) bool {
				reply(w, http.StatusOK, wire.Receipt{Status: status, Records: len(b.Records)})
				return true
			}
			want := upload.Report{Batches: 1, Records: 1}
			if status == wire.ReceiptDiscarded {
				want.Discarded = 1
			}
			if got := drain(t, h, sp); got != want {
				t.Errorf("report %+v, want %+v", got, want)
			}
			if st := sp.Stats(); st.Sent != 1 || st.Ready != 0 {
				t.Errorf("%d batches are kept as sent and %d wait, want 1 and 0", st.Sent, st.Ready)
			}
		})
	}
}

// What does not end a batch: its same bytes go again, at some time.
func TestOtherAnswersKeepTheBatch(t *testing.T) {
	html := func(status int) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			page(w, status, "<html>Access to this page was blocked by your administrator</html>")
		}
	}
	ofHub := func(status int, kind string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { problem(w, status, kind, "no") }
	}
	// A gateway may have learnt RFC 9457 too; it is no hub for that.
	gateway := func(status int) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Del(wire.TimeHeader)
			problem(w, status, "about:blank", "no")
		}
	}
	text := func(status int, s string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { page(w, status, s) }
	}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"hub does not know the key":        ofHub(http.StatusUnauthorized, "about:blank"),
		"hub says stale without a nonce":   ofHub(http.StatusUnauthorized, wire.ProblemStale),
		"hub forbids and does not remove":  ofHub(http.StatusForbidden, "about:blank"),
		"server waits for approval":        ofHub(http.StatusNotFound, "about:blank"),
		"conflict that is no fork":         ofHub(http.StatusConflict, "about:blank"),
		"too many requests":                ofHub(http.StatusTooManyRequests, "about:blank"),
		"hub failed":                       ofHub(http.StatusInternalServerError, "about:blank"),
		"hub cannot work just now":         ofHub(http.StatusServiceUnavailable, "about:blank"),
		"proxy page 400":                   html(http.StatusBadRequest),
		"proxy page 403":                   html(http.StatusForbidden),
		"proxy page 407":                   html(http.StatusProxyAuthRequired),
		"proxy page 409":                   html(http.StatusConflict),
		"proxy page 413":                   html(http.StatusRequestEntityTooLarge),
		"proxy page 422":                   html(http.StatusUnprocessableEntity),
		"proxy page 502":                   html(http.StatusBadGateway),
		"gateway problem 400":              gateway(http.StatusBadRequest),
		"gateway problem 413":              gateway(http.StatusRequestEntityTooLarge),
		"gateway problem 422":              gateway(http.StatusUnprocessableEntity),
		"page with 200":                    html(http.StatusOK),
		"nothing with 200":                 text(http.StatusOK, ""),
		"204":                              func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		"null":                             text(http.StatusOK, "null"),
		"object with 200":                  text(http.StatusOK, "{}"),
		"receipt of a status nobody knows": text(http.StatusOK, `{"status":"ok","records":1}`),
		"receipt that was cut":             text(http.StatusOK, `{"status":"stored","rec`),
		"redirect":                         func(w http.ResponseWriter) { w.Header().Set("Location", "/login"); w.WriteHeader(http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			h, sp, records := start(t)
			before := next(t, sp)
			h.says = func(w http.ResponseWriter, _ string, _ *wire.Batch) bool { answer(w); return true }
			client := h.client(atNoon)
			client.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			report, err := upload.Drain(t.Context(), client, sp, quiet)
			if err == nil || errors.Is(err, upload.ErrRemoved) {
				t.Errorf("drain: %v, want an error that is not for good", err)
			}
			if report != (upload.Report{}) {
				t.Errorf("report %+v, want nothing done", report)
			}
			after := next(t, sp)
			if after.ID != before.ID || !bytes.Equal(after.Body, before.Body) {
				t.Errorf("batch %s became %s, same bytes: %t", before.ID, after.ID, bytes.Equal(after.Body, before.Body))
			}
			h.says = nil
			drain(t, h, sp)
			h.same(records...)
		})
	}
}

func TestHubThatIsNotThereIsLater(t *testing.T) {
	h, sp, _ := start(t)
	before := next(t, sp)
	h.Close()
	if _, err := upload.Drain(t.Context(), h.client(atNoon), sp, quiet); err == nil || !strings.Contains(err.Error(), "not reached") {
		t.Errorf("drain with no hub: %v, want that it was not reached", err)
	}
	if after := next(t, sp); after.ID != before.ID {
		t.Errorf("batch %s became %s", before.ID, after.ID)
	}
}

func TestRemovedAgentKeepsWhatItHas(t *testing.T) {
	h, sp, _ := start(t)
	h.says = func(w http.ResponseWriter, _ string, _ *wire.Batch) bool {
		problem(w, http.StatusForbidden, wire.ProblemRemoved, "removed by a.admin")
		return true
	}
	_, err := upload.Drain(t.Context(), h.client(atNoon), sp, quiet)
	if !errors.Is(err, upload.ErrRemoved) || !strings.Contains(err.Error(), "removed by a.admin") {
		t.Errorf("drain: %v, want ErrRemoved with what the hub said", err)
	}
	next(t, sp)
}

func TestRetryAfterIsToldAndBounded(t *testing.T) {
	for after, want := range map[string]time.Duration{
		"":      0,
		"90":    90 * time.Second,
		"-5":    0,
		"soon":  0,
		"1e3":   0,
		"86401": 24 * time.Hour, // nobody may silence an agent for longer
		noon.Add(time.Minute).Format(http.TimeFormat):     time.Minute,
		noon.Add(-time.Minute).Format(http.TimeFormat):    0,
		noon.AddDate(1, 0, 0).Format(http.TimeFormat):     24 * time.Hour,
		"99999999999999999999999999999999999999999999999": 0,
	} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprintf("%d %s", status, after), func(t *testing.T) {
				h, sp, _ := start(t)
				h.says = func(w http.ResponseWriter, _ string, _ *wire.Batch) bool {
					if after != "" {
						w.Header().Set("Retry-After", after)
					}
					problem(w, status, "about:blank", "busy")
					return true
				}
				_, err := upload.Drain(t.Context(), h.client(atNoon), sp, quiet)
				r, ok := errors.AsType[*upload.Refusal](err)
				if !ok || r.Status != status || r.After != want {
					t.Errorf("drain: %v (%+v), want a refusal with %d after %s", err, r, status, want)
				}
			})
		}
	}
}

func TestForkBeginsAnEpochAndLosesNothing(t *testing.T) {
	h, sp, records := start(t)
	records = append(records, reading(15, 4))
	keep(t, sp, reading(15, 4))
	pack(t, sp)
	old := sp.Epoch().Epoch
	h.says = func(w http.ResponseWriter, path string, _ *wire.Batch) bool {
		if !strings.Contains(path, old) {
			return false
		}
		problem(w, http.StatusConflict, wire.ProblemFork, "another content under this identity")
		return true
	}
	if got := drain(t, h, sp); got.Batches != 2 || got.Refused != 0 {
		t.Errorf("report %+v, want two batches", got)
	}
	if got := sp.Epoch().Epoch; got == old {
		t.Errorf("after a fork the epoch is still %s", got)
	}
	h.same(records...)
	for i, b := range h.batches() {
		if want := (wire.BatchID{Epoch: old, Seq: uint64(i + 1)}); len(b.Header.Replaces) != 1 || b.Header.Replaces[0] != want {
			t.Errorf("batch %s/%d replaces %v, want %v", b.Header.Epoch, b.Header.Seq, b.Header.Replaces, want)
		}
	}
	if second := wire.BatchesPath + "/" + old + "/2"; h.sent[second] != nil {
		t.Errorf("%s was sent after the fork was seen", second)
	}
}

// A hub that always sees a fork must not make an agent spin.
func TestForkInANewEpochIsLater(t *testing.T) {
	h, sp, records := start(t)
	h.says = func(w http.ResponseWriter, _ string, _ *wire.Batch) bool {
		problem(w, http.StatusConflict, wire.ProblemFork, "another content under this identity")
		return true
	}
	if _, err := upload.Drain(t.Context(), h.client(atNoon), sp, quiet); err == nil {
		t.Error("drain against a hub that sees forks everywhere ended well")
	}
	if n := len(h.sent); n != 2 {
		t.Errorf("%d identities were tried, want the old one and one new", n)
	}
	h.says = nil
	drain(t, h, sp)
	h.same(records...)
}

// A batch that the hub once had and lost goes again as it was.
func TestBatchThatTheHubLostGoesAgainAsItWas(t *testing.T) {
	h, sp, records := start(t)
	drain(t, h, sp)
	epoch := sp.Epoch().Epoch
	if _, err := sp.NewEpoch(); err != nil {
		t.Fatal(err)
	}
	h.stored, h.order = map[string][]byte{}, nil
	if n, err := sp.Resend(epoch, 1); n != 1 || err != nil {
		t.Fatalf("resend: %d, %v", n, err)
	}
	drain(t, h, sp) // the hub compares the bytes
	h.same(records...)
	if b := h.batches()[0]; b.Header.Epoch != epoch || b.Header.Replaces != nil {
		t.Errorf("it came as %s/%d, replacing %v; want its old identity", b.Header.Epoch, b.Header.Seq, b.Header.Replaces)
	}
}

// poisoned says no to a batch with a reading at one of these instants.
func poisoned(status int, instants ...int64) func(http.ResponseWriter, string, *wire.Batch) bool {
	return func(w http.ResponseWriter, _ string, b *wire.Batch) bool {
		for _, line := range b.Records {
			s, ok := line.Record.(*wire.Samples)
			if ok && slices.ContainsFunc(s.At, func(at int64) bool { return slices.Contains(instants, at) }) {
				problem(w, status, "about:blank", "line 2, samples of a: not believable")
				return true
			}
		}
		return false
	}
}

func TestOnlyTheRefusedRecordIsSetAsideAndDeclared(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			h, sp := newHub(t, t), newSpool(t)
			defer h.Close()
			var good []wire.Record
			bad := reading(5*17, 99)
			for i := range int64(40) {
				if i == 17 {
					keep(t, sp, bad)
					continue
				}
				good = append(good, reading(5*i, i))
				keep(t, sp, reading(5*i, i))
			}
			pack(t, sp)
			h.says = poisoned(status, bad.At[0])
			if got := drain(t, h, sp); got.Refused != 1 {
				t.Errorf("report %+v, want one refused", got)
			}
			if st := sp.Stats(); st.Bad != 1 || st.Waiting != 1 {
				t.Errorf("%d set aside and %d waiting, want the record and its gap", st.Bad, st.Waiting)
			}
			h.same(good...)
			pack(t, sp)
			drain(t, h, sp)
			gap := gaps(h)
			if len(gap) != 1 || gap[0].Batch == nil || h.stored[wire.BatchesPath+"/"+gap[0].Batch.Epoch+"/"+fmt.Sprint(gap[0].Batch.Seq)] != nil {
				t.Errorf("declared %+v, want one gap that names the batch that will not come", gap)
			} else if !strings.Contains(gap[0].Reason, "not believable") {
				t.Errorf("the gap says %q, want the hub's reason", gap[0].Reason)
			}
		})
	}
}

func gaps(h *hub) []*wire.Gap {
	var out []*wire.Gap
	for _, r := range h.records() {
		if g, ok := r.(*wire.Gap); ok {
			out = append(out, g)
		}
	}
	return out
}

// Every identity is there, was replaced, or is declared as gone: only then the
// hub's "complete" gets past it.
func missing(h *hub, epoch string, below uint64) []uint64 {
	known := map[wire.BatchID]bool{}
	for _, b := range h.batches() {
		known[wire.BatchID{Epoch: b.Header.Epoch, Seq: b.Header.Seq}] = true
		for _, id := range b.Header.Replaces {
			known[id] = true
		}
	}
	for _, g := range gaps(h) {
		if g.Batch != nil {
			known[*g.Batch] = true
		}
		for _, id := range g.Replaces {
			known[id] = true
		}
	}
	var out []uint64
	for seq := uint64(1); seq < below; seq++ {
		if !known[wire.BatchID{Epoch: epoch, Seq: seq}] {
			out = append(out, seq)
		}
	}
	return out
}

// Whatever happens on the way, all that was read is stored once, or, if the
// hub does not believe it, set aside and declared.
func TestEverythingArrivesOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			rt.Fatalf("%v", err)
		}
		h := newHub(t, rt)
		defer h.Close()
		sp := openSpool(rt, dir)
		good, bad := fill(rt, sp)
		h.says = poisoned(http.StatusUnprocessableEntity, bad...)
		h.lose = losing(rapid.Uint64().Draw(rt, "what is lost"))
		for tries := 0; ; tries++ {
			_, err := upload.Drain(context.Background(), h.client(atNoon), sp, quiet)
			if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
				closeSpool(rt, sp)
				sp = openSpool(rt, dir)
			}
			if err == nil && pack(rt, sp) == 0 {
				break
			}
			if tries > 1000 {
				rt.Fatalf("still not done: %v", err)
			}
		}
		defer closeSpool(rt, sp)
		got := meaningOf(rt, h.records()).without(`"kind":"gap"`)
		if d := got.differs(meaningOf(rt, good)); d != "" {
			rt.Errorf("the hub has:\n%s", d)
		}
		if n := len(gaps(h)); n != len(bad) || sp.Stats().Bad != len(bad) {
			rt.Errorf("%d gaps and %d set aside, want %d", n, sp.Stats().Bad, len(bad))
		}
		if seqs := missing(h, sp.Epoch().Epoch, sp.Epoch().Seq); len(seqs) > 0 {
			rt.Errorf("nobody told the hub of sequences %v", seqs)
		}
	})
}

// losing loses some requests and some replies. It draws nothing from rapid,
// whose draws belong to the goroutine of the test.
func losing(seed uint64) func() (before, after bool) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	return func() (before, after bool) {
		mu.Lock()
		defer mu.Unlock()
		switch r.IntN(5) {
		case 0:
			return true, false
		case 1, 2:
			return false, true
		}
		return false, false
	}
}

// fill keeps readings, in a few batches, and returns those that a hub will
// believe and the instants of those that it will not.
func fill(t *rapid.T, sp *spool.Spool) (good []wire.Record, bad []int64) {
	for i := range rapid.Int64Range(1, 12).Draw(t, "readings") {
		r := reading(5*i, i)
		keep(t, sp, r)
		if rapid.IntRange(0, 7).Draw(t, "poison") == 0 {
			bad = append(bad, r.At[0])
		} else {
			good = append(good, r)
		}
		if rapid.IntRange(0, 2).Draw(t, "pack") == 0 {
			pack(t, sp)
		}
	}
	pack(t, sp)
	return good, bad
}

func TestLostReplyBringsTheSameBytesAgain(t *testing.T) {
	h, sp, records := start(t)
	lost := 0
	h.lose = func() (before, after bool) { lost++; return false, lost <= 3 }
	for range 3 {
		if _, err := upload.Drain(t.Context(), h.client(atNoon), sp, quiet); err == nil {
			t.Fatal("a drain without a reply ended well")
		}
	}
	if got := drain(t, h, sp); got != (upload.Report{Batches: 1, Records: 1}) { // the hub compares the bytes
		t.Errorf("report %+v, want one batch", got)
	}
	if len(h.order) != 1 {
		t.Errorf("stored %v, want it once", h.order)
	}
	h.same(records...)
}

// noise is text that does not compress well.
func noise(r *rand.Rand, n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// denials are records that take much room: about a KiB each, compressed too.
func denials(n int) []wire.Record {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]wire.Record, n)
	for i := range out {
		out[i] = &wire.Denial{
			PoolKey: wire.PoolKey{Feature: "a"}, At: noon.Unix() + int64(i), User: noise(r, 480), Host: noise(r, 480), Reason: "none left", Count: 1,
		}
	}
	return out
}

// nginx lets 1 MiB through where nobody has thought of it.
func TestBatchThatDoesNotPassAProxyIsDivided(t *testing.T) {
	t.Parallel()
	h, sp := newHub(t, t), newSpool(t)
	defer h.Close()
	all := denials(2500)
	keep(t, sp, all...)
	pack(t, sp)
	if n := len(next(t, sp).Body); n < 1<<20 {
		t.Fatalf("the batch has %d bytes: it proves nothing", n)
	}
	h.front = func(w http.ResponseWriter, body []byte) bool {
		if len(body) <= 1<<20 {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		page(w, http.StatusRequestEntityTooLarge, "<html><center>nginx</center></html>")
		return true
	}
	if got := drain(t, h, sp); got.Refused != 0 {
		t.Errorf("report %+v, want nothing refused", got)
	}
	h.same(all...)
}

func TestBodyLargerThanAHubReadsIsDividedWithoutAsking(t *testing.T) {
	t.Parallel()
	h, sp := newHub(t, t), newSpool(t)
	defer h.Close()
	all := denials(6500)
	keep(t, sp, all...)
	pack(t, sp)
	if n := len(next(t, sp).Body); n <= wire.MaxBodyBytes {
		t.Fatalf("the batch has %d bytes: it proves nothing", n)
	}
	h.front = func(_ http.ResponseWriter, body []byte) bool {
		if len(body) > wire.MaxBodyBytes {
			t.Errorf("a body of %d bytes was sent", len(body))
		}
		return false
	}
	if got := drain(t, h, sp); got.Refused != 0 {
		t.Errorf("report %+v, want nothing refused", got)
	}
	h.same(all...)
}

func TestCancelledDrainIsLater(t *testing.T) {
	h, sp, records := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := upload.Drain(ctx, h.client(atNoon), sp, quiet); !errors.Is(err, context.Canceled) {
		t.Errorf("drain: %v, want that it was cancelled", err)
	}
	drain(t, h, sp)
	h.same(records...)
}
