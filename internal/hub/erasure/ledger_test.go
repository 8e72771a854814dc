package erasure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/erasure"
)

var now = time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC)

// stored is a store that knows of some endings, and notes what it is to do again.
type stored struct {
	ended, again []erasure.Line
	erased       []string
	err          error
}

func (s *stored) Erase(_ context.Context, guid string, e audit.Entry) error {
	if s.err != nil {
		return s.err
	}
	s.erased = append(s.erased, guid)
	s.ended = append(s.ended, erasure.Line{At: e.At, Act: erasure.UsageDeleted, Organisation: "QK7MXPTD", GUID: guid, By: e.Actor.Name})
	return nil
}
func (s *stored) Purge(context.Context) error                   { return nil }
func (s *stored) Erasing(context.Context) (time.Time, error)    { return time.Time{}, nil }
func (s *stored) Ended(context.Context) ([]erasure.Line, error) { return s.ended, nil }
func (s *stored) Again(_ context.Context, l erasure.Line) (bool, error) {
	s.again = append(s.again, l)
	return true, nil
}

func service(t *testing.T, ledger string) (*erasure.Service, *stored) {
	t.Helper()
	s := new(stored)
	return erasure.New(s, func() time.Time { return now }, ledger), s
}

func deleteOf(t *testing.T, s *erasure.Service, guid string) {
	t.Helper()
	if err := s.Delete(t.Context(), audit.Actor{Org: 1, Member: 1, Name: "ada@example.com"}, guid, now.Add(-erasure.Fresh)); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerHasEachActOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	s, store := service(t, path)
	deleteOf(t, s, "a")
	deleteOf(t, s, "b")
	store.ended = append(store.ended, erasure.Line{At: now, Act: erasure.RegistrationRemoved, Organisation: "QK7MXPTD", GUID: "c"})
	for range 2 {
		if err := s.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"at":"2026-11-24T13:05:00Z","act":"usage.delete","organisation":"QK7MXPTD","guid":"a","by":"ada@example.com"}
{"at":"2026-11-24T13:05:00Z","act":"usage.delete","organisation":"QK7MXPTD","guid":"b","by":"ada@example.com"}
{"at":"2026-11-24T13:05:00Z","act":"registration.remove","organisation":"QK7MXPTD","guid":"c"}
`
	if string(text) != want {
		t.Errorf("the ledger is\n%swant\n%s", text, want)
	}
	other, again := service(t, path)
	if n, err := other.Replay(t.Context()); err != nil || n != 3 || len(again.again) != 3 || again.again[0].GUID != "a" {
		t.Errorf("replayed %d, %v: %+v", n, err, again.again)
	}
}

// A line that was being written when the power went stands in the store, and is
// written once more; any other that does not read stops the hub.
func TestLedgerSurvivesACutLineAndNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	s, _ := service(t, path)
	deleteOf(t, s, "a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Record(t.Context()); err != nil {
			t.Fatalf("cut to %d bytes: %v", cut, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != string(whole) {
			t.Fatalf("cut to %d bytes and written again: %q, %v", cut, text, err)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"{\n", "line 1"},
		{string(whole) + "nothing\n", "line 2"},
		{strings.Replace(string(whole), "usage.delete", "usage.forget", 1), "newer hub"},
		{`{"at":"` + strings.Repeat("x", 9000) + "\n", "longer than"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Replay(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.40q: %v, want an error with %q and the path", c.text, err, c.want)
		}
	}
}

func TestDeletingNeedsAFreshProof(t *testing.T) {
	s, store := service(t, "")
	for _, proved := range []time.Time{{}, now.Add(-erasure.Fresh - time.Second), now.Add(time.Second)} {
		if err := s.Delete(t.Context(), audit.Actor{Org: 1}, "a", proved); fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("proved at %v: %v, want a fault.Unauthorized", proved, err)
		}
	}
	store.err = errors.New("full")
	if err := s.Delete(t.Context(), audit.Actor{Org: 1}, "a", now); !errors.Is(err, store.err) {
		t.Errorf("a store that fails: %v", err)
	}
	if len(store.erased) > 0 {
		t.Errorf("erased %v", store.erased)
	}
}

// Where the ledger cannot be written the data are gone, and that it failed is told.
func TestALedgerThatCannotBeWrittenIsTold(t *testing.T) {
	s, store := service(t, filepath.Join(t.TempDir(), "no", "such", "folder"))
	err := s.Delete(t.Context(), audit.Actor{Org: 1}, "a", now)
	if err == nil || !strings.Contains(err.Error(), "are deleted") || len(store.erased) != 1 {
		t.Errorf("%v, erased %v", err, store.erased)
	}
}
