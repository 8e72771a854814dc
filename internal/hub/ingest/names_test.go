package ingest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/wire"
)

func TestHowNamesLeaveIsBelieved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		says := func(n *wire.NamesInfo) wire.Record {
			return &wire.ServerRecord{At: noon, ServerInfo: wire.ServerInfo{GUID: w.server(t).GUID, Name: "cad", Names: n}}
		}
		w.take(t, 1, says(nil))
		w.take(t, 2, says(&wire.NamesInfo{Mode: wire.NamesPseudonyms, Key: "3f2a91c0", Since: noon - 60}))
		w.take(t, 3, says(&wire.NamesInfo{Mode: "shouted", Since: 7})) // of a newer agent, with a clock that was off
		want := []usage.NamesChange{
			{Since: time.Unix(noon-60, 0).UTC(), Mode: "pseudonyms", Key: "3f2a91c0"},
			{Since: time.Unix(noon, 0).UTC(), Mode: "shouted"},
		}
		if d := cmp.Diff(w.server(t).Names, want); d != "" {
			t.Errorf("names (-got +want):\n%s", d)
		}
	})
}
