package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// A shell is a database's own command line, kept open: statements go in, lines
// of comma-separated numbers come out. SQLite's and DuckDB's take the same
// flags.
type shell struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	errs  bytes.Buffer
	hold  int64
	adapt func(sql string) string // to the dialect; nil: as it is
}

// openShell starts a program on a database file.
func openShell(ctx context.Context, program, file string) (*shell, error) {
	s := &shell{cmd: exec.CommandContext(ctx, program, "-batch", "-bail", "-noheader", "-csv", file)}
	s.cmd.Stderr = &s.errs
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	return s, s.cmd.Start()
}

// endMark is the line after the last one of a statement.
const endMark = "end-of-answer"

// run runs statements and returns the lines that they print.
func (s *shell) run(statements ...string) (lines []string, err error) {
	if _, err := fmt.Fprintf(s.in, "%s;\nSELECT '%s';\n", strings.Join(statements, ";\n"), endMark); err != nil {
		return nil, s.failed(err)
	}
	for s.out.Scan() {
		line := strings.Trim(strings.TrimSpace(s.out.Text()), `"`)
		if line == endMark {
			return lines, nil
		}
		lines = append(lines, line)
	}
	return nil, s.failed(s.out.Err())
}

// failed says why a shell has ended.
func (s *shell) failed(err error) error {
	_ = s.cmd.Wait() // it says itself what was wrong
	s.cmd = nil
	return errors.Join(err, fmt.Errorf("the program ended: %s", bytes.TrimSpace(s.errs.Bytes())))
}

// numbers runs a statement with the arguments of a question, and returns what
// it prints.
func (s *shell) numbers(sql string, servers []int, from, to int64) ([][]int64, error) {
	var values []string
	for _, server := range chosen(servers) {
		values = append(values, fmt.Sprintf("(%d)", server))
	}
	if s.adapt != nil {
		sql = s.adapt(sql)
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	sql = strings.NewReplacer("$1", number(asked), "$2", number(from), "$3", number(to), "$4", number(s.hold)).Replace(sql)
	lines, err := s.run("DELETE FROM chosen", "INSERT INTO chosen VALUES "+strings.Join(values, ", "), sql)
	if err != nil {
		return nil, err
	}
	var out [][]int64
	for _, line := range lines {
		var row []int64
		for word := range strings.SplitSeq(line, ",") {
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the program says %q", line)
			}
			row = append(row, n)
		}
		out = append(out, row)
	}
	return out, nil
}

// Peak is as in rival.
func (s *shell) Peak(_ context.Context, servers []int, from, to int64) (peakRow, error) {
	rows, err := s.numbers(sqlPeak, servers, from, to)
	if err != nil {
		return peakRow{}, err
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return peakRow{}, fmt.Errorf("the program says %v", rows)
	}
	return peakRow{rows[0][0], rows[0][1]}, nil
}

// Trend is as in rival.
func (s *shell) Trend(_ context.Context, servers []int, from, to int64) ([]dayRow, error) {
	rows, err := s.numbers(sqlTrend, servers, from, to)
	if err != nil {
		return nil, err
	}
	var out []dayRow
	for _, r := range rows {
		if len(r) != 5 {
			return nil, fmt.Errorf("the program says %v", r)
		}
		out = append(out, dayRow{Day: int32(r[0]), Max: r[1], Integral: r[2], Seconds: r[3], P95: r[4]})
	}
	return out, nil
}

// Close ends the program.
func (s *shell) Close() error {
	if s.cmd == nil {
		return nil
	}
	return errors.Join(s.in.Close(), s.cmd.Wait())
}
