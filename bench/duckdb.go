package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A duckRival is DuckDB through its program. It has no index: its rows lie in
// order of time, and it knows the range of each group of them.
type duckRival struct {
	*shell
	name string
	file string
}

// openDuckDB runs the program on a database in a folder.
func openDuckDB(ctx context.Context, program, dir string) (rival, error) {
	r := &duckRival{file: filepath.Join(dir, "plain.duckdb")}
	var err error
	if r.shell, err = openShell(ctx, program, r.file); err != nil {
		return nil, err
	}
	r.adapt = strings.NewReplacer("moment / 86400", "moment // 86400").Replace // "/" is not of whole numbers
	lines, err := r.run(
		`CREATE TABLE sample (pool SMALLINT, server INTEGER, moment INTEGER, use INTEGER, delta INTEGER, known SMALLINT)`,
		`CREATE TEMP TABLE chosen (server INTEGER)`,
		`SELECT version()`)
	if err != nil {
		return nil, fmt.Errorf("DuckDB: %w", err)
	}
	r.name = "DuckDB " + strings.TrimPrefix(strings.Join(lines, ""), "v")
	return r, nil
}

// Name implements rival.
func (r *duckRival) Name() string { return r.name }

// Load implements rival, by way of a file.
func (r *duckRival) Load(_ context.Context, e *estate) (rows, bytes int64, err error) {
	r.hold = e.hold()
	csv := r.file + ".csv"
	if rows, err = writeRows(csv, e); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(csv)) }()
	if _, err = r.run(fmt.Sprintf("COPY sample FROM '%s' (FORMAT csv, HEADER false)", strings.ReplaceAll(csv, "'", "''")), "CHECKPOINT"); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(r.file)
	if err != nil {
		return 0, 0, err
	}
	return rows, info.Size(), nil
}

// writeRows writes the rows of an estate to a file.
func writeRows(file string, e *estate) (rows int64, err error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	for s := range e.rows() {
		fmt.Fprintf(w, "%d,%d,%d,%d,%d,%d\n", asked, s.Server, s.At, s.Use, s.Delta, s.Known)
		rows++
	}
	return rows, errors.Join(w.Flush(), f.Close())
}
