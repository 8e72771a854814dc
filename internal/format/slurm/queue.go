package slurm

import (
	"io"
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// QueueFormat is what squeue is given after -o, so that ParseQueue can read
// its lines: job, user, licenses, state, reason, first host, start, submission.
// The tabs are clean separators: license expressions have "|", "," and ";".
const QueueFormat = "%i\t%u\t%W\t%T\t%r\t%B\t%S\t%V"

// columns is how many fields QueueFormat has.
const columns = 8

// A Queue is what the jobs of a cluster have to do with licenses.
type Queue struct {
	Holders []license.Holder // jobs that hold licenses, or wait for them
	Lines   int
	Unread  facts.UnreadLines // Holders lack these jobs
}

// QueueEnv is what squeue needs in its environment, so that it does not cut the
// list of tasks of a job array.
const QueueEnv = "SLURM_BITSTR_LEN=0"

// ParseQueue reads what `squeue -h -a -o QueueFormat` printed. An empty output is
// an empty queue. The tasks of a job array that wait are one holder. The error is the reader's, or says that there is
// no such code page.
//
// A job that has been given its nodes holds its licenses until it has ended,
// suspended or not. A job waits for licenses if that is the reason why it is
// pending; of several that it asks for, all are waited for.
func ParseQueue(r io.Reader, o facts.Options) (Queue, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return Queue{}, err
	}
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	var q Queue
	for lines.Next() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		holders, ok := jobHolders(lines.Text(), zone)
		if !ok {
			q.Unread.Add(lines.Number(), lines.Text())
			continue
		}
		q.Holders = append(q.Holders, holders...)
	}
	q.Lines = lines.Number()
	return q, lines.Err()
}

// jobHolders reads one job. The result is empty if it has to do with no
// licenses.
func jobHolders(line string, zone *time.Location) ([]license.Holder, bool) {
	f := strings.Split(line, "\t")
	if len(f) != columns {
		return nil, false
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	job := license.Holder{User: f[1], Handle: f[0]}
	switch {
	case holds(f[3]):
		job.Kind, job.Host, job.Since = license.HolderActive, known(f[5]), instant(f[6], zone)
	case f[3] == "PENDING" && f[4] == "Licenses":
		job.Kind, job.Since = license.HolderQueued, instant(f[7], zone)
	default:
		return nil, true
	}
	tasks, ok := tasks(f[0])
	if !ok {
		return nil, false
	}
	holders, ok := wanted(known(f[2]), job)
	for i := range holders {
		holders[i].Licenses *= tasks
	}
	return holders, ok
}

// maxTasks is more than the tasks that an array can have.
const maxTasks = 1 << 23

// tasks counts the tasks of a job: of an array's that wait together, such as
// 12_[3-9,20-30:2%4], and 1 of any other.
func tasks(id string) (n int64, ok bool) {
	_, list, array := strings.Cut(id, "_[")
	if !array {
		return 1, true
	}
	list, closed := strings.CutSuffix(list, "]")
	list, _, _ = strings.Cut(list, "%") // how many may run at a time
	for part := range strings.SplitSeq(list, ",") {
		span, step, stepped := strings.Cut(part, ":")
		from, to, many := strings.Cut(span, "-")
		if !many {
			to = from
		}
		if !stepped {
			step = "1"
		}
		first, err1 := strconv.ParseUint(from, 10, 32)
		last, err2 := strconv.ParseUint(to, 10, 32)
		by, err3 := strconv.ParseUint(step, 10, 32)
		if err1 != nil || err2 != nil || err3 != nil || last < first || by == 0 {
			return 0, false
		}
		n += int64((last-first)/by) + 1
	}
	return n, closed && n < maxTasks
}

// holds tells whether a job in this state has licenses.
func holds(state string) bool {
	switch state {
	case "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED":
		return true
	}
	return false
}

// known is a field's text, or nothing where squeue has nothing to say.
func known(s string) string {
	switch s {
	case "(null)", "n/a", "N/A", "None":
		return ""
	}
	return s
}

func instant(s string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// wanted reads what a job asks for, as in "ansys:2,matlab". Older versions write
// the number after "*". Of alternatives ("a|b") it is not told which one the
// job has.
func wanted(licenses string, job license.Holder) ([]license.Holder, bool) {
	if licenses == "" {
		return nil, true
	}
	var out []license.Holder
	for part := range strings.FieldsFuncSeq(licenses, func(r rune) bool { return r == ',' || r == ';' }) {
		name, n, ok := numbered(part)
		if !ok {
			return nil, false
		}
		job.Pool, job.Licenses = license.Pool{Feature: name}, n
		out = append(out, job)
	}
	return out, len(out) > 0
}

func numbered(part string) (name string, n int64, ok bool) {
	if strings.Contains(part, "|") {
		return "", 0, false
	}
	i := strings.LastIndexAny(part, ":*")
	if i < 0 {
		return part, 1, true
	}
	n, err := strconv.ParseInt(part[i+1:], 10, 64)
	return part[:i], n, err == nil && i > 0 && n > 0 && n < 1<<32
}
