package store_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
)

// BenchmarkHeads reads the heads of 400 days of 500 license servers, as a hub
// does when it starts.
func BenchmarkHeads(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkHeads(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { benchmarkHeads(b, storetest.Postgres(b)) })
}

func benchmarkHeads(b *testing.B, dsn string) {
	const days, parts, servers = 400, 2, 250
	db := storetest.Open(b, dsn)
	org := storetest.Found(b, db, "UTC")
	raw := storetest.Raw(b, dsn)
	for day := range days {
		for part := range parts {
			heads, bodies := store.EncodePack(int64(part), servers, noise(130), noise(260))
			_, err := raw.Exec(`INSERT INTO pack (org_id, day, part, number, heads, bodies) VALUES ($1, $2, $3, $4, $5, $6)`,
				org, day, part, day*parts+part+1, heads, bodies)
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if n := count(b, db, org, usage.Mark{}); n != days*parts*servers {
				b.Fatalf("%d heads", n)
			}
		}
	})
	b.Run("none new", func(b *testing.B) {
		mark := usage.Mark{Pack: days * parts, Servers: map[int64]int64{1: 1}}
		for b.Loop() {
			if n := count(b, db, org, mark); n != 0 {
				b.Fatalf("%d heads", n)
			}
		}
	})
	b.Run("day", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range db.Blocks(b.Context(), org, days/2) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != parts*servers {
				b.Fatalf("%d blocks", n)
			}
		}
	})
}

func noise(n int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(random.Uint32())
	}
	return out
}

func count(b *testing.B, db *store.DB, org int64, since usage.Mark) (n int) {
	for _, err := range db.Heads(b.Context(), org, math.MinInt32, math.MaxInt32, since) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}
