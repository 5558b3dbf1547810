package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"aad/apprentice"
)

// A dataset's Parquet file has a column for each member of its rows: text, whole
// numbers, numbers, truths and lists of texts as such; what is nested deeper as the
// JSON that it is. Every column but lists may be null, where a row lacks the member.

// groupBytes is how many bytes of rows make a row group.
const groupBytes = 8 << 20

type columnKind int

const (
	asText columnKind = iota
	asInt
	asNumber
	asTruth
	asTexts
	asJSON
)

type column struct {
	name string
	kind columnKind
}

// table is how the rows of a dataset lie in Parquet.
type table struct {
	schema  *parquet.Schema
	columns []column // in the schema's order
}

func tableOf(d dataset) table {
	t := table{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(d.value)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.Anonymous && f.IsExported() && name != "-" {
			t.columns = append(t.columns, column{name, kindOf(f.Type)})
		}
	}
	slices.SortFunc(t.columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	group := parquet.Group{}
	for _, c := range t.columns {
		group[c.name] = c.node()
	}
	t.schema = parquet.NewSchema(d.name, group)
	return t
}

func kindOf(t reflect.Type) columnKind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return asText
	case reflect.Int, reflect.Int64:
		return asInt
	case reflect.Float64:
		return asNumber
	case reflect.Bool:
		return asTruth
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return asTexts
		}
	}
	return asJSON
}

func (c column) node() parquet.Node {
	switch c.kind {
	case asInt:
		return parquet.Optional(parquet.Int(64))
	case asNumber:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	case asTruth:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case asTexts:
		return parquet.List(parquet.String())
	default:
		return parquet.Optional(parquet.String())
	}
}

// path is where the column's values lie.
func (c column) path() []string {
	if c.kind == asTexts {
		return []string{c.name, "list", "element"}
	}
	return []string{c.name}
}

// row makes a Parquet row of a JSON one.
func (t table) row(to parquet.Row, line []byte) (parquet.Row, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return to, err
	}
	for i, c := range t.columns {
		var err error
		if to, err = c.values(to, i, members[c.name]); err != nil {
			return to, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return to, nil
}

func (c column) values(to parquet.Row, at int, raw json.RawMessage) (parquet.Row, error) {
	if c.kind == asTexts {
		var texts []string
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &texts); err != nil {
				return to, err
			}
		}
		if len(texts) == 0 {
			return append(to, parquet.NullValue().Level(0, 0, at)), nil
		}
		for i, text := range texts {
			to = append(to, parquet.ByteArrayValue([]byte(text)).Level(min(i, 1), 1, at))
		}
		return to, nil
	}
	if len(raw) == 0 || string(raw) == "null" {
		return append(to, parquet.NullValue().Level(0, 0, at)), nil
	}
	v, err := c.value(raw)
	return append(to, v.Level(0, 1, at)), err
}

func (c column) value(raw json.RawMessage) (v parquet.Value, err error) {
	switch c.kind {
	case asInt:
		var n int64
		err = json.Unmarshal(raw, &n)
		v = parquet.Int64Value(n)
	case asNumber:
		var n float64
		err = json.Unmarshal(raw, &n)
		v = parquet.DoubleValue(n)
	case asTruth:
		var b bool
		err = json.Unmarshal(raw, &b)
		v = parquet.BooleanValue(b)
	case asText:
		var s string
		err = json.Unmarshal(raw, &s)
		v = parquet.ByteArrayValue([]byte(s))
	default:
		v = parquet.ByteArrayValue(raw)
	}
	return v, err
}

// writeParquet makes the Parquet file of a dataset from its JSON lines, a row group
// at a time.
func writeParquet(dir string, d dataset, step func() error) (err error) {
	t := tableOf(d)
	f, err := os.OpenFile(dir+"/"+d.name+".parquet", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	options := []parquet.WriterOption{t.schema, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("aad", "release", Version), parquet.DataPageStatistics(false)}
	for _, c := range t.columns {
		options = append(options, parquet.SkipPageBounds(c.path()...))
	}
	w := parquet.NewWriter(f, options...)
	var row parquet.Row
	gathered := 0
	path, list := rowsPath(dir, d.name)
	err = eachRow(path, list, func(_ int, line []byte) (err error) {
		if row, err = t.row(row[:0], line); err != nil {
			return err
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
		if gathered += len(line); gathered >= groupBytes {
			gathered = 0
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return step()
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("write %s.parquet: %w", d.name, err)
	}
	return nil
}

// parquetReader reads a Parquet file beside the JSON lines that it should equal.
type parquetReader struct {
	t    table
	file *os.File
	r    parquet.Rows
	rows int64
	read []parquet.Row
	want parquet.Row
}

// openParquet opens the file of a dataset. Whatever is wrong with it is an error; the
// library panics at some of what it does not expect.
func openParquet(dir string, d dataset) (p *parquetReader, err error) {
	file, err := os.Open(dir + "/" + d.name + ".parquet")
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("it is damaged: %v", e)
		}
		if err != nil {
			file.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	opened, err := parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet: %w", err)
	}
	t := tableOf(d)
	if !parquet.EqualNodes(opened.Schema(), t.schema) {
		return nil, apprentice.Errorf(apprentice.Invalid, "its columns are not those of %s", d.name)
	}
	return &parquetReader{t: t, file: file, rows: opened.NumRows(), read: make([]parquet.Row, 1),
		r: parquet.MultiRowGroup(opened.RowGroups()...).Rows()}, nil
}

// same holds the next row against a JSON one.
func (p *parquetReader) same(line []byte) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("it is damaged: %v", e)
		}
	}()
	n, err := p.r.ReadRows(p.read)
	if n == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("it has fewer rows")
		}
		return err
	}
	if p.want, err = p.t.row(p.want[:0], line); err != nil {
		return err
	}
	got := p.read[0]
	if len(got) != len(p.want) {
		return errors.New("it is another row")
	}
	for i := range got {
		if !parquet.DeepEqual(got[i], p.want[i]) {
			return fmt.Errorf("column %s is another", p.t.columns[topColumn(p.t, got[i].Column())].name)
		}
	}
	return nil
}

// topColumn is the place of a leaf's column: each of ours has one leaf.
func topColumn(t table, leaf int) int { return min(max(leaf, 0), len(t.columns)-1) }

func (p *parquetReader) close() {
	p.r.Close() // it only reads: nothing is lost
	p.file.Close()
}
