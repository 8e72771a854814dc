package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"headroom/internal/hub/store"
	"headroom/internal/hub/usage"
)

// A job is what a process of its own is told to ask of a store that was
// loaded. A process of its own starts cold, and its memory is that of the
// answers alone.
type job struct {
	Estate estate
	File   string // the hub's database
	Org    int64
	Rounds int // of each query
	Keep   int // rounds whose answers are returned
}

// Findings are what it found.
type findings struct {
	Cold    time.Duration // from opening the store to the first peak over all days
	Queries []asking      // in the order of estate.queries
	Memory  int64         // resident bytes at the end; 0: not told
	Highest int64         // resident bytes at most; 0: not told
}

// An asking is one query in all its rounds.
type asking struct {
	Took    []time.Duration // of each round
	Answers []answer        // of the first rounds
}

// askOurs runs this program again to do a job.
func askOurs(ctx context.Context, j job, log io.Writer) (findings, error) {
	program, err := os.Executable()
	if err != nil {
		return findings{}, err
	}
	told, err := json.Marshal(j)
	if err != nil {
		return findings{}, err
	}
	cmd := exec.CommandContext(ctx, program, "-ask", string(told))
	cmd.Stderr = log
	out, err := cmd.Output()
	if err != nil {
		return findings{}, fmt.Errorf("ask Headroom: %w", err)
	}
	var r findings
	return r, json.Unmarshal(out, &r)
}

// do does a job, in the process of its own.
func (j *job) do(ctx context.Context) (r findings, err error) {
	begin := time.Now()
	tuneMemory(0)
	db, err := store.Open(ctx, j.File, store.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	o := ours{estate: &j.Estate, org: j.Org, service: &usage.Service{Store: db, Now: j.now}}
	whole := query{Kind: aPeak, From: j.Estate.begin(), To: j.Estate.end()}
	if _, err := o.ask(ctx, whole, o.choice(whole, warmUp+1)); err != nil {
		return r, err
	}
	r.Cold = time.Since(begin)
	for _, q := range j.Estate.queries() {
		a, err := measure(ctx, &o, &j.Estate, q, j.Rounds, j.Keep)
		if err != nil {
			return r, err
		}
		r.Queries = append(r.Queries, a)
	}
	r.Memory, r.Highest = resident()
	return r, nil
}

func (j *job) now() time.Time { return clock(j.Estate.end()) }

// ours asks Headroom.
type ours struct {
	*estate
	service *usage.Service
	org     int64
}

// ask implements answerer.
func (o *ours) ask(ctx context.Context, q query, servers []int) (answer, error) {
	question := usage.Question{Product: product(asked), From: clock(q.From), To: clock(q.To), Step: usage.ByDay}
	for _, s := range servers {
		question.Servers = append(question.Servers, o.guid(s))
	}
	if q.Kind != aTrend {
		p, err := o.service.Peak(ctx, o.org, question)
		return answer{Peak: peakRow{p.Value, p.At}}, err
	}
	buckets, err := o.service.Trend(ctx, o.org, question)
	var a answer
	for _, b := range buckets {
		if b.Seconds > 0 {
			a.Days = append(a.Days, dayRow{
				Day: int32(b.From / 86400), Max: b.Peak.Value, Integral: b.Integral, Seconds: b.Seconds, P95: b.P95.N,
			})
		}
	}
	return a, err
}

// resident returns the memory of this process, as far as the system tells it.
func resident() (now, highest int64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 || name != "VmRSS" && name != "VmHWM" {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
		switch {
		case err != nil:
		case name == "VmRSS":
			now = kilobytes << 10
		default:
			highest = kilobytes << 10
		}
	}
	return now, highest
}
