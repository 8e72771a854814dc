package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A postgresRival is a schema of its own on a PostgreSQL server.
type postgresRival struct {
	conn *pgx.Conn
	hold int64
}

// postgresSetup makes the session generous. What a session cannot set, such
// as shared_buffers, is as the server has it: the system's page cache holds
// the rest.
var postgresSetup = []string{
	`DROP SCHEMA IF EXISTS headroom_bench CASCADE`,
	`CREATE SCHEMA headroom_bench`,
	`SET search_path = headroom_bench`,
	`SET work_mem = '1GB'`,
	`SET maintenance_work_mem = '1GB'`,
	`SET effective_cache_size = '8GB'`,
	`SET random_page_cost = 1.1`,
	`SET max_parallel_workers_per_gather = 8`,
	`SET plan_cache_mode = force_custom_plan`,
	`CREATE UNLOGGED TABLE sample (
		moment integer  NOT NULL,
		server integer  NOT NULL,
		use    integer  NOT NULL,
		delta  integer  NOT NULL,
		pool   smallint NOT NULL,
		known  smallint NOT NULL
	)`,
}

// openPostgres makes an empty schema on the server of a URL.
func openPostgres(ctx context.Context, url string) (rival, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	for _, statement := range postgresSetup {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("PostgreSQL: %w", err), conn.Close(ctx))
		}
	}
	return &postgresRival{conn: conn}, nil
}

// Name implements rival.
func (r *postgresRival) Name() string {
	version, _, _ := strings.Cut(r.conn.PgConn().ParameterStatus("server_version"), " ")
	return "PostgreSQL " + version
}

// Load implements rival: COPY in order of time, then the index, which has all
// columns, so that the table itself is never read.
func (r *postgresRival) Load(ctx context.Context, e *estate) (rows, bytes int64, err error) {
	r.hold = e.hold()
	next, stop := iter.Pull(e.rows())
	defer stop()
	rows, err = r.conn.CopyFrom(ctx, pgx.Identifier{"headroom_bench", "sample"}, []string{"moment", "server", "use", "delta", "pool", "known"},
		pgx.CopyFromFunc(func() ([]any, error) {
			s, ok := next()
			if !ok {
				return nil, nil
			}
			return []any{int32(s.At), int32(s.Server), int32(s.Use), int32(s.Delta), int16(asked), int16(s.Known)}, nil
		}))
	if err != nil {
		return 0, 0, err
	}
	for _, statement := range []string{
		`CREATE UNIQUE INDEX sample_key ON sample (pool, moment, server) INCLUDE (use, delta, known)`,
		`VACUUM (ANALYZE, FREEZE) sample`,
	} {
		if _, err := r.conn.Exec(ctx, statement); err != nil {
			return 0, 0, err
		}
	}
	err = r.conn.QueryRow(ctx, `SELECT pg_total_relation_size('sample')`).Scan(&bytes)
	return rows, bytes, err
}

// postgresSQL names the chosen servers as an array, of which PostgreSQL makes
// a hash table: a join with a table of them takes half as long again.
func postgresSQL(sql string) string {
	return strings.ReplaceAll(sql, sqlChosen, `server = ANY($5::integer[])`)
}

// Peak implements rival.
func (r *postgresRival) Peak(ctx context.Context, servers []int, from, to int64) (peakRow, error) {
	var p peakRow
	err := r.conn.QueryRow(ctx, postgresSQL(sqlPeak), asked, from, to, r.hold, chosen(servers)).Scan(&p.Value, &p.At)
	return p, err
}

// Trend implements rival.
func (r *postgresRival) Trend(ctx context.Context, servers []int, from, to int64) ([]dayRow, error) {
	rows, err := r.conn.Query(ctx, postgresSQL(sqlTrend), asked, from, to, r.hold, chosen(servers))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[dayRow])
}

// Close implements rival.
func (r *postgresRival) Close() error {
	ctx := context.Background()
	_, err := r.conn.Exec(ctx, `DROP SCHEMA IF EXISTS headroom_bench CASCADE`)
	return errors.Join(err, r.conn.Close(ctx))
}
