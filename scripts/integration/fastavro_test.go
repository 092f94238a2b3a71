//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"spot-ingest/pkg/codec"
)

// fastavroScript answers each line {"value", "rows"} with {"rows", "value"}: what fastavro
// reads from the value, and what it writes for the rows. Bytes are in hexadecimal.
const fastavroScript = `
import io, json, sys
import fastavro
schema = fastavro.parse_schema(json.loads(sys.argv[1]))
for line in sys.stdin:
    case = json.loads(line)
    value = io.BytesIO(bytes.fromhex(case["value"]))
    rows = fastavro.schemaless_reader(value, schema)["list"]
    if value.read(1):
        raise ValueError("bytes after the end")
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, {"list": case["rows"]})
    print(json.dumps({"rows": rows, "value": out.getvalue().hex()}))
`

// What package codec writes, fastavro reads, and the other way round.
func TestFastavro(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	if out, err := exec.Command("python3", "-c", "import fastavro").CombinedOutput(); err != nil {
		missing(t, "python3 has no package fastavro: %v\n%s", err, out)
	}
	cases := randomRows()
	var in bytes.Buffer
	for _, rows := range cases {
		value := codec.NewEncoder(0, 0)
		for _, row := range rows {
			value.Append([]byte(row))
		}
		if err := json.NewEncoder(&in).Encode(map[string]any{"rows": rows, "value": hex.EncodeToString(value.Bytes())}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-c", fastavroScript, codec.Schema)
	cmd.Stdin = &in
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("fastavro refuses a value of package codec, or a row: %s", exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	for n, rows := range cases {
		var answer struct {
			Rows  []string
			Value string
		}
		if err := answers.Decode(&answer); err != nil {
			t.Fatalf("case %d of %d: %v", n, len(cases), err)
		}
		if !slices.Equal(answer.Rows, rows) {
			t.Errorf("case %d: of %d rows fastavro reads other %d", n, len(rows), len(answer.Rows))
		}
		checkDecoded(t, n, answer.Value, rows)
	}
}

func checkDecoded(t *testing.T, n int, value string, want []string) {
	t.Helper()
	raw, err := hex.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := codec.Decode(raw)
	if err != nil {
		t.Errorf("case %d: fastavro's value of %d rows is refused: %v", n, len(want), err)
		return
	}
	var rows []string
	for row := range decoded.All() {
		rows = append(rows, string(row))
	}
	if !slices.Equal(rows, want) {
		t.Errorf("case %d: of fastavro's %d rows other %d are read", n, len(want), len(rows))
	}
}

// randomRows makes lists of rows, the odd ones among them.
func randomRows() [][]string {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("abc 019,\"'\\\t\x00\x7f\u0080éß€漢字😀\uffff\U0010ffff")
	row := func(most int) string {
		var b strings.Builder
		for range r.IntN(most + 1) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		return b.String()
	}
	lists := [][]string{{}, {""}, make([]string, 5000), {strings.Repeat("x", 2_000_000)}, {"", strings.Repeat("漢", 100_000), ""}}
	for range 300 {
		list := make([]string, r.IntN(200))
		for i := range list {
			list[i] = row(200)
		}
		lists = append(lists, list)
	}
	return lists
}
