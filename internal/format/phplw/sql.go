package phplw

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

const (
	// maxValue is where a value is cut: names and numbers are short.
	maxValue = 4 << 10
	// maxColumns bounds the columns of a row; real ones have less than ten.
	maxColumns = 64
)

// A value is a value of a row as the dump writes it.
type value struct {
	text string
	null bool
}

// A sqlDump reads the rows of a dump that mysqldump has made: statements that
// create tables, for the names of their columns, and those that insert rows. All
// other statements are skipped. It runs nothing.
type sqlDump struct {
	r       *bufio.Reader
	line    int
	err     error
	columns map[string][]string // of the tables, in lower case

	table  string
	names  []string // of the columns that the statement inserts
	inside bool     // a statement that inserts rows
}

func newSQLDump(r io.Reader) *sqlDump {
	return &sqlDump{r: bufio.NewReaderSize(r, 256<<10), line: 1, columns: map[string][]string{}}
}

// next returns the next row of any table. ok is false for a row that cannot be
// read; it costs no other. The error is io.EOF at the end.
func (d *sqlDump) next() (table string, columns []string, row []value, ok bool, err error) {
	for {
		if !d.inside {
			if err := d.statement(); err != nil {
				return "", nil, nil, false, err
			}
			continue
		}
		switch c := d.skipBlanks(); {
		case c == '(':
			row, ok := d.row()
			return d.table, d.names, row, ok, nil
		case c == ',':
		case c == 0 && d.err != nil:
			return "", nil, nil, false, d.ended()
		default:
			d.inside = false
			d.toEnd(c)
		}
	}
}

// ended is the reader's error, or io.EOF.
func (d *sqlDump) ended() error {
	if d.err != nil && !errors.Is(d.err, io.EOF) {
		return d.err
	}
	return io.EOF
}

// read returns the next byte; 0 at the end.
func (d *sqlDump) read() byte {
	c, err := d.r.ReadByte()
	if err != nil {
		d.err = err
		return 0
	}
	if c == '\n' {
		d.line++
	}
	return c
}

// peek returns the byte after the next read; 0 at the end.
func (d *sqlDump) peek() byte {
	b, err := d.r.Peek(1)
	if err != nil {
		return 0
	}
	return b[0]
}

// skipBlanks returns the next byte that is neither blank nor part of a comment.
// The text of a comment for MySQL's eyes only is no comment.
func (d *sqlDump) skipBlanks() byte {
	for {
		c := d.read()
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case c == '-' && d.peek() == '-' || c == '#':
			for c != '\n' && c != 0 {
				c = d.read()
			}
		case c == '/' && d.peek() == '*':
			d.read()
			d.comment()
		default:
			return c
		}
	}
}

func (d *sqlDump) comment() {
	if d.peek() == '!' { // /*!40000 ... */: what it says counts
		for c := d.read(); c == '!' || c >= '0' && c <= '9'; c = d.read() {
			if n := d.peek(); n < '0' || n > '9' {
				return
			}
		}
		return
	}
	for last := byte(0); ; {
		c := d.read()
		if c == 0 || last == '*' && c == '/' {
			return
		}
		last = c
	}
}

// word reads a word or a quoted name. c is its first byte; rest is the byte
// behind it.
func (d *sqlDump) word(c byte) (word string, rest byte) {
	if c == '`' || c == '"' || c == '\'' {
		word, _ := d.quoted(c)
		return word, d.skipBlanks()
	}
	var b strings.Builder
	for isWord(c) {
		if b.Len() < maxValue {
			b.WriteByte(c)
		}
		c = d.read()
	}
	if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
		c = d.skipBlanks()
	}
	return b.String(), c
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c == '-' || c == '+' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted reads up to the closing quote. ok is false where the dump ends first.
func (d *sqlDump) quoted(quote byte) (text string, ok bool) {
	var b strings.Builder
	for {
		c := d.read()
		switch {
		case c == 0 && d.err != nil:
			return b.String(), false
		case c == '\\' && quote != '`':
			c = unescape(d.read())
		case c == quote:
			if d.peek() != quote {
				return b.String(), true
			}
			d.read() // doubled: it stands for itself
		}
		if b.Len() < maxValue {
			b.WriteByte(c)
		}
	}
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	case 'Z':
		return 26
	}
	return c
}

// statement reads on to the first row of the next statement that inserts some,
// noting the columns of tables on the way.
func (d *sqlDump) statement() error {
	c := d.skipBlanks()
	if c == 0 && d.err != nil {
		return d.ended()
	}
	if c == ';' || c == '*' || c == '/' { // the end of a comment for MySQL's eyes only
		return nil
	}
	verb, c := d.word(c)
	switch strings.ToUpper(verb) {
	case "INSERT", "REPLACE":
		d.insert(c)
	case "CREATE":
		d.create(c)
	default:
		d.toEnd(c)
	}
	return nil
}

// insert reads "INTO `table` (`column`, ...) VALUES".
func (d *sqlDump) insert(c byte) {
	word := ""
	for strings.ToUpper(word) != "INTO" {
		if !isWord(c) {
			d.toEnd(c)
			return
		}
		word, c = d.word(c)
	}
	d.table, c = d.name(c)
	d.names = d.columns[d.table]
	if c == '(' {
		d.names, c = d.list()
	}
	if word, c = d.word(c); strings.ToUpper(word) != "VALUES" && strings.ToUpper(word) != "VALUE" {
		d.toEnd(c)
		return
	}
	if d.inside = c == '('; !d.inside {
		d.toEnd(c)
		return
	}
	if err := d.r.UnreadByte(); err != nil {
		d.inside = false
	}
}

// name reads the name of a table, without that of its database.
func (d *sqlDump) name(c byte) (string, byte) {
	name, c := d.word(c)
	for c == '.' {
		name, c = d.word(d.skipBlanks())
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ToLower(name), c
}

// list reads names up to the closing parenthesis.
func (d *sqlDump) list() (names []string, rest byte) {
	for {
		c := d.skipBlanks()
		switch {
		case c == ')' || c == 0:
			return names, d.skipBlanks()
		case c == ',':
		case c == '`' || c == '"' || isWord(c):
			name, c := d.word(c)
			if len(names) < maxColumns {
				names = append(names, strings.ToLower(name))
			}
			if c == ')' || c == 0 {
				return names, d.skipBlanks()
			}
		}
	}
}

// create reads "TABLE `name` (`column` type, ..., PRIMARY KEY (...)) ...;".
func (d *sqlDump) create(c byte) {
	word := ""
	if word, c = d.word(c); strings.ToUpper(word) != "TABLE" {
		d.toEnd(c)
		return
	}
	table, c := d.name(c)
	for _, filler := range []string{"if", "not", "exists"} {
		if table == filler {
			table, c = d.name(c)
		}
	}
	if c != '(' {
		d.toEnd(c)
		return
	}
	var names []string
	depth, first := 1, true
	for depth > 0 {
		switch c := d.skipBlanks(); {
		case c == 0 && d.err != nil:
			return
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 1:
			first = true
		case c == '\'':
			d.quoted(c)
		case c == '`' || c == '"':
			name, _ := d.quoted(c)
			if first && depth == 1 && len(names) < maxColumns {
				names = append(names, strings.ToLower(name))
			}
			first = false
		case first && isWord(c):
			name := d.plain(c)
			if !isKey(name) && depth == 1 && len(names) < maxColumns {
				names = append(names, strings.ToLower(name))
			}
			first = false
		}
	}
	d.columns[table] = names
	d.toEnd(d.read())
}

// plain reads a word without quotes, and nothing behind it.
func (d *sqlDump) plain(c byte) string {
	var b strings.Builder
	for b.WriteByte(c); isWord(d.peek()); {
		if c := d.read(); b.Len() < maxValue {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isKey tells what stands in a table and is no column.
func isKey(word string) bool {
	switch strings.ToUpper(word) {
	case "PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FOREIGN", "FULLTEXT", "SPATIAL", "CHECK", "PERIOD":
		return true
	}
	return false
}

// toEnd skips the rest of a statement. c is its next byte.
func (d *sqlDump) toEnd(c byte) {
	for ; c != ';'; c = d.skipBlanks() {
		switch {
		case c == 0 && d.err != nil:
			return
		case c == '\'' || c == '"' || c == '`':
			d.quoted(c)
		}
	}
}

// row reads the values of a row behind its opening parenthesis.
func (d *sqlDump) row() (row []value, ok bool) {
	ok = true
	for {
		var v value
		c := d.skipBlanks()
		switch {
		case c == '\'' || c == '"':
			v.text, ok = d.text(c, ok)
			c = d.skipBlanks()
		case isWord(c):
			v.text, c = d.word(c)
			v.null = strings.EqualFold(v.text, "NULL")
			if c == '\'' || c == '"' { // _binary 'text'
				v.text, ok = d.text(c, ok)
				c = d.skipBlanks()
			}
		case c == 0 && d.err != nil:
			return nil, false
		default:
			ok = false
			c = d.restOfValue(c)
		}
		if len(row) < maxColumns {
			row = append(row, v)
		}
		if c != ',' && c != ')' {
			ok = false
			c = d.restOfValue(c)
		}
		if c != ',' {
			return row, ok && c == ')'
		}
	}
}

func (d *sqlDump) text(quote byte, before bool) (string, bool) {
	text, ok := d.quoted(quote)
	return text, ok && before
}

// restOfValue skips what is no value, up to the comma or parenthesis behind it.
func (d *sqlDump) restOfValue(c byte) byte {
	depth := 0
	for {
		switch {
		case c == 0 && d.err != nil:
			return 0
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case (c == ')' || c == ',') && depth == 0:
			return c
		case c == '\'' || c == '"':
			d.quoted(c)
		}
		c = d.skipBlanks()
	}
}
