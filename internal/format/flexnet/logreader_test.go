package flexnet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"headroom/internal/format/flexnet"
)

// eventLines shows events shortly: line, kind, who, how many.
func eventLines(events []flexnet.LogEvent) []string {
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprintf("%d %s %s %s|%s|%s|%d|%s", e.Line, e.Kind, e.Feature, e.User, e.Host, e.Extra, e.Licenses, e.Reason))
	}
	return all
}

func wantEvents(t *testing.T, log string, o flexnet.LogOptions, want ...string) flexnet.LogFile {
	t.Helper()
	events, file := readLog(t, log, o)
	if got := eventLines(events); !slices.Equal(got, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return file
}

func TestUserAndHostAreDividedAtTheLastAt(t *testing.T) {
	wantEvents(t, `10:00:00 (v) OUT: "f" Jane Doe@pc1  
10:00:00 (v) OUT: "f" jane@corp.example@pc1 (2 licenses)
10:00:00 (v) OUT: "f" Jane (Lab)@pc1  [a@b] (2 licenses) (X)
10:00:00 (v) OUT: "f" @pc1
10:00:00 (v) OUT: "f" jane@  [x]
10:00:00 (v) OUT: "a f" jane@pc1 [b [c] d]
10:00:00 (v) OUT: "f" jane@pc1 [b [c] (2 licenses)
`, flexnet.LogOptions{},
		"1 out f Jane Doe|pc1||1|",
		"2 out f jane@corp.example|pc1||2|",
		"3 out f Jane (Lab)|pc1|a@b|2|X",
		"4 out f |pc1||1|",
		"5 out f jane||x|1|",
		"6 out a f jane|pc1|b [c] d|1|",
		"7 out f jane|pc1|b [c|2|",
	)
}

func TestNamesAreDecodedFromTheCodePage(t *testing.T) {
	log := "10:00:00 (v) OUT: \"Ma\xDFe\" Jos\xE9@pc1  \n10:00:00 (v) OUT: \"f\" Жора@pc2  \n"
	wantEvents(t, log, flexnet.LogOptions{}, "1 out Maße José|pc1||1|", "2 out f Жора|pc2||1|")
	wantEvents(t, log, flexnet.LogOptions{CodePage: charmap.Windows1251}, "1 out MaЯe Josй|pc1||1|", "2 out f Жора|pc2||1|")
}

func TestLineEndsAndByteOrderMarksMeanNothing(t *testing.T) {
	const log = "10:00:00 (v) OUT: \"f\" ann@pc1  \n10:00:01 (v) IN: \"f\" ann@pc1  \n"
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(log)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"LF": log, "CRLF": strings.ReplaceAll(log, "\n", "\r\n"), "no end": strings.TrimSuffix(log, "\n"),
		"mark": "\xEF\xBB\xBF" + log, "UTF-16": wide, "blank lines": strings.ReplaceAll(log, "\n", "\n\n")[:len(log)+1],
	} {
		t.Run(name, func(t *testing.T) {
			events, file := readLog(t, in, flexnet.LogOptions{})
			if len(events) != 2 || file.UnreadLines != 0 {
				t.Errorf("%d events, unread %v; want 2 and none", len(events), file.Unread)
			}
		})
	}
}

func TestWrappedLinesAreOneEvent(t *testing.T) {
	file := wantEvents(t, `14:46:39 (telelogic) DENIED: DOORS ann@pc1  [telelogic] 
(Licensed number of users already reached. (-4,342:10054 ""))
14:46:39 (telelogic) OUT: TLSTOK-token ann@pc1  [DOORS] 
(3 licenses)
14:46:40 (telelogic) OUT: TLSTOK-token ann@pc1  
14:46:40 (telelogic) 	[DOORS] (3 licenses)
14:46:41 (telelogic) DENIED: "DOORS" ann@pc1  [telelogic] (Licensed number of
  users already reached.
  (-4,342))
14:46:42 (telelogic) OUT: DOORS ann@pc1
14:46:42 (telelogic) OUT: DOORS bob@pc1
14:46:42 (other) OUT: DOORS eve@pc1
`, flexnet.LogOptions{},
		`1 denied DOORS ann|pc1|telelogic|1|Licensed number of users already reached. (-4,342:10054 "")`,
		`3 out TLSTOK-token ann|pc1|DOORS|3|`,
		`5 out TLSTOK-token ann|pc1|DOORS|3|`,
		`7 denied DOORS ann|pc1|telelogic|1|Licensed number of users already reached. (-4,342)`,
		`10 out DOORS ann|pc1||1|`, `11 out DOORS bob|pc1||1|`, `12 out DOORS eve|pc1||1|`,
	)
	if file.Lines != 12 || file.UnreadLines != 0 {
		t.Errorf("%d lines, unread %v; want 12 and none", file.Lines, file.Unread)
	}
}

func TestLinesThatNobodyUnderstandsAreKept(t *testing.T) {
	log := ` 8:00:00 (lmgrd) TIMESTAMP 5/6/2024
 9:00:00 (vend) OUT: "f" nobody
 9:00:00 (vend) OUT: "f
 9:00:00 (vend) OUT: "f" ann@pc1 and more
 9:00:00 (vend) OUT: "f" ann@pc1 (unfinished
 9:00:00 (vend) UNSUPPORTED: "f" (AB ann@pc1
 9:00:00 (vend) the moon is full
25:00:00 (vend) OUT: "f" ann@pc1
what is this
 9:00:00 (vend) TCP_NODELAY NOT enabled

 9:00:00 (vend) 
`
	_, file := readLog(t, log, flexnet.LogOptions{})
	var lines []int
	for _, u := range file.Unread {
		lines = append(lines, u.Line)
	}
	if want := []int{2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(lines, want) || file.UnreadLines != len(want) {
		t.Errorf("unread lines %v (%d), want %v", lines, file.UnreadLines, want)
	}
	if got, want := file.Unread[7].Text, "what is this"; got != want {
		t.Errorf("text of line 9 is %q, want %q", got, want)
	}
	if !slices.Contains(file.Warnings, "5 lines look like events and could not be read: counts and peaks may be too low") {
		t.Errorf("warnings %q, want one of 5 lines that look like events", file.Warnings)
	}
}

func TestUnreadLinesAreCountedBeyondWhatIsKept(t *testing.T) {
	_, file := readLog(t, strings.Repeat("what is this\n", 2500), flexnet.LogOptions{})
	if file.UnreadLines != 2500 || len(file.Unread) != 1000 || file.Unread[999].Line != 1000 {
		t.Errorf("%d unread, %d kept; want 2500 and the first 1000", file.UnreadLines, len(file.Unread))
	}
}

func TestHugeLineCostsOnlyItself(t *testing.T) {
	for _, size := range []int{100 << 10, 200 << 10, 3 << 20} {
		log := "10:00:00 (v) OUT: \"f\" ann@pc1\n10:00:00 (v) OUT: " + strings.Repeat("x", size) + "\n10:00:01 (v) IN: \"f\" ann@pc1\n"
		events, file := readLog(t, log, flexnet.LogOptions{})
		if len(events) != 2 || file.UnreadLines != 1 || file.Lines != 3 || file.Bytes != int64(len(log)) {
			t.Errorf("%d bytes: %d events, %d unread, %d lines, %d bytes; want 2, 1, 3, %d",
				size, len(events), file.UnreadLines, file.Lines, file.Bytes, len(log))
		}
	}
}

func TestGapsAreSpansOfMoreThan7Hours(t *testing.T) {
	_, file := readLog(t, startOfLog+` 8:10:00 (vend) OUT: "f" ann@pc1
15:10:00 (vend) IN: "f" ann@pc1
22:10:01 (vend) OUT: "f" ann@pc1
 7:00:00 (lmgrd) -----------------------------------------------
 7:00:00 (lmgrd) Server's System Date and Time: Thu May 09 2024 07:00:00 UTC
`, flexnet.LogOptions{})
	day := func(d, h, m, s int) time.Time { return time.Date(2024, 5, d, h, m, s, 0, time.UTC) }
	want := []flexnet.LogGap{
		{From: day(6, 15, 10, 0), To: day(6, 22, 10, 1)},
		{From: day(6, 22, 10, 1), To: day(9, 7, 0, 0)},
	}
	if diff := diffOf(want, file.Gaps); diff != "" {
		t.Errorf("gaps: -want +got\n%s", diff)
	}
}

func TestHeadOfALogTellsWhereItBelongs(t *testing.T) {
	log := startOfLog + strings.Repeat(" 9:00:00 (vend) OUT: \"f\" ann@pc1\n", 50_000)
	read := strings.NewReader(log)
	head, err := flexnet.LogHead(read, flexnet.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := flexnet.LogFile{
		First: mayDay(8, 0, 0), Started: true,
		FirstLine: " 8:00:00 (lmgrd) Server's System Date and Time: Mon May 06 2024 08:00:00 UTC",
		StartLine: " 8:00:00 (lmgrd) FlexNet Licensing (v11.16.2.0 build 242461 x64_n6) started on LIC01 (IBM PC) (5/6/2024)",
	}
	if diff := diffOf(want, head); diff != "" {
		t.Errorf("head: -want +got\n%s", diff)
	}
	if got := len(log) - read.Len(); got > 1<<20 {
		t.Errorf("%d bytes were read for the head, want at most 1 MiB", got)
	}
}

func TestHeadOfACutLogIsDatedBackwards(t *testing.T) {
	head, err := flexnet.LogHead(strings.NewReader("23:00:00 (vend) OUT: \"f\" ann@pc1\n 3:00:00 (lmgrd) TIMESTAMP 5/7/2024\n"), flexnet.LogOptions{})
	if err != nil || head.Started || !head.First.Equal(mayDay(23, 0, 0)) {
		t.Errorf("head %+v, %v; want no start, first line on 6 May 23:00", head, err)
	}
}

func TestErrorOfTheReaderComesBehindWhatWasRead(t *testing.T) {
	broken := errors.New("disk on fire")
	in := io.MultiReader(strings.NewReader(startOfLog+" 9:00:00 (vend) OUT: \"f\" ann@pc1\n"), iotest.ErrReader(broken))
	totals := flexnet.NewLogTotals(flexnet.LogOptions{})
	if _, err := totals.Read(in); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if got := logFeature(t, totals, "f").Open; got != 1 {
		t.Errorf("%d open, want the checkout before the error", got)
	}
}

func TestReadingInSmallPiecesIsTheSame(t *testing.T) {
	log := generateLog(logMixes[0], 64<<10)
	want, _ := logTotals(t, flexnet.LogOptions{}, log)
	for name, r := range map[string]io.Reader{
		"a byte at a time": iotest.OneByteReader(bytes.NewReader(log)),
		"halves":           iotest.HalfReader(bytes.NewReader(log)),
		"error with data":  iotest.DataErrReader(bytes.NewReader(log)),
	} {
		got := flexnet.NewLogTotals(flexnet.LogOptions{})
		if _, err := got.Read(r); err != nil {
			t.Fatal(err)
		}
		if diff := diffOf(want.Features(), got.Features()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestFirstDateIsFoundFarIntoTheLog(t *testing.T) {
	line := "23:00:00 (vend) OUT: \"f\" ann@pc1\n"
	mark := " 3:00:00 (lmgrd) TIMESTAMP 5/7/2024\n"
	log := strings.Repeat(line, 3<<20/len(line)) + mark
	first, _, file := endsOfLog(t, log)
	if want := mayDay(23, 0, 0); !first.At.Equal(want) || file.Bytes != int64(len(log)) {
		t.Errorf("first event at %v, %d bytes; want %v, %d", first.At, file.Bytes, want, len(log))
	}
	first, last, file := endsOfLog(t, strings.Repeat(line, 17<<20/len(line))+mark+line)
	if !first.At.IsZero() || last.At.IsZero() {
		t.Errorf("first event at %v, last at %v; want an unknown and a known time", first.At, last.At)
	}
	if !strings.Contains(strings.Join(file.Warnings, "\n"), "more than 16 MiB before the first date") {
		t.Errorf("warnings %q, want one of events too far before the first date", file.Warnings)
	}
}

// endsOfLog reads a log and keeps its first and last event.
func endsOfLog(t *testing.T, log string) (first, last flexnet.LogEvent, file flexnet.LogFile) {
	t.Helper()
	r := flexnet.NewLogReader(strings.NewReader(log), flexnet.LogOptions{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return first, last, r.File()
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if last = e; first.Kind == 0 {
			first = e
		}
	}
}

// A stream repeats a day of a log and remembers the highest use of memory.
type stream struct {
	day  []byte
	left int
	rest []byte
	heap uint64
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.left == 0 {
			return 0, io.EOF
		}
		s.left--
		s.rest = s.day
		if s.left%8 == 0 {
			s.heap = max(s.heap, heapInUse())
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// handleDay is a day in which every checkout has a handle of its own, as
// Citrix writes them: what keeps names for ever grows with the log.
func handleDay() []byte {
	var b bytes.Buffer
	b.WriteString(" 0:00:00 (lmgrd) TIMESTAMP 5/6/2024\n")
	for i := range 2000 {
		for _, kind := range []string{"OUT", "IN"} {
			fmt.Fprintf(&b, "%2d:%02d:00 (CITRIX) %s: \"MPS_ENT_CCU\" user%d@pc%d [00000000]\n", i/60%24, i%60, kind, i%50, i%50)
		}
	}
	return b.Bytes()
}

// A numbered stream gives every checkout of a day another handle.
type numbered struct {
	stream
	n int
}

func (s *numbered) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		n := s.n
		for i := 0; ; n++ {
			for range 2 {
				at := bytes.IndexByte(s.day[i:], '[')
				if at < 0 {
					s.n = n
					return s.stream.Read(p)
				}
				copy(s.day[i+at+1:], fmt.Sprintf("%08x", n))
				i += at + 10
			}
		}
	}
	return s.stream.Read(p)
}

func TestMemoryDoesNotGrowWithTheLog(t *testing.T) {
	peak := func(days int, handles bool) uint64 {
		base := heapInUse()
		totals := flexnet.NewLogTotals(flexnet.LogOptions{})
		s := &numbered{stream: stream{left: days}}
		var in io.Reader = s
		if s.day = generateLog(logMixes[0], 256<<10); handles {
			s.day = handleDay()
		} else {
			in = &s.stream
		}
		if _, err := totals.Read(in); err != nil {
			t.Fatal(err)
		}
		if got := totals.Features(); len(got) == 0 || got[0].Out == 0 {
			t.Fatalf("nothing was read: %+v", got)
		}
		return s.heap - min(base, s.heap)
	}
	for name, handles := range map[string]bool{"the same people": false, "a handle for every checkout": true} {
		t.Run(name, func(t *testing.T) {
			short, long := peak(24, handles), peak(240, handles)
			if long > short+short/2+4<<20 {
				t.Errorf("heap %d KiB for 24 days, %d KiB for 240; want about the same", short>>10, long>>10)
			}
		})
	}
}
