package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// says tells whether a sentence, in which … stands for what varies, is one of the program's:
// its parts are all in one text, in their order. Blanks count, but where it begins or ends
// with …, since an error's text may be within another one's.
func says(all []string, sentence string) bool {
	if rest, found := strings.CutPrefix(sentence, "…"); found {
		sentence = strings.TrimLeft(rest, " ")
	}
	if rest, found := strings.CutSuffix(sentence, "…"); found {
		sentence = strings.TrimRight(rest, " ")
	}
	parts := strings.Split(sentence, "…")
	for _, text := range all {
		found := true
		for _, part := range parts {
			if _, text, found = strings.Cut(text, part); !found {
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

// Each sentence that the troubleshooting begins with is one that the programs can say.
func TestSentences(t *testing.T) {
	all := texts(goFiles(t, false, programs...))
	for _, script := range []string{"install_DC.sh", "scripts/install/python", "scripts/install/collector.py", "scripts/install/start_listener.py"} {
		text, err := os.ReadFile(filepath.Join(root, script))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Split(string(text), "\n")...)
	}
	trouble := readPage(t, "README.md").section(t, "## Troubleshooting")
	sentences := 0
	for _, title := range []string{"the log says", "you see"} {
		for _, row := range trouble.rows(t, title) {
			for _, sentence := range code(row[0]) {
				sentences++
				if !says(all, sentence) {
					t.Errorf("nothing says %q", sentence)
				}
			}
		}
	}
	if sentences < 50 {
		t.Errorf("only %d sentences were found", sentences)
	}
}

func TestSays(t *testing.T) {
	all := []string{"File %q added to the %s queue.", "topic %q"}
	for sentence, want := range map[string]bool{
		"File … added to the … queue.": true,
		"… added to the …":             true,
		"topic …":                      true,
		"File … added to a queue.":     false,
		"File-… added to the … queue.": false,
		"File … added":                 true,
		"queue. … added to the":        false,
		"File … topic":                 false, // of two texts
	} {
		if got := says(all, sentence); got != want {
			t.Errorf("%q: got %v", sentence, got)
		}
	}
}
