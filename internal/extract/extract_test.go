package extract

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// zipped makes a zip of names and texts.
func zipped(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err == nil {
			_, err = f.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func book(t testing.TB, sheet string) []byte {
	return zipped(t,
		"xl/workbook.xml", `<workbook xmlns:r="x"><sheets><sheet name="Sales &amp; more" r:id="rId1"/><sheet name="Empty" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>`,
		"xl/sharedStrings.xml", `<sst><si><t>region</t></si><si><r><t>rev</t></r><r><t>enue</t></r><rPh><t>no</t></rPh></si></sst>`,
		"xl/worksheets/sheet1.xml", sheet,
		"xl/worksheets/sheet2.xml", `<worksheet><sheetData/></worksheet>`)
}

const sales = `<worksheet><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>north</t></is></c><c r="C2"><v>12.5</v></c></row>
<row r="3"><c r="A3" t="b"><v>1</v></c><c r="C3"><f>SUM(C2:C2)</f><v>12.5</v></c></row>
</sheetData></worksheet>`

func TestABookIsReadBySheetsRowsAndFormulas(t *testing.T) {
	sheets, err := Book(book(t, sales), 2, 10, 5)
	if err != nil || len(sheets) != 2 {
		t.Fatalf("got %v, %v", sheets, err)
	}
	s := sheets[0]
	if s.Name != "Sales & more" || s.Rows != 3 || s.Columns != 3 || s.FormulaCount != 1 || !slices.Equal(s.Formulas, []Formula{{"C3", "SUM(C2:C2)"}}) {
		t.Errorf("got %+v", s)
	}
	if got := fmt.Sprintf("%q", s.Head); got != `[["region" "" "revenue"] ["north" "" "12.5"]]` {
		t.Errorf("got rows %s", got)
	}
	text, err := Text("a.XLSX", book(t, sales))
	if err != nil || !strings.Contains(text, "TRUE\t12.5 =SUM(C2:C2)") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestAHostileBookIsBounded(t *testing.T) {
	far := `<worksheet><row><c r="XFDXFD9"><v>1</v></c></row>` + strings.Repeat(`<row r="1048576"><c r="XFD1048576"><v>9</v></c></row>`, 1000)
	sheets, err := Book(book(t, far), 1000, 20, 5)
	if err != nil || sheets[0].Rows != 1001 || sheets[0].Columns != mostColumn {
		t.Errorf("got %+v, %v", sheets[0].Rows, err)
	}
	for _, row := range sheets[0].Head {
		if len(row) > 20 {
			t.Fatalf("a row of %d columns was kept", len(row))
		}
	}
	bomb := zipped(t, "xl/workbook.xml", `<sheets><sheet name="a" id="r"/></sheets>`,
		"xl/_rels/workbook.xml.rels", `<Relationship Id="r" Target="s.xml"/>`,
		"xl/s.xml", "<row><c><v>"+strings.Repeat("0", mostUnpacked+1))
	if len(bomb) > 1<<20 {
		t.Fatalf("the bomb has %d bytes, which is no bomb", len(bomb))
	}
	if _, err := Text("bomb.xlsx", bomb); !errors.Is(err, errTooMuch) {
		t.Errorf("got %v, want that it unpacks to too much", err)
	}
}

func TestDocumentsAndSlidesGiveTheirParagraphs(t *testing.T) {
	text, err := Text("a.docx", zipped(t, "word/document.xml", `<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t></w:r></w:p><w:p><w:t>three</w:t></w:p>`))
	if err != nil || text != "one\ttwo\nthree\n" {
		t.Errorf("got %q, %v", text, err)
	}
	text, err = Text("a.pptx", zipped(t, "ppt/slides/slide10.xml", `<a:p><a:t>ten</a:t></a:p>`, "ppt/slides/slide2.xml", `<a:p><a:t>two</a:t></a:p>`))
	if err != nil || text != "two\nten\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

const notebook = `{"cells":[{"cell_type":"markdown","source":["# Title\n","text"]},
{"cell_type":"code","source":"1+1","outputs":[{"output_type":"execute_result","data":{"text/plain":["2"],"image/png":"aGk="}},
{"output_type":"stream","text":["hello\n"]},{"output_type":"error","ename":"ValueError","evalue":"no"}]}]}`

func TestANotebookIsReadByCells(t *testing.T) {
	cells, err := Cells([]byte(notebook))
	if err != nil || len(cells) != 2 || cells[0].Source != "# Title\ntext" || !slices.Equal(cells[1].Outputs, []string{"2", "[image/png]", "hello\n", "ValueError: no"}) {
		t.Fatalf("got %+v, %v", cells, err)
	}
	if _, err := Text("a.ipynb", []byte(`{"nbformat":4}`)); err == nil {
		t.Error("a notebook without cells was taken")
	}
}

func TestAPDFGivesTheTextOfItsPages(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "report.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Text("report.pdf", data)
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{"Quarterly report", "Revenue rose to 1,204 in the north", "€ 87.", "Second paragraph", "“odd” café word"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is not in %q", want, flat)
		}
	}
}

// pdf makes a file of one page with a content stream and further objects.
func pdf(content string, objects ...string) []byte {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write([]byte(content))
	z.Close()
	return []byte("%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n" +
		"2 0 obj <</Type/Pages/Kids[3 0 R 2 0 R]/Count 1/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>> endobj\n" +
		"3 0 obj <</Type/Page/Parent 2 0 R/Contents 4 0 R>> endobj\n" +
		fmt.Sprintf("4 0 obj <</Length %d/Filter/FlateDecode>> stream\n%s\nendstream endobj\n", packed.Len(), packed.String()) +
		strings.Join(objects, "\n") + "\ntrailer <</Root 1 0 R>>\n%%EOF")
}

func TestPDFOperatorsFontsAndFormsAreFollowed(t *testing.T) {
	data := pdf(`BT /F1 12 Tf (a\(b\)\101) Tj 0 -14 Td [(wo) 20 (rd) -300 <6E657874>] TJ ET /X Do`,
		`5 0 obj <</Type/Font/Subtype/Type1/Encoding<</Differences[66/eacute]>>>> endobj`,
		`6 0 obj <</Type/XObject/Subtype/Form/Length 999>> stream
BT (from a form) Tj ET /X Do
endstream endobj`)
	text, err := Text("x.pdf", data)
	if err != nil || text != "a(b)A\nword next\nfrom a form\nfrom a form\nfrom a form\nfrom a form\nfrom a form\nfrom a form\nfrom a form\nfrom a form\n" {
		t.Errorf("got %q, %v", text, err)
	}
	mapped := pdf(`BT /F1 1 Tf <00010002> Tj ET`, `5 0 obj <</Type/Font/Subtype/Type0/ToUnicode 7 0 R>> endobj`,
		"7 0 obj <<>> stream\n1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <0416> endbfchar 1 beginbfrange <0002> <0003> <0042> endbfrange\nendstream endobj")
	if text, err := Text("y.pdf", mapped); err != nil || text != "ЖB\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestHostilePDFsAreBounded(t *testing.T) {
	nested := []byte("%PDF-1.4\n1 0 obj\n" + strings.Repeat("[", 2<<20) + strings.Repeat("<<", 1<<20) + "\nendobj")
	bomb := pdf(strings.Repeat("BT (xxxxxxxx) Tj ET ", mostUnpacked/20+1000))
	circle := pdf("", "7 0 obj 8 0 R endobj 8 0 obj 7 0 R endobj 3 0 obj <</Type/Page/Contents 7 0 R/Kids 7 0 R>> endobj")
	long := pdf("BT /F1 1 Tf ("+strings.Repeat("\\001", 1<<20)+") Tj ET", `5 0 obj <</ToUnicode 7 0 R>> endobj`,
		"7 0 obj <<>> stream\n<01> <01> <"+strings.Repeat("0041", 10_000)+"> endbfrange"+strings.Repeat("<0000> <ffff> <0041> endbfrange ", 10_000)+"\nendstream endobj")
	for name, data := range map[string][]byte{"nested": nested, "bomb": bomb, "circle": circle, "long": long} {
		text, err := Text(name+".pdf", data)
		if len(text) > mostText || (name == "bomb") != errors.Is(err, errTooMuch) {
			t.Errorf("%s: %d bytes of text, %v", name, len(text), err)
		}
	}
	if _, err := Text("e.pdf", append(pdf("BT (x) Tj ET"), "trailer <</Encrypt 9 0 R>>"...)); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("got %v, want that it is encrypted", err)
	}
}

func TestOtherFilesAreUnknown(t *testing.T) {
	for name, data := range map[string]string{"a.txt": "text", "a.xlsx": "no zip", "a.bin": "\x00\x01"} {
		if _, err := Text(name, []byte(data)); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: got %v, want ErrUnknown", name, err)
		}
	}
}

func FuzzParseBook(f *testing.F) {
	f.Add(book(f, sales))
	f.Add(zipped(f, "word/document.xml", `<w:p><w:t>a</w:t></w:p>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		Text("a.xlsx", data)
		Text("a.docx", data)
		Book(data, 10, 10, 10)
	})
}

func FuzzParsePDF(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "report.pdf"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(pdf(`BT /F1 12 Tf (a\(b\)\101) Tj [(w) 20 <41>] TJ ET /X Do BI x EI`, `5 0 obj <</Encoding<</Differences[1/a]>>/ToUnicode 6 0 R>> endobj`))
	f.Add([]byte("%PDF-1.5\n1 0 obj <</Type/ObjStm/N 1/First 4>> stream\n2 0 <</Type/Page>>\nendstream"))
	f.Add([]byte(`0 0obj(\`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pages, _ := Pages(data); len(strings.Join(pages, "")) > mostText+mostShown*64 {
			t.Error("more text than is allowed")
		}
	})
}

func FuzzParseNotebook(f *testing.F) {
	f.Add([]byte(notebook))
	f.Fuzz(func(t *testing.T, data []byte) { Text("a.ipynb", data) })
}
